"""Whether a time limit leaves time for steps, after all that comes before the first one."""

from priorfit import recipes
from priorfit.engine.case import Case
from priorfit.engine.request import Request
from priorfit.errors import PriorfitError
from priorfit.loop.fit import Recipe
from priorfit.loop.memory import seconds_before

_SLOWEST = 1e-3
"""Seconds a pixel that no recipe needs before its first step on a processor as measured."""

_SHARE = 0.5
"""Of the time that is left: the picture of a fit that has only begun is worse than none."""


def is_in_time(case: Case, recipe: Recipe, left: float) -> bool:
    """Whether a time limit leaves enough after what comes before the first step.

    Args:
        case: with the limit.
        recipe: of the fit.
        left: seconds.
    """
    request, problem = case.request, case.problem
    if request.time_limit is None:
        return True
    if left <= 0 and request.hands_out_best:
        return False
    _, height, width = problem.shape
    allowed = max(_SHARE * left, case.grace)
    return height * width * _SLOWEST <= allowed or seconds_before(problem, recipe) <= allowed


def too_little(request: Request) -> PriorfitError:
    """The error where there is no time for a fit, and nothing cheaper that could stand in."""
    sooner = recipes.find(request.recipe).sooner
    other = "" if sooner is None else f", or take --recipe {sooner}, which begins sooner"
    return PriorfitError(
        f"{request.recipe} cannot begin in time within {request.time_limit:g} s: "
        f"give --time-limit more{other}"
    )
