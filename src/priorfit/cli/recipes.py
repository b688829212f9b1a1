"""`priorfit recipes`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli.misuse import Commands
from priorfit.cli.session import say, table

if TYPE_CHECKING:
    from priorfit.recipes import Family, Method

recipes = typer.Typer(
    cls=Commands, help="List the recipes and the sources of their numbers.", no_args_is_help=False
)

_HEAD = ("recipe", "task", "steps", "for")
_Row = tuple[str, str, str, str]


@recipes.command("list")
def list_recipes() -> None:
    """List all recipes, family by family."""
    from priorfit.recipes import FAMILIES

    if not sys.stdout.isatty():
        table(_HEAD, [row for family in FAMILIES for row in _rows(family)])
        return
    for family in FAMILIES:
        say(f"{family.name}: {family.about}")
        table(_HEAD, _rows(family))


def _rows(family: "Family") -> list[_Row]:
    """Its methods by task, those of the analyses last."""

    def row(name: str, method: "Method") -> _Row:
        return (name, ", ".join(method.tasks), str(method.length), method.about)

    restoring = [row(name, method) for name, method in family.methods.items()]
    analysing = [row(name, method) for name, method in family.analyses.items()]
    return [*sorted(restoring, key=lambda each: each[1]), *sorted(analysing, key=lambda e: e[1])]


@recipes.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name from `priorfit recipes list`.")],
) -> None:
    """Show what a recipe is for, and every number of it with its source."""
    from priorfit.errors import RecipeError
    from priorfit.recipes import ANALYSES, find

    try:
        method = ANALYSES[name] if name in ANALYSES else find(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    about = [("for", method.about, ""), ("task", ", ".join(method.tasks), "")]
    table(("setting", "value", "source"), [*about, *method.rows()])
