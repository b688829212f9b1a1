"""What the prior does: the same problem solved with none, with total variation, with a network."""

from collections.abc import Mapping
from dataclasses import dataclass

from priorfit import recipes
from priorfit.analysis.fit import Fitted, fitted
from priorfit.engine.run import Callback
from priorfit.problem import Problem

ARMS: Mapping[str, str] = {"none": "pixels", "tv": "tv", "dip": "dip"}
"""What stands for the prior, to the family of its recipe."""


@dataclass(frozen=True)
class Arm:
    """One way to solve the problem.

    Args:
        name: a key of `ARMS`.
        recipe: name of its recipe.
        fitted: what came of it.
    """

    name: str
    recipe: str
    fitted: Fitted


def recipe_of(arm: str, *, noisy: bool, paper: bool) -> str:
    """Name of the recipe of an arm.

    Args:
        arm: a key of `ARMS`.
        noisy: the observation is an image with noise and nothing else.
        paper: the published numbers.
    """
    name = f"{ARMS[arm]}/effect"
    if paper:
        return f"{name}-paper"
    return f"{name}-noise" if noisy and arm == "tv" else name


def effect(
    problem: Problem,
    arm: str,
    recipe: str,
    seed: int,
    *,
    steps: int | None = None,
    watch: Callback | None = None,
) -> Arm:
    """Solve a problem in one of the ways.

    Args:
        problem: to be solved.
        arm: a key of `ARMS`.
        recipe: name of its recipe.
        seed: gives every number.
        steps: length of the fit; the recipe's own by default.
        watch: sees every step.

    Raises:
        RecipeError: there is no recipe of that name.
        DivergenceError: the loss stopped being a number.
    """
    made = recipes.analysis_named(recipe).recipe(steps)
    return Arm(arm, recipe, fitted(problem, made, seed, watch))
