"""What is handed out: the picture of a fit or, where the evidence is for it, a cheap estimate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from priorfit.guarantee.guard import (
    SHARE,
    Guard,
    Verdict,
    contenders,
    for_coloured,
    make_guard,
    slug,
)
from priorfit.loop.fit import Fit
from priorfit.loop.tiled import TiledFit
from priorfit.problem import Problem
from priorfit.recipes import UNLIMITED
from priorfit.runs.follow import checked, picture_of
from priorfit.runs.job import FIT, Job
from priorfit.types import Image
from priorfit.wording import counted

_ALL = 0.5
"""Of the time that is left, by its cost, for an estimate that no fit comes after."""


@dataclass(frozen=True, eq=False)
class Handed:
    """A picture to be written.

    Args:
        image: (1, C, H, W), finished.
        why: the fit stopped.
        method: cheap estimate that has a share in it; None for the fit alone.
        share: of the fit; the mean of all tiles.
        errors: see `guarantee.Verdict`.
        note: what a user has to know of it.
    """

    image: Image
    why: str
    method: str | None = None
    share: float = 1.0
    errors: Mapping[str, float] | None = None
    note: str | None = None


def guard_for(
    job: Job, problem: Problem, steps: int, patience: float, *, white: bool = True
) -> Guard | None:
    """The guard over a job's fit; with the name of a cheap estimate that one alone.

    Args:
        job: to be done.
        problem: as the recipe sees it.
        steps: of the fit, in all.
        patience: see `guarantee.patience_within`.
        white: whether the noise is what Stein's estimate takes it for; where it is not there is no
            evidence on a fit.
    """
    methods = job.task.contenders
    if job.cheap is not None:
        return make_guard(problem, [m for m in methods if slug(m.name) == job.cheap])
    if not white:
        limit = _ALL * patience / SHARE if job.time_limit is not None else math.inf
        return make_guard(problem, for_coloured(problem, limit)) if job.hands_out_best else None
    length = None if job.time_limit is not None or steps >= UNLIMITED else steps
    return make_guard(problem, contenders(methods, problem, length, patience))


def hand_out(job: Job, fit: Fit | TiledFit, guard: Guard | None, *, cut: bool) -> Handed:
    """The picture of a fit or what takes its place.

    Args:
        job: that is done.
        fit: that has ended.
        guard: over it, if there is one.
        cut: whether the clock or somebody ended it before its steps were done.

    Raises:
        DivergenceError: the fit never had a picture of numbers, and nothing takes its place.
    """
    if isinstance(fit, TiledFit):
        return _of_tiles(fit, guard if fit.judges else None)
    if guard is None:
        return Handed(*picture_of(fit))
    image, why = fit.drawn(), fit.reason
    verdict = guard.judge(fit, image)
    # Who asks for so many steps gets what comes of them, but not of a few of them.
    best = job.hands_out_best or (cut and job.hand_out is None and job.steps is not None)
    if best and verdict.share < 1:
        note = None if verdict.share else _replaced(guard, verdict)
        image = fit.finished(guard.mix(image, verdict))
        return Handed(image, why, verdict.method, verdict.share, verdict.errors, note)
    note = None if verdict.share or best or job.hand_out == FIT else _surpassed(guard, verdict)
    return Handed(checked(fit.finished(image)), why, errors=verdict.errors, note=note)


def _of_tiles(fit: TiledFit, guard: Guard | None) -> Handed:
    image, why = picture_of(fit)
    if guard is None or not fit.shares:
        return Handed(image, why)
    tiles, name = len(fit.grid), guard.best.method.name
    shares = [fit.shares.get(i, float(i in fit.done)) for i in range(tiles)]
    lost = shares.count(0.0)
    note = None
    if lost:
        note = (
            f"{counted(lost, 'tile')} of {tiles} had too little time, or the fit was not better "
            f"there by {guard.evidence.about}: {name} is written there"
        )
    share = sum(shares) / tiles
    return Handed(image, why, name if share < 1 else None, share, note=note)


def _replaced(guard: Guard, verdict: Verdict) -> str:
    name = verdict.method
    return (
        f"the fit is not better than {name} by {guard.evidence.about}{_in_numbers(verdict)}: "
        f"{name} was written instead (--hand-out fit writes the fit)"
    )


def _surpassed(guard: Guard, verdict: Verdict) -> str:
    return (
        f"by {guard.evidence.about} {verdict.method} is better than this fit"
        f"{_in_numbers(verdict)}: --hand-out best writes the better one"
    )


def _in_numbers(verdict: Verdict) -> str:
    errors = [verdict.errors["fit"], verdict.errors[verdict.method]]
    if not all(0 < error < math.inf for error in errors):  # too small to tell, or unknown
        return ""
    return " (error of {:.2g} % of the range against {:.2g} %)".format(*(100 * e for e in errors))
