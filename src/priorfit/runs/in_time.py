"""Whether a time limit leaves time for steps, after all that comes before the first one."""

from priorfit import recipes
from priorfit.errors import PriorfitError
from priorfit.loop.fit import Recipe
from priorfit.loop.memory import seconds_before
from priorfit.problem import Problem
from priorfit.runs.job import Job

_SLOWEST = 1e-3
"""Seconds a pixel that no recipe needs before its first step on a processor as measured."""

_SHARE = 0.5
"""Of the time that is left: the picture of a fit that has only begun is worse than none."""

_PATIENCE = 3.0
"""Seconds that it may take whatever the limit."""


def is_in_time(job: Job, problem: Problem, recipe: Recipe, left: float) -> bool:
    """Whether a time limit leaves enough after what comes before the first step.

    Args:
        job: with the limit.
        problem: of the whole picture.
        recipe: of the job.
        left: seconds.
    """
    if job.time_limit is None:
        return True
    if left <= 0 and job.hands_out_best:
        return False
    _, height, width = problem.shape
    allowed = max(_SHARE * left, _PATIENCE)
    return height * width * _SLOWEST <= allowed or seconds_before(problem, recipe) <= allowed


def too_little(job: Job) -> PriorfitError:
    """The error where there is no time for a fit, and nothing cheaper that could stand in."""
    sooner = recipes.SOONER.get(job.recipe)
    other = "" if sooner is None else f", or take --recipe {sooner}, which begins sooner"
    return PriorfitError(
        f"{job.recipe} cannot begin in time within {job.time_limit:g} s: give --time-limit more"
        f"{other}"
    )
