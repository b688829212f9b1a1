"""The steps of one fit, followed until they are done, the time is over or somebody stops them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import torch

from priorfit.errors import DivergenceError
from priorfit.loop.fit import Fit
from priorfit.loop.state import Step
from priorfit.loop.steps import Rewinding
from priorfit.loop.tiled import TiledFit
from priorfit.runs.clock import Clock
from priorfit.types import Image
from priorfit.wording import counted

Watch = Callable[[Step, int], None]
"""Called after every step with it and the number planned; to stop, raise KeyboardInterrupt."""


_FEW = 30
"""Steps below which no recipe has come to a picture."""


class End(Enum):
    """Why a fit was left before its own end."""

    TIME = "the time limit"
    INTERRUPTED = "interrupted"


@dataclass
class Follower:
    """What is seen of a fit.

    Args:
        most: steps of the fit if nothing ends it before.
        clock: the time limit.
        losses: (step, loss) so far; steps that the fit went back from have none.
        taken: steps so far.
        resumed: how many times the fit was gone on with.
    """

    most: int
    clock: Clock
    losses: list[tuple[int, float]] = field(default_factory=list)
    taken: int = 0
    resumed: int = 0
    planned: int = 0  # an estimate that follows the clock
    end: End | None = None

    def follow(
        self,
        fit: Fit | TiledFit,
        watch: Watch | None,
        pressed: Callable[[], bool],
        keep: Callable[[], bool] = bool,
    ) -> None:
        """Take the steps of a fit.

        Args:
            fit: to iterate.
            watch: sees every step.
            pressed: whether Ctrl-C was pressed meanwhile.
            keep: called after every step that another may follow; whether it took its time.
        """
        # The first optimiser of a process imports torch's compiler: a second that is no step's.
        torch.optim.SGD([torch.zeros(1)])
        self.clock.tick()
        for step in fit:
            self.taken = step.state.taken
            self.losses.append((self.taken, float(step.loss.sum())))  # waits for an accelerator
            self.clock.tick()
            self.planned = self.taken + self.clock.more(self.most - self.taken)
            self.end = self._end(step, watch, pressed)
            if self.end is not None:
                break
            if keep():
                self.clock.skip()
        self._settle(fit)

    def _end(self, step: Step, watch: Watch | None, pressed: Callable[[], bool]) -> End | None:
        try:
            if watch is not None:
                watch(step, self.planned)
            interrupted = pressed()
        except KeyboardInterrupt:
            interrupted = True
        if self.clock.over:
            return End.TIME
        return End.INTERRUPTED if interrupted else None

    def _settle(self, fit: Fit | TiledFit) -> None:
        """See to it that the numbers hold, whatever ended the fit."""
        if isinstance(fit, TiledFit) and fit.complete:
            self.most = fit.before  # some tiles had nothing to do, or ended early
        if fit.last is not None:
            self.taken = fit.last.state.taken  # with the steps that it went back from
        own = any(watcher.why is not None for watcher in fit.filters)
        if self.end is None and not own:
            self.taken = self.most
        if own or self.taken >= self.most:
            # An end that comes with the fit's own cuts nothing short.
            self.end, self.planned = None, max(self.planned, self.taken)
        elif self.end is End.TIME:
            self.planned = self.taken
        else:
            self.planned = max(self.planned, self.taken + 1)  # something is left to resume
        if self.end is not None:
            fit.why_stopped = self.end.value


def picture_of(fit: Fit | TiledFit) -> tuple[Image, str]:
    """The finished picture so far, and why the fit stopped.

    Raises:
        DivergenceError: it never had a picture of numbers.
    """
    image, _, why = fit.result()
    return checked(image), why


def checked(image: Image) -> Image:
    """A picture of a fit, which is one of numbers.

    Raises:
        DivergenceError: it is not.
    """
    if not torch.isfinite(image).all():
        raise DivergenceError("the loss is no longer a number: try another seed or recipe")
    return image


def troubles(fit: Fit | TiledFit, *, replaced: bool = False) -> tuple[str, ...]:
    """Notes on what went wrong on the way.

    Args:
        fit: it.
        replaced: whether something else took the place of what it had come to.
    """
    times = sum(seen.rewound for seen in fit.filters if isinstance(seen, Rewinding))
    hurried = fit.cut_short if isinstance(fit, TiledFit) else 0
    few, notes = _hurried(fit), []
    if times:
        often = counted(times, "time")
        notes.append(f"the loss left its course {often}: the fit went back and on from there")
    if hurried:
        notes.append(f"{counted(hurried, 'tile')} had less time than the first, and fewer steps")
    if few < _FEW and not replaced:
        steps = counted(int(few), "step")
        notes.append(f"the time was over after {steps}: the fit had hardly begun, give it more")
    return tuple(notes)


def _hurried(fit: Fit | TiledFit) -> float:
    """Steps that the clock left a fit, or each of its tiles; infinite if it had its time."""
    if isinstance(fit, TiledFit):
        return math.inf if fit.most is None else fit.most
    if fit.last is None or fit.why_stopped != End.TIME.value:
        return math.inf
    return fit.last.state.taken
