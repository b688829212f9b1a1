"""When a fit keeps a checkpoint, and what is said of one that cannot be written."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from priorfit.errors import PriorfitError

EVERY = 60.0
"""Seconds of work that a kill may cost; what ends before keeps nothing and pays nothing."""

_SHARE = 50  # a checkpoint takes at most a fiftieth of the time, or they become rarer


def interval(cost: float) -> float:
    """Seconds of work from one checkpoint to the next by default, by what writing one costs."""
    return max(EVERY, _SHARE * cost)


@dataclass
class Keeper:
    """Keeps checkpoints of a fit under way.

    Args:
        save: writes one.
        every: seconds from one to the next; 0 for one after each step. By default a minute, or more
            where writing takes long.
        trouble: why the latest could not be written, None if it could.
    """

    save: Callable[[], None]
    every: float | None = None
    trouble: str | None = None
    _due: float = field(init=False)

    def __post_init__(self) -> None:
        self._due = time.perf_counter() + (EVERY if self.every is None else self.every)

    def look(self) -> bool:
        """Keep a checkpoint if it is time for one; whether it was."""
        if time.perf_counter() < self._due:
            return False
        self.keep()
        return True

    def keep(self) -> None:
        """Keep a checkpoint now. If that fails the one before is left, and the fit goes on."""
        begun = time.perf_counter()
        try:
            self.save()
            self.trouble = None
        except (PriorfitError, MemoryError, TypeError) as error:
            self.trouble = f"no checkpoint could be kept: {error or 'not enough memory'}"
        now = time.perf_counter()
        self._due = now + (interval(now - begun) if self.every is None else self.every)
