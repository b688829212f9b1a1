"""Locks on open files and folders, which end with their process, however that ends."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # not a POSIX system: there is no lock that is sure to die with its process
    fcntl = None  # type: ignore[assignment]

_HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}


def locked(file: IO[Any] | int, *, wait: bool) -> bool | None:
    """Lock an open file for this process alone, until the file is closed.

    Args:
        file: to lock, or its descriptor.
        wait: until whoever has the lock gives it up.

    Returns:
        True: locked. False: somebody else has it. None: this file system has no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


@contextmanager
def folder_locked(folder: Path, *, wait: bool) -> Iterator[bool | None]:
    """Lock a folder itself while the block runs, without a file in it.

    Yields:
        As `locked`; None too where a folder cannot be opened, or is not there any more.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        yield None
        return
    try:
        held = locked(descriptor, wait=wait)
        yield held if os.fstat(descriptor).st_nlink else None
    finally:
        os.close(descriptor)
