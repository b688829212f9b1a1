"""`priorfit recipes`."""

from typing import Annotated

import typer

from priorfit.cli.misuse import Commands
from priorfit.cli.session import table

recipes = typer.Typer(
    cls=Commands, help="The recipes, and where their numbers come from.", no_args_is_help=False
)


@recipes.command("list")
def list_recipes() -> None:
    """List all recipes."""
    from priorfit.recipes import ANALYSES, METHODS

    every = {**METHODS, **ANALYSES}
    rows = [(name, m.tasks[0], str(m.length), m.about) for name, m in every.items()]
    table(("recipe", "task", "steps", "for"), sorted(rows))


@recipes.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `priorfit recipes list` names it.")
    ],
) -> None:
    """Show every number of a recipe with its source."""
    from priorfit.errors import RecipeError
    from priorfit.recipes import ANALYSES, find

    try:
        method = ANALYSES[name] if name in ANALYSES else find(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    table(("setting", "value", "source"), method.rows())
