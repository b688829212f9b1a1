"""How many steps fit into a time limit."""

import statistics
import time
from dataclasses import dataclass

from priorfit.pipeline.prepare import Prepared
from priorfit.restore import Fit

_WARM_UP = 2  # the first steps also set up convolutions, and take several times as long
_MEASURED = 7
_SHARE = 0.05  # of the time that is left, for measuring more than one step
_TOO_LONG = 0.3  # of the time that is left: no more steps are thrown away then
_SPARE = 0.03  # of the time that is left, since no two steps take the same


@dataclass(frozen=True)
class Clock:
    """A time limit and what has to happen after the last step.

    Args:
        started: when the picture's turn began, in seconds of `time.perf_counter`.
        limit: wall seconds, None for as long as it takes.
        closing: seconds for finishing, metrics and writing.
    """

    started: float
    limit: float | None
    closing: float = 0.0

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


def closing_seconds(limit: float, samples: int, *, measured: bool, reported: bool) -> float:
    """Estimate how long finishing, metrics, writing, the report and the process's end take.

    Args:
        limit: of the whole command, in seconds: the longer, the more there is to spare.
        samples: pixels times channels of the result.
        measured: there is a reference to compare with.
        reported: a report will be written.
    """
    spare = 0.3 + min(0.02 * limit, 2.0)
    return spare + samples * (4e-7 + 2e-6 * measured + 4e-7 * reported) + 1.5 * reported


def steps_within(clock: Clock, prepared: Prepared, seed: int) -> int:
    """Steps that fit into the time left, from the first ones of a fit that is thrown away."""
    fit = Fit(prepared.posed.problem, prepared.recipe(), [seed])
    left = clock.left
    times: list[float] = []
    began = before = time.perf_counter()
    for step in fit:
        step.loss.sum().item()  # waits for an accelerator
        now = time.perf_counter()
        times.append(now - before)
        before = now
        spent = (now - began) / left if left > 0 else 1.0
        if spent > _TOO_LONG or (spent > _SHARE and len(times) > _WARM_UP):
            break
        if len(times) == _WARM_UP + _MEASURED:
            break
    seconds = statistics.median(times[_WARM_UP:] or times[-1:])
    count = int(clock.left * (1 - _SPARE) / max(seconds, 1e-6))
    most = prepared.setting.most
    return max(1, count if most is None else min(count, most))
