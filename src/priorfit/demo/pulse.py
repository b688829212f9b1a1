"""A sign of life every second, while something takes its time."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from priorfit.engine.course import Progress as Seen

Beat = Callable[[int, str], None]
"""Shows how many seconds it has been, and what is being done."""


class Doing:
    """What is being done, for whoever asks: before the first step, and then which one."""

    def __init__(self) -> None:
        self.now = "preparing"

    def watch(self, progress: Seen) -> None:
        """Hear of a step, as `runs.run` tells it."""
        self.now = f"step {progress.step} of about {progress.planned}"


@contextmanager
def pulse(seconds: float, stream: TextIO | None = None, every: float = 1.0) -> Iterator[Doing]:
    """Show every second that the block is running: a bar on a terminal, else a dot.

    Args:
        seconds: that it is going to take, about.
        stream: stdout by default.
        every: seconds from one sign to the next.

    Yields:
        What is to hear of the steps.
    """
    stream, doing, over = stream or sys.stdout, Doing(), threading.Event()
    with _bar(seconds, stream) if stream.isatty() else _dots(stream) as beat:
        thread = threading.Thread(target=_beating, args=(beat, doing, over, every), daemon=True)
        thread.start()
        try:
            yield doing
        finally:
            over.set()
            thread.join()


def _beating(beat: Beat, doing: Doing, over: threading.Event, every: float) -> None:
    started = time.perf_counter()
    beat(0, doing.now)
    while not over.wait(every):
        beat(round((time.perf_counter() - started) / every), doing.now)


@contextmanager
def _bar(seconds: float, stream: TextIO) -> Iterator[Beat]:
    columns = (
        TextColumn("     "),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn(f"of about {seconds:.0f} s: {{task.description}}"),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:
        bar: TaskID = bars.add_task("preparing", total=seconds)

        def beat(elapsed: int, doing: str) -> None:
            bars.update(bar, completed=elapsed, description=doing)

        yield beat


@contextmanager
def _dots(stream: TextIO) -> Iterator[Beat]:
    """A dot a second, and every tenth one the number."""
    shown = 0

    def beat(elapsed: int, doing: str) -> None:
        nonlocal shown
        if elapsed == 0:
            stream.write("      ")
        for second in range(shown + 1, elapsed + 1):
            stream.write("." if second % 10 else str(second))
        shown = max(shown, elapsed)
        stream.flush()

    yield beat
    stream.write("\n")
    stream.flush()
