"""The standard streams of a process, some of which whoever started it may have closed."""

import os
import sys

_LAST = 2  # number of standard error


def open_closed_streams() -> None:
    """Have something behind all three, as services and cron may leave them closed.

    Where one is closed the next file that is opened would get its number, a picture say, and what
    libraries complain of would be written into that.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        pass
    os.close(descriptor)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)
