"""Regular files, opened without waiting for anybody, and read to a limit."""

import errno
import os
import stat
from io import BufferedReader
from os import PathLike
from pathlib import Path


def open_regular(path: str | PathLike[str]) -> BufferedReader:
    """Open a file for reading, and nothing that could keep us waiting or that acts when opened.

    Raises:
        OSError: nothing is there, it cannot be read, or it is no regular file, as `strerror` says.
    """
    _check_regular(Path(path).stat().st_mode, path)
    file = open(path, "rb", opener=_at_once)
    try:
        _check_regular(os.fstat(file.fileno()).st_mode, path)
    except OSError:
        file.close()
        raise
    return file


def _at_once(path: str, flags: int) -> int:
    """Open, without waiting for somebody who writes where a pipe was put there meanwhile."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_regular(path: str | PathLike[str], most: int) -> bytes:
    """Bytes of a regular file that holds no more than `most`.

    Raises:
        OSError: as `open_regular`, or it is longer.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"has more than {most:,} bytes", os.fspath(path))
    return data


def _check_regular(mode: int, path: str | PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is not a file", os.fspath(path))
