"""A file that nobody trusts, opened once; its size at that moment bounds all that is read."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from priorfit.errors import CheckpointError

LARGEST = 1 << 34
"""Bytes of the largest file that is read, far above any published one."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Source:
    """Bytes from which no more is read than there were at the beginning.

    A reader that asks for a terabyte gets what is left, so that no length in a file takes memory.

    Args:
        file: where the bytes come from, at its beginning.
        size: how many there are.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size = file, size

    @classmethod
    def of(cls, data: bytes) -> "Source":
        """Bytes that are in memory already."""
        return cls(io.BytesIO(data), len(data))

    @property
    def left(self) -> int:
        """How many bytes come after this place."""
        return max(0, self.size - self._file.tell())

    def read(self, length: int = -1) -> bytes:
        """The next bytes; fewer at the end."""
        return self._file.read(self.left if length < 0 else min(length, self.left))

    def readline(self) -> bytes:
        """The next bytes up to a line's end."""
        return self._file.readline(self.left)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        if whence == os.SEEK_END:
            return self._file.seek(self.size + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Whether `seek` works: it does."""
        return True


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a file for reading; a symbolic link stands for what it leads to.

    Raises:
        CheckpointError: it is no regular file, empty, too large, or changes meanwhile.
    """
    with _opened(path) as file:
        before = os.fstat(file.fileno())
        _check(before)
        yield Source(file, before.st_size)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CheckpointError("changed while it was read, wait until it is complete")


def _opened(path: Path) -> BinaryIO:
    try:
        _check(path.stat())
        # A pipe put there in between must not keep us waiting for somebody who writes.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CheckpointError("is no name of a file") from error


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise CheckpointError(f"is {kind}, expected a file")
    if not status.st_size:
        raise CheckpointError("is empty: fetch it again")
    if status.st_size > LARGEST:
        raise CheckpointError(f"has {status.st_size:,} bytes, at most {LARGEST:,} are read")
