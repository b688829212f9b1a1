"""No picture leaves worse than it came: a fit beside what costs next to nothing, by the evidence.

A fit that has hardly begun, or went astray, loses to a cheap estimate, which is then handed out in
its place. Where both are good, a mixture is better than either.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from priorfit.degradations import Window
from priorfit.guarantee.comparators import (
    AS_IT_WAS,
    CAMERA,
    CAMERA_QUICK,
    PATIENCE,
    Comparator,
)
from priorfit.guarantee.evidence import Contender, Evidence, evidence_on
from priorfit.loop.fitting import Fitting
from priorfit.loop.tiles import Grid, part_of, solved
from priorfit.problem import Problem
from priorfit.types import Image

FOR_COLOURED = (CAMERA, CAMERA_QUICK)
"""What removes noise that is not white, in place of a fit; the best first."""

SHARE = 0.15
"""Of the time that is left, for each of the cheap estimates."""

_PIECE = 1024  # pixels of a side: a cheap method takes larger pictures in tiles


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of a fit.

    Args:
        method: name of the cheap estimate that it was held against.
        share: of the fit in what is handed out: 1 where it is best alone, 0 where the estimate is.
        errors: estimated root mean squared errors by name, as fractions of the range of the fit;
            infinite where there is no estimate. The fit is called so.
    """

    method: str
    share: float
    errors: Mapping[str, float]


class Guard:
    """Hands out the picture of a fit, or the best cheap estimate where the evidence is for that.

    Both are mixed where Stein's estimate tells by how much: stacking [wolpert1992]_.

    Args:
        evidence: on the problem.
        contenders: the cheap estimates, at least one.
    """

    def __init__(self, evidence: Evidence, contenders: Sequence[Contender]) -> None:
        self.evidence = evidence
        self.errors = {c.method.name: evidence.of(c.image, c.known) for c in contenders}
        self.best = min(contenders, key=lambda each: self.errors[each.method.name])

    @property
    def instead(self) -> Image:
        """The best cheap estimate, (1, C, H, W) in [0, 1], not finished."""
        return self.best.image

    def judge(self, fit: Fitting, image: Image) -> Verdict:
        """Hold the picture of a fit, not finished, against the best cheap estimate."""
        error = self.evidence.of_fit(fit, image)
        name = self.best.method.name
        errors = {name: _root(value) for name, value in (*self.errors.items(), ("fit", error))}
        share = self.evidence.share(image, error, self.best, self.errors[name])
        return Verdict(name, share, errors)

    def mix(self, image: Image, verdict: Verdict) -> Image:
        """What is handed out in the place of the picture of a fit, not finished."""
        if verdict.share in (0.0, 1.0):  # what has no share may hold no numbers
            return image if verdict.share else self.best.image
        return torch.lerp(self.best.image, image, verdict.share)

    def part(self, window: Window) -> "Guard":
        """The same for the part of the observation inside a window, by the same cheap estimate."""
        problem, best = self.evidence.problem, self.best
        part, inside = part_of(problem, window), problem.operator.behind(window)
        image = _same(part) if best.method is AS_IT_WAS else inside.cut(best.image)
        return Guard(evidence_on(part), [replace(best, image=image)])


@torch.no_grad()
def make_guard(problem: Problem, methods: Sequence[Comparator]) -> Guard | None:
    """Make the cheap estimates of a problem that a fit has to surpass.

    Args:
        problem: one observation, in the units of the fit.
        methods: that may be handed out in its place.

    Returns:
        None where there is nothing cheap.
    """
    if not methods:
        return None
    evidence = evidence_on(problem)
    made = [Contender(m, _solved(m, problem), evidence.known(m)) for m in methods]
    return Guard(evidence, made)


def for_coloured(problem: Problem, patience: float = math.inf) -> list[Comparator]:
    """The method that removes noise that is not white.

    Args:
        problem: one observation.
        patience: seconds that it may take, by its cost.
    """
    fitting = [method for method in FOR_COLOURED if method.fits(problem, patience)]
    return [*fitting, FOR_COLOURED[-1]][:1]


def patience_within(left: float | None) -> float:
    """Seconds that each cheap estimate may take.

    Args:
        left: of a time limit, in seconds; None where there is none.
    """
    return PATIENCE if left is None else min(PATIENCE, max(0.0, SHARE * left))


def slug(name: str) -> str:
    """Name of a method as an option has it."""
    return name.lower().replace(" ", "-")


def contenders(
    methods: Sequence[Comparator], problem: Problem, steps: int | None, patience: float
) -> list[Comparator]:
    """The cheap methods that a fit of a problem is held against.

    Without a time limit the quick ones always, others if they cost a small part of the fit.

    Args:
        methods: that may be handed out in its place.
        problem: one observation.
        steps: of the fit; None where the clock ends it.
        patience: seconds that each of them may take, by its cost.
    """
    pixels = problem.shape[1] * problem.shape[2]
    share = patience if steps is None else min(patience, _PART * _STEP * steps * pixels / 1e6)
    methods = [method for method in methods if method not in FOR_COLOURED]
    quickest = [min(methods, key=lambda each: each.cost)] if methods else []
    chosen = [
        method
        for method in methods
        if method.fits(problem, share)
        or (method.cost <= _QUICK and (steps is not None or method.fits(problem, _ALWAYS)))
    ]
    return chosen or quickest  # however short the time


_ALWAYS = 1.0  # seconds that a quick one may take, however short the time
_QUICK = 2.0  # seconds a megapixel
_STEP = 1.5  # seconds a megapixel and step of a fit
_PART = 0.15  # of a fit's time


def _solved(method: Comparator, problem: Problem) -> Image:
    """A cheap estimate of the image sought, in tiles where it is large."""
    if method is AS_IT_WAS:
        return _same(problem)
    if max(problem.size) <= _PIECE or any(problem.operator.overhang):
        return method.solve(problem).clamp(0, 1)
    return solved(problem, Grid.of(problem.size, _PIECE), method.solve).clamp(0, 1)


def _same(problem: Problem) -> Image:
    """The observation as an estimate of the image sought: on the larger canvas of a blur."""
    return problem.operator.lift(problem.observation)


def _root(error: float) -> float:
    return math.sqrt(max(error, 0.0))
