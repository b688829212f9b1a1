"""How the functions on arrays solve a problem: fit, clock, callback, and what is handed out."""

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from priorfit import recipes
from priorfit.errors import DivergenceError, ProblemError
from priorfit.guarantee.comparators import finished
from priorfit.guarantee.evidence import Following
from priorfit.guarantee.guard import Guard, contenders, for_coloured, make_guard, patience_within
from priorfit.images import Picture, to_array
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.memory import seconds_before
from priorfit.loop.stopping import ruled
from priorfit.problem import Problem
from priorfit.tasks.base import Task
from priorfit.tasks.checks import whole_number
from priorfit.tasks.device import device_named
from priorfit.tasks.problems import for_recipe
from priorfit.types import Image

Array = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Progress:
    """A fit under way, as a callback sees it.

    Args:
        step: taken so far, from 1.
        steps: that it comes to; None where the clock ends it.
        loss: of this step.
    """

    step: int
    steps: int | None
    loss: float
    _picture: Callable[[], Array]

    def picture(self) -> Array:
        """The image so far, as it would be returned; it takes as long as a step, or less."""
        return self._picture()


Callback = Callable[[Progress], None]


@dataclass(frozen=True)
class How:
    """What all tasks have in common, see `arrays.Shared`.

    Args:
        task: with its options.
        left_alone: whether the image comes back as a copy.
        force: whether the fit is returned whatever the evidence says.
        white: whether noise is what Stein's estimate takes it for.
        filled: whether specks were filled, so that there is a picture even without a fit.
    """

    task: Task
    recipe: str
    steps: int | None
    rng: int | np.random.Generator
    device: str
    time_limit: float | None = None
    stop: str | None = None
    callback: Callback | None = None
    left_alone: bool = False
    force: bool = False
    white: bool = True
    filled: bool = False

    def solve(self, problem: Problem, like: Picture) -> Array:
        """Restore an image.

        Args:
            problem: on the scale of the image.
            like: the image, whose dtype, range and axes the result gets.

        Raises:
            PriorfitError: no such recipe, device or rule, or no time or steps at all.
        """
        ends = math.inf if self.time_limit is None else time.perf_counter() + self.time_limit
        self._check()
        device = device_named(self.device)
        steps = recipes.longest(self.recipe, self.steps, limited=self.time_limit is not None)
        if self.left_alone:
            image = problem.observation if self.filled else like.tensor()
            return to_array(image, like)
        problem = for_recipe(problem, like, self.recipe).to(device)
        if not (self.white or self._asks_for_fit):
            return self._of_coloured(problem, like)
        made = recipes.load(self.recipe, steps)
        filters = [*ruled(made.filters, self.stop), Following]
        guard = self._guard(problem, steps)
        recipe = replace(made, filters=filters)
        if guard is not None and not self._has_time(problem, recipe, ends - time.perf_counter()):
            _warn(f"there was no time for a fit: {guard.best.method.name} is returned")
            return self._finished(problem, guard.instead, like)
        fit = Fit(problem, recipe, [self._seed()])
        cut = self._follow(fit, like, steps, ends)
        return to_array(self._picture(fit, guard, cut=cut).cpu(), like)

    @property
    def _asks_for_fit(self) -> bool:
        return self.force or self.steps is not None or recipes.is_published(self.recipe)

    def _of_coloured(self, problem: Problem, like: Picture) -> Array:
        """Noise that is not white, removed without a fit."""
        limit = math.inf if self.time_limit is None else self.time_limit / 2
        guard = make_guard(problem, for_coloured(problem, limit))
        assert guard is not None
        return self._finished(problem, guard.instead, like)

    def _finished(self, problem: Problem, image: Image, like: Picture) -> Array:
        return to_array(finished(image, problem).cpu(), like)

    def _has_time(self, problem: Problem, recipe: Recipe, left: float) -> bool:
        """Whether a fit can begin in half of the time that is left."""
        if self.time_limit is None or self._asks_for_fit:
            return True
        return left > 0 and seconds_before(problem, recipe) <= left / 2

    def _check(self) -> None:
        if self.steps is not None:
            whole_number("steps", self.steps, 0)
            if self.steps < 1:
                raise ProblemError(f"expected at least one step, got {self.steps}")
        if self.time_limit is not None and not 0 < self.time_limit < math.inf:
            raise ProblemError(f"expected a time_limit above 0, got {self.time_limit:g}")

    def _guard(self, problem: Problem, steps: int) -> Guard | None:
        patience = patience_within(self.time_limit)
        length = steps if self.time_limit is None else None
        return make_guard(problem, contenders(self.task.contenders, problem, length, patience))

    def _follow(self, fit: Fit, like: Picture, steps: int, ends: float) -> bool:
        """Take the steps; whether something ended them before their end."""
        for step in fit:
            taken = step.state.taken
            if self.callback is not None:
                shown = None if steps >= recipes.UNLIMITED else steps
                loss = float(step.loss.sum())
                try:
                    self.callback(
                        Progress(taken, shown, loss, lambda: to_array(fit.result().image, like))
                    )
                except StopIteration:
                    return taken < steps
            if time.perf_counter() >= ends:
                return taken < steps
        return False

    def _picture(self, fit: Fit, guard: Guard | None, *, cut: bool) -> Image:
        image = fit.drawn()
        fixed = self._asks_for_fit and not (cut and self.steps is not None and not self.force)
        if guard is not None and not fixed:
            verdict = guard.judge(fit, image)
            image = guard.mix(image, verdict)
            if not verdict.share:
                _warn(
                    f"the fit is not better than {verdict.method} by {guard.evidence.about}: "
                    "that is returned instead; give it more time (time_limit, steps)"
                )
        if not image.isfinite().all():
            raise DivergenceError("the loss is no longer a number: try another rng or recipe")
        return fit.finished(image)

    def _seed(self) -> int:
        if isinstance(self.rng, np.random.Generator):
            return int(self.rng.integers(2**31))
        return whole_number("rng", self.rng, 0, or_else="a numpy.random.Generator")


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=7)
