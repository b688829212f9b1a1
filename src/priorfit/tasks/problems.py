"""Problems of pictures as recipes see them: at a range of their own."""

from dataclasses import replace

from priorfit import recipes
from priorfit.degradations import Mask
from priorfit.images import Picture
from priorfit.loop.finish import CropCanvas, InPictureUnits
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
    local = [step for step in problem.finish if isinstance(step, CropCanvas)]
    rest = [step for step in problem.finish if step not in local]
    back = InPictureUnits(units, replace(problem, finish=rest))
    return replace(_seen_in(units, problem), finish=[*local, back])


def for_recipe(problem: Problem, picture: Picture, recipe: str) -> Problem:
    """A problem as a recipe sees it: at the picture's own range.

    Published recipes see pictures of 8 bits as they were published.

    Args:
        problem: on the scale of the picture.
        picture: it.
        recipe: name of the recipe.
    """
    if recipes.is_published(recipe) and picture.is_everyday:
        return problem
    return in_own_units(problem, picture.limits)


def _seen_in(units: Units, problem: Problem) -> Problem:
    """A problem of a picture, in the units of a fit."""
    y, degradation, shape = units.inward(problem.observation), problem.degradation, problem.shape
    if isinstance(degradation, Mask):
        degradation = replace(degradation, known=degradation.known[:, :: units.copies])
        y = degradation(y)
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
