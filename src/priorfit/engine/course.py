"""The steps of one fit, taken one by one until it is done, its time is over or somebody leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from priorfit.engine.clock import Clock
from priorfit.engine.ending import End
from priorfit.loop.fitting import Fitting
from priorfit.loop.state import Step
from priorfit.recipes import UNLIMITED
from priorfit.wording import counted

_FEW = 30
"""Steps below which no recipe has come to a picture."""


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a run is.

    Args:
        step: taken so far, from 1.
        steps: that it comes to; None where the clock ends it.
        planned: the same, an estimate where the clock ends it.
        loss: of this step.
        seconds: since the run began, with those before a break.
        seconds_left: until the last step, by an estimate; infinite as long as there is none.
    """

    step: int
    steps: int | None
    planned: int
    loss: float
    seconds: float
    seconds_left: float
    _picture: Callable[[], np.ndarray]

    def picture(self) -> np.ndarray:
        """The picture so far, see `Run.preview`."""
        return self._picture()


@dataclass
class Course:
    """A fit under way, and what was seen of it.

    Args:
        fit: it.
        most: steps of the fit if nothing ends it before.
        clock: the time limit.
        losses: (step, loss) so far; steps that the fit went back from have none.
        taken: steps so far.
        resumed: how many times the fit was resumed.
        planned: steps in all, an estimate that follows the clock.
        preview: draws the picture so far for whoever hears of a step; by default `picture`.
        end: how it ended, None as long as it has not.
    """

    fit: Fitting
    most: int
    clock: Clock
    losses: list[tuple[int, float]] = field(default_factory=list)
    taken: int = 0
    resumed: int = 0
    planned: int = 0
    preview: Callable[[], np.ndarray] | None = None
    end: End | None = None
    _steps: Iterator[Step] | None = None

    def __iter__(self) -> Iterator[Progress]:
        while (progress := self.take()) is not None:
            yield progress

    def take(self) -> Progress | None:
        """Take a step; None where there is none left, and the fit has ended."""
        if self._steps is None:
            # The first optimiser of a process imports torch's compiler: a second that is no step's.
            torch.optim.SGD([torch.zeros(1)])
            self._steps = iter(self.fit)
            self.clock.tick()
        step = next(self._steps, None)
        if step is None:
            self.leave(None)
            return None
        self.taken = step.state.taken
        loss = float(step.loss.sum())  # waits for an accelerator
        self.losses.append((self.taken, loss))
        self.clock.tick()
        self.planned = self.taken + self.clock.more(self.most - self.taken)
        more = self.planned - self.taken
        left = min(more * self.clock.pace, max(self.clock.left, 0.0)) if more else 0.0
        steps = None if self.most >= UNLIMITED else self.most
        seconds = self.clock.seconds
        picture = self.preview or self.picture
        return Progress(self.taken, steps, self.planned, loss, seconds, left, picture)

    def picture(self) -> np.ndarray:
        """The picture so far, finished: (H, W, C) floats in [0, 1]."""
        return self.fit.result().image[0].movedim(0, -1).cpu().numpy()

    def leave(self, end: End | None) -> None:
        """See to it that the numbers hold, whatever ended the fit.

        Args:
            end: what did; None for the fit itself.
        """
        fit = self.fit
        if fit.settled_steps is not None:
            self.most = fit.settled_steps
        if fit.last is not None:
            self.taken = fit.last.state.taken  # with the steps that it went back from
        own = fit.has_ended_itself
        if end is None and not own:
            self.taken = self.most
        if own or self.taken >= self.most:
            # An end that comes with the fit's own cuts nothing short.
            end, self.planned = None, max(self.planned, self.taken)
        elif end is End.TIME:
            self.planned = self.taken
        else:
            self.planned = max(self.planned, self.taken + 1)  # something is left to resume
        self.end = end or (End.RULE if own else End.STEPS)

    @property
    def why(self) -> str:
        """Why the fit ended, in a sentence."""
        if self.end is None or not self.end.cut_short:
            return self.fit.reason
        return self.end.sentence


def troubles(course: Course, *, replaced: bool = False) -> tuple[str, ...]:
    """Notes on what went wrong on the way.

    Args:
        course: of a fit that has ended.
        replaced: whether something else took the place of what it had come to.
    """
    fit = course.fit
    few, notes = fit.steps_in_time(ran_out=course.end is End.TIME), []
    if fit.rewound:
        often = counted(fit.rewound, "time")
        notes.append(f"the loss left its course {often}: the fit went back and on from there")
    if fit.hurried:
        notes.append(
            f"{counted(fit.hurried, 'tile')} had less time than the first, and fewer steps"
        )
    if few < _FEW and not replaced:
        steps = counted(int(few), "step")
        notes.append(f"the time was over after {steps}: the fit had hardly begun, give it more")
    return tuple(notes)
