"""Whether a time limit leaves time for steps, after all that comes before the first one."""

from priorfit import recipes
from priorfit.errors import PriorfitError
from priorfit.memory import seconds_before
from priorfit.pipeline.job import Job
from priorfit.problem import Problem
from priorfit.restore import Recipe

_SLOWEST = 1e-3
"""Seconds a pixel that no recipe needs before its first step on a processor as measured."""

_SHARE = 0.5
"""Of the time that is left: the picture of a fit that has only begun is worse than none."""

_PATIENCE = 3.0
"""Seconds that it may take whatever the limit."""


def check_in_time(job: Job, problem: Problem, recipe: Recipe, left: float) -> None:
    """Refuse a time limit that what comes before the first step would use up.

    Args:
        job: with the limit.
        problem: of the whole picture.
        recipe: of the job.
        left: seconds.

    Raises:
        PriorfitError: too little time.
    """
    _, height, width = problem.shape
    allowed = max(_SHARE * left, _PATIENCE)
    if height * width * _SLOWEST <= allowed:
        return
    needed = seconds_before(problem, recipe)
    if needed <= allowed:
        return
    sooner = recipes.SOONER.get(job.recipe)
    other = "" if sooner is None else f", or take --recipe {sooner}, which begins sooner"
    raise PriorfitError(
        f"{job.recipe} needs about {needed:.0f} s before its first step, of the {job.time_limit:g} "
        f"s that it may take: give --time-limit more{other}"
    )
