"""One fit of an analysis, followed to its end."""

import time
from dataclasses import dataclass

import torch

from priorfit.loop.fit import Fit, Recipe
from priorfit.problem import Problem
from priorfit.runs.clock import Clock
from priorfit.runs.follow import End, Follower, Watch, picture_of, troubles
from priorfit.runs.prepare import guarded
from priorfit.signals import interruptions
from priorfit.types import Image


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of a fit.

    Args:
        image: (1, C, H, W) in [0, 1], on the CPU.
        start: the image before the first step, likewise.
        losses: (step, loss), all of them.
        error: mean squared difference of A(image) and the observation.
        answer: mean of A(image).
        steps: taken.
        planned: what the recipe has.
        seconds: wall time.
        why: it stopped.
        notes: what went wrong on the way.
        interrupted: by Ctrl-C.
    """

    image: Image
    start: Image
    losses: tuple[tuple[int, float], ...]
    error: float
    answer: float
    steps: int
    planned: int
    seconds: float
    why: str
    notes: tuple[str, ...]
    interrupted: bool


def fitted(problem: Problem, recipe: Recipe, seed: int, watch: Watch | None = None) -> Fitted:
    """Fit one image. A Ctrl-C ends the fit after the step under way.

    Args:
        problem: of one image.
        recipe: how.
        seed: gives every number.
        watch: sees every step.

    Raises:
        DivergenceError: the loss stopped being a number.
    """
    clock = Clock(time.perf_counter(), None)
    fit = Fit(problem, guarded(recipe), [seed])
    follower = Follower(recipe.steps, clock)
    with interruptions() as pressed:
        start = fit.result().image
        follower.follow(fit, watch, pressed)
        image, why = picture_of(fit)
    with torch.no_grad():
        degraded = problem.operator(image)
    return Fitted(
        image.cpu(),
        start.cpu(),
        tuple(follower.losses),
        float((degraded - problem.observation).square().mean()),
        float(degraded.mean()),
        follower.taken,
        recipe.steps,
        clock.seconds,
        why,
        troubles(fit),
        follower.end is End.INTERRUPTED,
    )
