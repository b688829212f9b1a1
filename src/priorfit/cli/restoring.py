"""The commands that restore pictures, each made from its task: options, types and help."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from priorfit.cli import options
from priorfit.cli.common import Common, sharing
from priorfit.cli.session import restore
from priorfit.tasks import Task
from priorfit.tasks.base import Typed, bound_of, explain, option_of

Command = Callable[..., None]
Kind = TypeVar("Kind", bound=Task)


def command_of(kind: type[Task]) -> Command:
    """The command of a task.

    Args:
        kind: whose fields with a description become options.
    """
    named = kind.picture_option

    def command(*, output: str, common: Common, **given: Any) -> None:
        pictures = given.pop("inputs") if named is None else [given.pop(named[0])]

        def task_of(picture: Path) -> Task:
            task = read_options(kind, _for_picture(kind, given, picture))
            return task.for_recipe(common.recipe)

        restore(pictures, output, common, task_of)

    own = [*_places(kind), *(_parameter(*each) for each in kind.typed().items())]
    common = Parameter("common", Parameter.KEYWORD_ONLY)
    vars(command)["__signature__"] = Signature([*own, common])
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
        name, message = explain(kind, error)
        hint = None if name is None else f"'{option_of(name)}'"
    except ValueError as error:
        message = str(error)
    raise typer.BadParameter(message, param_hint=hint)


def _places(kind: type[Task]) -> list[Parameter]:
    """What is read and what is written."""
    if kind.picture_option is None:
        read = Parameter("inputs", Parameter.KEYWORD_ONLY, annotation=options.Inputs)
    else:
        name, about = kind.picture_option
        option = typer.Option(option_of(name), help=about, show_default=False)
        read = Parameter(name, Parameter.KEYWORD_ONLY, annotation=Annotated[Path, option])
    return [read, Parameter("output", Parameter.KEYWORD_ONLY, annotation=options.Output)]


def _parameter(name: str, declared: tuple[FieldInfo, Typed]) -> Parameter:
    """An option for a field of a task."""
    field, typed = declared
    option = typer.Option(
        option_of(name) if field.default is not True else _switch(name),
        metavar=typed.metavar,
        help=field.description,
        min=bound_of(field, "ge"),
        max=bound_of(field, "le"),
        show_default=not typed.required,
        callback=options.named if typed.written else None,
    )
    default = Parameter.empty if typed.required else typed.shown or field.default
    value = _type(name, field, typed)
    if default is None:
        value = value | None
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[value, option]
    )


def _type(name: str, field: FieldInfo, typed: Typed) -> Any:
    """What Typer is to read."""
    if typed.choices:
        return StrEnum(name.title(), {choice: choice for choice in typed.choices})
    if typed.as_text:
        return str
    known = (field.annotation, *get_args(field.annotation))
    return next(kind for kind in (bool, int, float, Path, str) if kind in known)


def _switch(name: str) -> str:
    return f"{option_of(name)}/{option_of(name, on=False)}"


def _for_picture(kind: type[Task], given: Mapping[str, Any], picture: Path) -> dict[str, object]:
    """What was typed, with the files that go with one picture."""
    from priorfit.runs import matched

    values: dict[str, object] = {}
    for name, (_, typed) in kind.typed().items():
        value = given[name]
        if isinstance(value, StrEnum):
            value = value.value
        values[name] = matched(value, picture) if typed.by_picture and value else value
    return values
