"""One fit of an analysis, followed to its end."""

import time
from dataclasses import dataclass, replace

import torch

from priorfit.engine.clock import Clock
from priorfit.engine.course import Course, troubles
from priorfit.engine.ending import End
from priorfit.engine.handing import checked
from priorfit.engine.run import Callback
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.stopping import guarded
from priorfit.problem import Problem
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


def fitted(problem: Problem, recipe: Recipe, seed: int, watch: Callback | None = None) -> Fitted:
    """Fit one image. A Ctrl-C ends the fit after the step under way.

    Args:
        problem: of one image.
        recipe: how.
        seed: gives every number.
        watch: hears of every step.

    Raises:
        DivergenceError: the loss stopped being a number.
    """
    fit = Fit(problem, replace(recipe, filters=guarded(recipe.filters)), [seed])
    course = Course(fit, recipe.steps, Clock(time.perf_counter(), None))
    with interruptions() as pressed:
        start = fit.result().image
        for progress in course:
            if watch is not None:
                watch(progress)
            if pressed():
                course.leave(End.INTERRUPTED)
                break
        image = checked(fit.result().image)
    with torch.no_grad():
        degraded = problem.operator(image)
    return Fitted(
        image.cpu(),
        start.cpu(),
        tuple(course.losses),
        float((degraded - problem.observation).square().mean()),
        float(degraded.mean()),
        course.taken,
        recipe.steps,
        course.clock.seconds,
        course.why,
        troubles(course),
        course.end is End.INTERRUPTED,
    )
