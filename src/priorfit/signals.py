"""Ctrl-C, and SIGTERM, which clusters and service managers send before they kill."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Make a first Ctrl-C or SIGTERM wait until the block asks for it; a second stops at once.

    Nothing is changed outside the main thread, which alone gets signals, nor for a signal that
    whoever started the process had ignored, as shells do with Ctrl-C for what runs in the
    background.

    Yields:
        A function that tells whether one came.
    """
    pressed = threading.Event()

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    with _handling(press):
        yield pressed.is_set


@contextmanager
def terminating() -> Iterator[None]:
    """Let SIGTERM be what Ctrl-C is while the block runs: a KeyboardInterrupt."""
    with _handling(signal.default_int_handler):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Give the signals that end a process another handler, and the one they had back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    changed = [number for number, was in before.items() if was not in (signal.SIG_IGN, None)]
    for number in changed:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, before[number])
