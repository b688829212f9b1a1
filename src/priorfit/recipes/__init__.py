"""Recipes by name, `family/task` or `family/task-variant`, from the table of families.

A new family is a folder here and a line in `FAMILIES`; other packages `register` theirs.
"""

import difflib

from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe
from priorfit.recipes import dip, latent, pixels, zs_n2n
from priorfit.recipes.family import Family
from priorfit.recipes.method import Cited, Kit, Method, check_parts, checkpoints_of

FAMILIES: list[Family] = [dip.FAMILY, zs_n2n.FAMILY, latent.FAMILY, pixels.PIXELS, pixels.TV]

METHODS: dict[str, Method] = {n: each for of in FAMILIES for n, each in of.methods.items()}
"""Recipes that restore pictures, by name."""

ANALYSES: dict[str, Method] = {n: each for of in FAMILIES for n, each in of.analyses.items()}
"""Recipes for `priorfit analyse`; no task that restores takes them."""

UNLIMITED = 10**9
"""Steps of a fit that the clock alone ends."""

__all__ = [
    "ANALYSES",
    "analysis_named",
    "check_parts",
    "checkpoints_of",
    "Cited",
    "FAMILIES",
    "Family",
    "find",
    "is_published",
    "Kit",
    "load",
    "longest",
    "Method",
    "METHODS",
    "register",
    "UNLIMITED",
]


def register(family: Family) -> None:
    """Add a family, or more methods of one, to those that are found by name in this process.

    Raises:
        RecipeError: one of the names is taken.
    """
    known = METHODS.keys() | ANALYSES.keys()
    for name in (*family.methods, *family.analyses):
        if name in known:
            raise RecipeError(f"there is a recipe '{name}' already: choose another name")
    FAMILIES.append(family)
    METHODS.update(family.methods)
    ANALYSES.update(family.analyses)


def find(name: str) -> Method:
    """Look a method up by its name.

    Raises:
        RecipeError: there is none of that name.
    """
    return _found(name, METHODS)


def analysis_named(name: str) -> Method:
    """Look the method of an analysis up by its name.

    Raises:
        RecipeError: there is none of that name.
    """
    return _found(name, ANALYSES)


def is_published(name: str) -> bool:
    """Whether the numbers of a recipe are somebody's published ones, see `Method`."""
    return name in METHODS and METHODS[name].published


def longest(name: str, steps: int | None, *, limited: bool) -> int:
    """Steps that a fit takes if no clock, no rule and nobody stops it.

    Args:
        name: of the recipe.
        steps: that were asked for.
        limited: whether its time is, so that it may become longer than the recipe's own.

    Raises:
        RecipeError: there is no recipe of that name.
    """
    method = find(name)
    if steps is not None:
        return steps
    return (method.most or UNLIMITED) if limited else method.length


def load(name: str, steps: int | None = None, kit: Kit | None = None) -> Recipe:
    """Make a recipe.

    Args:
        name: one of `METHODS`.
        steps: length of the fit; the method's own by default.
        kit: device and trained networks; a processor and the method's own by default.

    Raises:
        RecipeError: there is none of that name.
        CheckpointError: a network that it needs is missing or damaged.
    """
    return find(name).recipe(steps, kit)


def _found(name: str, known: dict[str, Method]) -> Method:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise RecipeError(f"no recipe is called '{name}': {hint}`priorfit recipes list` names them")
