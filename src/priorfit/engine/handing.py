"""What is handed out: the picture of a fit or, where the evidence is for it, a cheap estimate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from priorfit.engine.case import Case, Wording
from priorfit.engine.course import Course
from priorfit.engine.ending import End
from priorfit.engine.request import FIT
from priorfit.errors import DivergenceError
from priorfit.guarantee.comparators import AS_IT_WAS
from priorfit.guarantee.guard import (
    SHARE,
    Guard,
    Verdict,
    contenders,
    for_coloured,
    make_guard,
    slug,
)
from priorfit.recipes import UNLIMITED
from priorfit.types import Image
from priorfit.wording import counted

_ALL = 0.5
"""Of the time that is left, by its cost, for an estimate that no fit comes after."""


@dataclass(frozen=True, eq=False)
class Handed:
    """A picture to be handed out.

    Args:
        image: (1, C, H, W), finished.
        end: how the run ended.
        why: it ended so, in a sentence.
        method: cheap estimate that has a share in it; None for the fit alone.
        share: of the fit; the mean of all tiles.
        errors: see `guarantee.Verdict`.
        note: what a user has to know of it.
        worse: whether the note says that there is no fit in it although one was wanted.
    """

    image: Image
    end: End
    why: str
    method: str | None = None
    share: float = 1.0
    errors: Mapping[str, float] | None = None
    note: str | None = None
    worse: bool = False

    @property
    def replaced(self) -> bool:
        """Whether a cheap estimate stands in the place of a fit, all or some of it."""
        return self.method is not None and self.note is not None


def guard_for(case: Case, steps: int, patience: float, *, alone: bool = False) -> Guard | None:
    """The guard over a fit; with the name of a cheap estimate that one alone.

    Args:
        case: the picture.
        steps: of the fit, in all.
        patience: see `guarantee.patience_within`.
        alone: no fit comes after it, so that a cheap estimate may take half of the time.
    """
    request, problem, methods = case.request, case.problem, case.task.contenders
    if request.cheap is not None:
        return make_guard(problem, [m for m in methods if slug(m.name) == request.cheap])
    if not case.white:  # no evidence on a fit holds
        limit = _ALL * patience / SHARE if request.time_limit is not None else math.inf
        return make_guard(problem, for_coloured(problem, limit)) if request.hands_out_best else None
    if alone:
        return make_guard(problem, contenders(methods, problem, None, _ALL * patience / SHARE))
    length = None if request.time_limit is not None or steps >= UNLIMITED else steps
    return make_guard(problem, contenders(methods, problem, length, patience))


def as_it_was(case: Case) -> Handed:
    """The picture itself, which needs no restoring."""
    why = f"{case.needless}: the picture is left as it was (--force restores it)"
    sentence, name = End.NEEDLESS.sentence, AS_IT_WAS.name
    return Handed(case.picture.tensor(), End.NEEDLESS, sentence, name, 0.0, note=why)


def without_fit(case: Case, guard: Guard, why: str) -> Handed:
    """The best cheap estimate.

    Args:
        case: the picture.
        guard: has the estimates.
        why: no fit was made.
    """
    name = guard.best.method.name
    image = case.problem.apply_finish(guard.instead)
    said = f"{End.CHEAP.sentence}: {why}"
    note = f"no fit was made, {why}: this is {name}"
    return Handed(image, End.CHEAP, said, name, 0.0, note=note)


def of_fit(case: Case, course: Course, guard: Guard | None) -> Handed:
    """The picture of a fit or what takes its place.

    Args:
        case: the picture.
        course: of a fit that has ended.
        guard: over it, if there is one.

    Raises:
        DivergenceError: the fit never had a picture of numbers, and nothing takes its place.
    """
    request, fit, end = case.request, course.fit, course.end
    assert end is not None
    if fit.pieces is not None:
        return _of_pieces(course, guard)
    image = fit.drawn()
    if guard is None:
        return Handed(checked(fit.finished(image)), end, course.why)
    verdict = guard.judge(fit, image)
    # Who asks for so many steps gets what comes of them, but not of a few of them.
    cut = end.cut_short and request.hand_out is None and request.steps is not None
    best = request.hands_out_best or cut
    told = case.wording
    if best and verdict.share < 1:
        note = None if verdict.share else _replaced(guard, verdict, told)
        image = fit.finished(guard.mix(image, verdict))
        method, share, errors = verdict.method, verdict.share, verdict.errors
        return Handed(image, end, course.why, method, share, errors, note, worse=not share)
    silent = verdict.share or best or request.hand_out == FIT
    note = None if silent else _surpassed(guard, verdict, told)
    return Handed(checked(fit.finished(image)), end, course.why, errors=verdict.errors, note=note)


def checked(image: Image) -> Image:
    """A picture of a fit, which is one of numbers.

    Raises:
        DivergenceError: it is not.
    """
    if not torch.isfinite(image).all():
        raise DivergenceError("the loss is no longer a number: try another seed or recipe")
    return image


def _of_pieces(course: Course, guard: Guard | None) -> Handed:
    """What is handed out of a fit of tiles, each judged by itself."""
    assert course.end is not None
    image, end, why = checked(course.fit.result().image), course.end, course.why
    shares = course.fit.shares()
    if guard is None or not shares:
        return Handed(image, end, why)
    tiles, name = len(shares), guard.best.method.name
    lost = shares.count(0.0)
    note = None
    if lost:
        note = (
            f"{counted(lost, 'tile')} of {tiles} had too little time, or the fit was not better "
            f"there by {guard.evidence.about}: {name} is written there"
        )
    share = sum(shares) / tiles
    return Handed(image, end, why, name if share < 1 else None, share, note=note)


def _replaced(guard: Guard, verdict: Verdict, told: Wording) -> str:
    name = verdict.method
    return (
        f"the fit is not better than {name} by {guard.evidence.about}{_in_numbers(verdict)}: "
        f"{name} {told.replaced}"
    )


def _surpassed(guard: Guard, verdict: Verdict, told: Wording) -> str:
    return (
        f"by {guard.evidence.about} {verdict.method} is better than this fit"
        f"{_in_numbers(verdict)}: {told.surpassed}"
    )


def _in_numbers(verdict: Verdict) -> str:
    errors = [verdict.errors["fit"], verdict.errors[verdict.method]]
    if not all(0 < error < math.inf for error in errors):  # too small to tell, or unknown
        return ""
    return " (error of {:.2g} % of the range against {:.2g} %)".format(*(100 * e for e in errors))
