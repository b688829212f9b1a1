"""What is left of a wall time, and how many steps that may be."""

import statistics
import time
from collections import deque
from dataclasses import dataclass, field

_RECENT = 9  # steps whose times foretell the next one's


@dataclass
class Clock:
    """A time limit, what has to happen after the last step, and how fast the steps are.

    Args:
        started: when the picture's turn began, in seconds of `time.perf_counter`.
        limit: wall seconds, None for as long as it takes.
        closing: seconds for finishing, metrics and writing.
        times: of the latest steps, in seconds.
    """

    started: float
    limit: float | None
    closing: float = 0.0
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _before: float | None = None
    _first: bool = True

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds that steps may still take; infinite without a limit."""
        if self.limit is None:
            return float("inf")
        return self.limit - self.closing - self.seconds

    def tick(self) -> None:
        """Note the end of a step, or once before the first one that they begin."""
        now = time.perf_counter()
        if self._before is not None:
            if self._first and self.times:  # it also set the convolutions up, and took far longer
                self.times.clear()
                self._first = False
            self.times.append(now - self._before)
        self._before = now

    def skip(self) -> None:
        """Leave out of the next step's time what happened since the latest tick."""
        self._before = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether a step as long as the longest of the latest would exceed the limit."""
        return self.left < max(self.times, default=0.0)

    @property
    def pace(self) -> float:
        """Seconds that a step takes, infinite before there was one."""
        return max(statistics.median(self.times), 1e-9) if self.times else float("inf")

    def more(self, most: int) -> int:
        """Estimate how many more steps there is time for, `most` or fewer."""
        return int(max(0.0, min(self.left / self.pace, most)))


def closing_seconds(limit: float, samples: int, *, measured: int, reported: bool) -> float:
    """Estimate how long finishing, metrics, writing, the report and the process's end take.

    Args:
        limit: of the whole command, in seconds: the longer, the more there is to spare.
        samples: pixels times channels of the result.
        measured: pictures that are compared with a reference.
        reported: a report will be written.
    """
    spare = 0.3 + min(0.02 * limit, 2.0)
    return spare + samples * (4e-7 + 2e-6 * measured + 4e-7 * reported) + 1.5 * reported
