"""The options of a task as its fields declare them: for command line, pages and messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_PLAIN = (bool, int, float, Path, str)


@dataclass(frozen=True)
class Typed:
    """How an option is typed, beside what its field says: one more part of the field's annotation.

    Args:
        option: its name, without dashes, where the field cannot be called so.
        metavar: what stands for its value in the help.
        as_text: it is typed in words of its own, which the model reads.
        shown: what the help says is the default, where that is None.
        choices: all that it may be.
        required: nothing is done for a file without it, though an array may do without.
        by_picture: a folder with a file for each picture will do.
        written: a file that the task writes, and does not read.
    """

    option: str | None = None
    metavar: str | None = None
    as_text: bool = False
    shown: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    by_picture: bool = False
    written: bool = False


@dataclass(frozen=True)
class Option:
    """An option, read from a field with a description.

    Args:
        field: its name.
        help: what it means.
        value: what is typed for it: a bool, int, float, Path or str.
        default: in the model.
        least: number that will do; None without a bound.
        most: likewise.
        typed: what else was declared.
    """

    field: str
    help: str
    value: type
    default: object = None
    least: float | None = None
    most: float | None = None
    typed: Typed = Typed()

    def flag(self, *, on: bool = True) -> str:
        """The option as it is typed; for a switch, as it is switched on or off."""
        name = self.typed.option or self.field.replace("_", "-")
        return f"--{'' if on else 'no-'}{name}"

    def arguments(self, value: object) -> list[str]:
        """What is typed for a value: nothing for None, and for a switch that is as usual."""
        if isinstance(value, bool):
            return [] if value == self.default else [self.flag(on=value)]
        return [] if value is None else [self.flag(), _text(value)]

    @property
    def role(self) -> str:
        """Its part in the task, in words."""
        return self.field.replace("_", " ")


def options_of(model: type[BaseModel]) -> dict[str, Option]:
    """The options of a model, by the names of their fields."""
    described = {name: field for name, field in model.model_fields.items() if field.description}
    return {name: _option(name, field) for name, field in described.items()}


def explain(options: Mapping[str, Option], error: ValidationError) -> tuple[Option | None, str]:
    """Say what is wrong with the options of a task.

    Args:
        options: that it has.
        error: of the model.

    Returns:
        The option, None where it is several or none; and a line about the first thing.
    """
    first = error.errors()[0]
    option = options.get(str(first["loc"][0])) if first["loc"] else None
    said = _WORDS.get(first["type"])
    if said is None or not first["loc"]:
        return option, first["msg"].removeprefix("Value error, ")
    if option is not None and option.least is not None and option.most is not None:
        said = f"expected {{0}} from {option.least:g} to {option.most:g}"
    about = str(first["loc"][0]) if option is None else option.role
    return option, f"{said.format(about, **first.get('ctx', {}))}, got {first['input']!r}"


_WORDS = {
    "greater_than_equal": "expected {0} of {ge:g} or more",
    "greater_than": "expected {0} above {gt:g}",
    "less_than_equal": "expected {0} of {le:g} or less",
    "less_than": "expected {0} below {lt:g}",
    "finite_number": "expected a finite number for {0}",
    "int_from_float": "expected a whole number for {0}",
    "int_parsing": "expected a whole number for {0}",
    "int_type": "expected a whole number for {0}",
    "float_parsing": "expected a number for {0}",
    "float_type": "expected a number for {0}",
    "extra_forbidden": "there is no option {0}",
}


def _option(name: str, field: FieldInfo) -> Option:
    typed = next((each for each in field.metadata if isinstance(each, Typed)), Typed())
    known = (field.annotation, *get_args(field.annotation))
    value = str if typed.as_text else next(kind for kind in _PLAIN if kind in known)
    least, most = _bound(field, "ge"), _bound(field, "le")
    return Option(name, field.description or "", value, field.default, least, most, typed)


def _bound(field: FieldInfo, end: str) -> float | None:
    bounds = (getattr(each, end, None) for each in field.metadata)
    return next((bound for bound in bounds if bound is not None), None)


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, tuple):
        return ",".join(_text(part) for part in value)
    return value if isinstance(value, str) else repr(value)
