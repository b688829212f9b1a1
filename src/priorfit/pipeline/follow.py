"""The steps of one fit, followed until they are done, the time is over or somebody stops them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import torch

from priorfit.errors import DivergenceError
from priorfit.pipeline.plan import Clock
from priorfit.restore import Fit, Step
from priorfit.steps import Rewinding
from priorfit.types import Image

Watch = Callable[[Step, int], None]
"""Called after every step with it and the number planned; to stop, raise KeyboardInterrupt."""


class End(Enum):
    """Why a fit was left before its own end."""

    ASKED = "stopped after the steps asked for"
    TIME = "the time limit"
    INTERRUPTED = "interrupted"


@dataclass
class Follower:
    """What is seen of a fit.

    Args:
        planned: steps of the whole schedule.
        clock: the time limit.
        stop_after: leave after so many steps, counted from the start of the schedule.
        losses: (step, loss) so far.
    """

    planned: int
    clock: Clock
    stop_after: int | None = None
    losses: list[tuple[int, float]] = field(default_factory=list)
    end: End | None = None

    @property
    def taken(self) -> int:
        """Steps so far."""
        return self.losses[-1][0] if self.losses else 0

    def follow(self, fit: Fit, watch: Watch | None, pressed: Callable[[], bool]) -> None:
        """Take the steps of a fit.

        Args:
            fit: to iterate.
            watch: sees every step.
            pressed: whether Ctrl-C was pressed meanwhile.
        """
        for step in fit:
            self.losses.append((step.state.taken, float(step.loss.sum())))
            self.end = self._end(step, watch, pressed)
            if self.end is not None:
                break
        done = self.taken >= self.planned or any(f.why is not None for f in fit.filters)
        if done:  # an end that comes with the fit's own cuts nothing short
            self.end = None
        elif self.end is not None:
            fit.why_stopped = self.end.value

    def _end(self, step: Step, watch: Watch | None, pressed: Callable[[], bool]) -> End | None:
        try:
            if watch is not None:
                watch(step, self.planned)
        except KeyboardInterrupt:
            return End.INTERRUPTED
        if pressed():
            return End.INTERRUPTED
        if self.stop_after is not None and self.taken >= self.stop_after:
            return End.ASKED
        return End.TIME if self.clock.left <= 0 else None


def picture_of(fit: Fit) -> tuple[Image, str]:
    """The finished picture so far, and why the fit stopped.

    Raises:
        DivergenceError: it never had a picture of numbers.
    """
    image, _, why = fit.result()
    if torch.isfinite(image).all():
        return image, why
    # The code diverged with its last step; what that step started from was still a picture.
    image = torch.full_like(image, torch.nan) if fit.last is None else fit.last.image
    for finish in fit.recipe.finish:
        image = finish(image, fit.problem)
    if not torch.isfinite(image).all():
        raise DivergenceError("the loss is no longer a number: try another seed or recipe")
    return image.clamp(0, 1), why


def troubles(fit: Fit) -> tuple[str, ...]:
    """Notes on what went wrong on the way."""
    times = sum(seen.rewound for seen in fit.filters if isinstance(seen, Rewinding))
    went_back = f"the loss left its course {times} times: the fit went back and on from there"
    return (went_back,) if times else ()
