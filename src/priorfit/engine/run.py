"""A picture being restored: iterate it, look at it, leave it when you like, ask for the outcome."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from priorfit.engine.case import Case
from priorfit.engine.clock import Clock
from priorfit.engine.course import Course, Progress
from priorfit.engine.ending import End
from priorfit.engine.handing import Handed, as_it_was, guard_for, of_fit, without_fit
from priorfit.engine.in_time import is_in_time, too_little
from priorfit.engine.keeping import Keeper
from priorfit.engine.large import Extent, begin_fit, extent, in_tiles
from priorfit.engine.request import FIT
from priorfit.errors import PriorfitError, ProblemError
from priorfit.guarantee.comparators import AS_IT_WAS, Alternative
from priorfit.guarantee.guard import Guard, make_guard, patience_within
from priorfit.images import to_array
from priorfit.loop.fit import Recipe
from priorfit.types import Code

Callback = Callable[[Progress], None]
"""Hears of every step; `StopIteration` raised in it ends the fit there."""

Tell = Callable[[str], None]
"""Hears one line."""

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Medium(Protocol[Result_co]):
    """Where a picture comes from and goes to: memory, or files."""

    def compare(self, run: "Run[Any]") -> Sequence[Alternative]:
        """Make what the outcome will be compared with, before the first step."""
        ...

    def save(self, run: "Run[Any]") -> None:
        """Keep what an unfinished run needs to go on."""
        ...

    def deliver(self, run: "Run[Any]") -> Result_co:
        """Make what comes of a run that has ended."""
        ...

    def close(self) -> None:
        """Let go of what was held for the run."""
        ...


@dataclass(frozen=True)
class Before:
    """Where an unfinished run stood when it was saved.

    Args:
        state: of its fit.
        steps: of a tile, None where `planned` tells.
        losses: of every step so far.
        resumed: how many times it was resumed, this time included.
        planned: steps that it goes on to.
        seconds: wall time so far.
        tile: side of its tiles, None for one piece.
        patience: seconds that each cheap estimate might take.
    """

    state: Mapping[str, Any]
    steps: int | None
    losses: tuple[tuple[int, float], ...]
    resumed: int
    planned: int
    seconds: float
    tile: int | None
    patience: float


class Run(Generic[Result]):
    """A picture being restored, step by step.

        with start(...) as run:
            for progress in run:
                show(run.preview(), progress.seconds_left)
            outcome = run.outcome()

    Leave the loop, or call `cancel` from any thread, and `outcome` gives the picture so far. All
    else belongs to the thread that iterates; other runs in other threads change no byte of it.

    Args:
        case: the picture.
        make: number of steps to the recipe of that length.
        medium: where the outcome goes.
        clock: the time limit.
        tuned: what the fit of the frame before has come to, to begin there.
        before: where it stood when it was saved, to go on from there.
        tell: hears how much memory and time a large picture is going to take.
    """

    def __init__(
        self,
        case: Case,
        make: Callable[[int], Recipe],
        medium: Medium[Result],
        clock: Clock,
        *,
        tuned: Code | None = None,
        before: Before | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.case, self.medium, self.clock = case, medium, clock
        self.steps = case.request.most_steps
        self.extent, self.patience = Extent(), 0.0
        self.course: Course | None = None
        self.guard: Guard | None = None
        self.progress: Progress | None = None
        self.keeper = Keeper(lambda: medium.save(self), case.request.checkpoint_every)
        self._make, self._tuned, self._before, self._tell = make, tuned, before, tell
        self.alternatives: Sequence[Alternative] = ()
        self._handed: Handed | None = None  # known without a fit
        self._cancelled = threading.Event()
        self._begun = False
        self._outcome: Result | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Progress:
        self.prepare()
        course = self.course
        if course is None or course.end is not None or self._is_left(course):
            raise StopIteration
        progress = course.take()
        if progress is None:
            raise StopIteration
        self.progress = progress
        return progress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything that is held for the run; `outcome` does so too."""
        self.medium.close()

    def cancel(self) -> None:
        """End the fit after the step under way. Any thread may call this, at any time."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody has called `cancel`."""
        return self._cancelled.is_set()

    def prepare(self) -> None:
        """Do what comes before the first step, unless it is done: cheap estimates, guides, pools.

        Raises:
            PriorfitError: anything that is wrong with the picture or the request.
            KeyboardInterrupt: Ctrl-C, and there is no cheap estimate yet to hand out.
        """
        if self._begun:
            return
        if self._before is not None:
            self._go_on(self._before)
        else:
            self._begin()
        if self._handed is None or self._handed.end is not End.NEEDLESS:
            self.alternatives = self.medium.compare(self)
        self._begun = True

    def preview(self) -> np.ndarray:
        """The picture so far, finished as the result will be, as `Restored.array` has it.

        It takes as long as a step, or less, and changes nothing. A cheap estimate that may be
        handed out in the place of the fit has no share in it yet.
        """
        self.prepare()
        if self._handed is not None:
            image = self._handed.image
        else:
            assert self.course is not None
            image = self.course.fit.result().image
        return to_array(image.cpu(), self.case.like)

    def outcome(self) -> Result:
        """End the run wherever it is, and give what came of it.

        Raises:
            DivergenceError: the fit never had a picture of numbers.
            ImageFileError: the result cannot be written.
            PriorfitError: cancelled before there was any picture.
        """
        if self._outcome is None:
            self.prepare()
            if self.course is not None and self.course.end is None:
                if not self.course.taken:
                    self.course.take()
                self.course.leave(self._left)
            self._outcome = self.medium.deliver(self)
            self.close()
        return self._outcome

    def finish(self, callback: Callback | None = None) -> Result:
        """Take all steps, and give the outcome.

        Args:
            callback: hears of every step.
        """
        try:
            for progress in self:
                if callback is not None:
                    callback(progress)
        except StopIteration:
            self.cancel()
        return self.outcome()

    def state(self) -> dict[str, Any]:
        """Everything that the fit needs to go on from its last step, see `Before`.

        Raises:
            ProblemError: there was no step yet.
        """
        if self.course is None:
            raise ProblemError("there is no fit to save")
        return self.course.fit.state_dict()

    def handed(self) -> Handed:
        """What is handed out: the picture of the fit or what takes its place.

        Raises:
            DivergenceError: see `outcome`.
        """
        if self._handed is None:
            assert self.course is not None
            self._handed = of_fit(self.case, self.course, self.guard)
        return self._handed

    def _is_left(self, course: Course) -> bool:
        """Whether the clock or somebody ends the fit here; else a checkpoint may be due."""
        if self.progress is None:
            if self.cancelled and course.taken:
                course.leave(End.INTERRUPTED)
            return course.end is not None
        if self.clock.over or self.cancelled:
            course.leave(self._left)
            return True
        if self.keeper.look():
            self.clock.skip()
        return False

    @property
    def _left(self) -> End:
        """How a fit that is left here ended: an interruption when the time is over is none."""
        return End.TIME if self.clock.over else End.INTERRUPTED

    def _begin(self) -> None:
        """Decide what is done with the picture, and begin the fit if there is to be one."""
        case, request = self.case, self.case.request
        needless = case.needless is not None and not request.force and self._tuned is None
        if needless and not case.filled:
            self._handed = as_it_was(case)
            return
        recipe = self._make(self.steps)
        self.patience = patience_within(None if request.time_limit is None else self.clock.left)
        in_time = is_in_time(case, recipe, self.clock.left)
        if needless and request.hands_out_best:
            self.guard = make_guard(case.problem, [AS_IT_WAS])
        else:
            self.guard = guard_for(case, self.steps, self.patience, alone=not in_time)
        reason = self._no_fit(needless=needless)
        if self.guard is not None and reason is not None:
            self._handed = without_fit(case, self.guard, reason)
            return
        if not in_time or not is_in_time(case, recipe, self.clock.left):
            if self.guard is None or request.hand_out == FIT:
                raise too_little(request)
            cheap = without_fit(case, self.guard, "there was no time for one")
            self._handed = replace(cheap, worse=True)
            return
        self._begin_fit(recipe)

    def _no_fit(self, *, needless: bool) -> str | None:
        """Why no fit is to be made; None where one is."""
        request = self.case.request
        if request.without_fit:
            return "none was asked for (--hand-out)"
        if needless and request.hands_out_best:
            return f"{self.case.needless} beside the specks"
        if not self.case.white and request.hands_out_best:
            return "since it needs white noise (--hand-out fit makes it)"
        return None

    def _begin_fit(self, recipe: Recipe) -> None:
        request, problem = self.case.request, self.case.problem
        size = extent(request, problem, recipe, self.steps)
        if self._tell is not None and size.told is not None:
            self._tell(size.told)
        try:
            if self.cancelled:
                raise KeyboardInterrupt
            fit = begin_fit(
                request,
                problem,
                recipe,
                size,
                guard=self.guard,
                clock=self.clock,
                before=self._tuned,
            )
        except KeyboardInterrupt:
            if self.guard is None or not request.hands_out_best:
                if not self.cancelled:
                    raise
                raise PriorfitError(
                    "cancelled before the first step: there is no picture yet"
                ) from None
            self.cancel()
            cheap = without_fit(self.case, self.guard, "it was interrupted before its first step")
            self._handed = replace(cheap, end=End.INTERRUPTED)
            return
        self.extent = size
        self.course = Course(fit, self.steps * size.tiles, self.clock, preview=self.preview)

    def _go_on(self, before: Before) -> None:
        """Take up a fit where it was saved.

        Raises:
            LookupError, ValueError, TypeError, AttributeError: it is not of this recipe.
        """
        request, problem = self.case.request, self.case.problem
        self.extent, self.patience = in_tiles(before.tile, problem), before.patience
        steps = before.steps or max(1, before.planned // self.extent.tiles)
        recipe = self._make(steps)
        self.guard = guard_for(self.case, steps, before.patience)
        fit = begin_fit(
            request, problem, recipe, self.extent, guard=self.guard, resume=before.state
        )
        taken = before.losses[-1][0] if before.losses else 0
        self.course = Course(
            fit,
            before.planned,
            self.clock,
            list(before.losses),
            taken,
            before.resumed,
            preview=self.preview,
        )
