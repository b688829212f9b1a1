"""Locks on open files, which end with their process, however that ends."""

import errno
from typing import IO, Any

try:
    import fcntl
except ImportError:  # not a POSIX system: there is no lock that is sure to die with its process
    fcntl = None  # type: ignore[assignment]

_HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}


def locked(file: IO[Any], *, wait: bool) -> bool | None:
    """Lock an open file for this process alone, until the file is closed.

    Args:
        file: to lock.
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
