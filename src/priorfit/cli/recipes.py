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
    from priorfit.recipes import ANALYSES, SETTINGS, task_of

    every = {**SETTINGS, **ANALYSES}
    rows = [(name, task_of(name), str(s.steps.value), s.about) for name, s in every.items()]
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
    from priorfit.recipes.show import rows

    try:
        setting = ANALYSES[name] if name in ANALYSES else find(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    table(("setting", "value", "source"), rows(setting))
