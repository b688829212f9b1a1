"""Problems of pictures as recipes see them: at a range of their own."""

from dataclasses import replace

from priorfit import recipes
from priorfit.images import Picture
from priorfit.loop.finish import InPictureUnits
from priorfit.problem import Problem
from priorfit.units import UNLIMITED, Limits, Units


def in_own_units(problem: Problem, limits: Limits = UNLIMITED) -> Problem:
    """The same problem at the picture's own range, see `Units`; its finish leads back.

    Args:
        problem: on the scale of a picture.
        limits: what the file can store, on that scale.
    """
    units = Units.of(problem.observation, problem.known, limits)
    if units.is_identity:
        return problem
    return replace(_seen_in(units, problem), finish=[InPictureUnits(units, problem)])


def for_recipe(problem: Problem, picture: Picture, recipe: str) -> Problem:
    """A problem as a recipe sees it: at the picture's own range.

    Published recipes see pictures of 8 bits as they were published, and generators as they learnt
    them.

    Args:
        problem: on the scale of the picture.
        picture: it.
        recipe: name of the recipe.
    """
    method = recipes.find(recipe)
    if (method.published or method.synthesises) and picture.is_everyday:
        return problem
    return in_own_units(problem, picture.limits)


def _seen_in(units: Units, problem: Problem) -> Problem:
    """A problem of a picture, in the units of a fit."""
    degradation, shape = problem.operator.in_units(units), problem.shape
    y = degradation.refill(units.inward(problem.observation))
    std, companion = problem.noise_std, problem.companion
    return replace(
        problem,
        observation=y,
        degradation=degradation,
        image_shape=(shape[0] // units.copies, *shape[1:]),
        noise_std=None if std is None else std / units.span,
        companion=None
        if companion is None
        else replace(Units.of(companion), copies=1).inward(companion),
    )
