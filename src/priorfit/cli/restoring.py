"""The commands that restore pictures, each made from its task: options, types and help."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from priorfit.cli import options
from priorfit.cli.common import Common, sharing
from priorfit.cli.session import restore
from priorfit.tasks import Task
from priorfit.tasks.options import Option, explain

Command = Callable[..., None]
Kind = TypeVar("Kind", bound=Task)


def command_of(kind: type[Task]) -> Command:
    """The command of a task.

    Args:
        kind: whose fields with a description become options.
    """
    named, declared = kind.picture_option, kind.declared()

    def command(*, output: str, common: Common, **given: Any) -> None:
        pictures = given.pop("inputs") if named is None else [given.pop(named.field)]

        def task_of(picture: Path) -> Task:
            values = {n: _value_of(option, given[n], picture) for n, option in declared.items()}
            return read_options(kind, values).for_recipe(common.recipe)

        restore(pictures, output, common, task_of)

    read = _keyword("inputs", options.Inputs) if named is None else _parameter(named)
    own = [read, _keyword("output", options.Output), *map(_parameter, declared.values())]
    vars(command)["__signature__"] = Signature([*own, _keyword("common", Common)])
    command.__name__ = kind.name()
    command.__doc__ = kind.__doc__
    return sharing(Common, {"recipe": kind.default_recipe})(command)


def read_options(kind: type[Kind], given: Mapping[str, object]) -> Kind:
    """A task of what was typed.

    Raises:
        BadParameter: that makes no sense, or says too little.
    """
    hint = None
    try:
        task = kind.model_validate(dict(given))
        task.check()
        return task
    except ValidationError as error:
        option, message = explain(kind.declared(), error)
        hint = None if option is None else f"'{option.flag()}'"
    except ValueError as error:
        message = str(error)
    raise typer.BadParameter(message, param_hint=hint)


def _keyword(name: str, annotation: Any, default: object = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _parameter(option: Option) -> Parameter:
    """An option as Typer takes it."""
    typed = option.typed
    declared = typer.Option(
        option.flag() + (f"/{option.flag(on=False)}" if option.default is True else ""),
        metavar=typed.metavar,
        help=option.help,
        min=option.least,
        max=option.most,
        show_default=not typed.required,
        callback=options.named if typed.written else None,
    )
    value = _choice(option) if typed.choices else option.value
    default = typed.shown or option.default
    if typed.required:
        return _keyword(option.field, Annotated[value, declared])
    if default is None:
        value = value | None
    return _keyword(option.field, Annotated[value, declared], default)


def _choice(option: Option) -> Any:
    """The values of an option, of which Typer takes no other."""
    make: Any = StrEnum  # checkers want the names of an enumeration written out
    return make(option.field.title(), {choice: choice for choice in option.typed.choices})


def _value_of(option: Option, value: Any, picture: Path) -> object:
    """What was typed for an option, as the model takes it for a picture."""
    from priorfit.runs import matched

    if isinstance(value, StrEnum):
        return value.value
    return matched(value, picture) if option.typed.by_picture and value is not None else value
