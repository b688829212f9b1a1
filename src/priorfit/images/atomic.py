"""Files that are there as a whole or not at all."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from priorfit.disk.locks import locked
from priorfit.disk.regular import open_regular
from priorfit.errors import ImageFileError

_PART = re.compile(r"\.[0-9a-f]{16}\.part")


def write_atomically(
    path: str | PathLike[str], data: bytes, *, overwrite: bool = False, follow: bool = True
) -> None:
    """Write a file in one step: at every moment the old one, none, or the whole new one is there.

    The bytes go to a temporary file in the same folder first. Without `overwrite` an existing file
    is never replaced, not even one that another process makes at the same moment. A symbolic link
    stays one: the file that it points to is written, unless `follow` is false, which replaces the
    link itself. What a killed process leaves of its temporary file, `sweep` removes.

    Raises:
        ImageFileError: the file exists, or the folder is missing or cannot be written.
    """
    place = Path(path)
    target = Path(os.path.realpath(path)) if follow else place.parent.resolve() / place.name
    put = _replaced if overwrite else _placed
    try:
        with _temporary(target, data) as temporary:
            put(temporary, target)
        _settle(target.parent)
    except FileExistsError as error:
        raise ImageFileError(exists_already(path)) from error
    except OSError as error:
        raise ImageFileError(f"{path}: cannot be written: {error.strerror or error}") from error


def exists_already(path: str | PathLike[str]) -> str:
    """Message for a file that is in the way."""
    return f"{path}: exists already, choose another name, or allow to overwrite it"


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder, none that is in use."""
    with suppress(OSError):  # what cannot be read or removed stays
        for path in [entry for entry in folder.iterdir() if _PART.fullmatch(entry.name)]:
            with suppress(OSError), open_regular(path) as file:
                if locked(file, wait=False):
                    path.unlink()


@contextmanager
def _temporary(target: Path, data: bytes) -> Iterator[Path]:
    """Have the data on the disk under another name in the same folder, and never after."""
    temporary, file = _opened(target.parent)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # which moves no open file, and locked none
                file.close()
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _opened(folder: Path) -> tuple[Path, BinaryIO]:
    """A new temporary file, locked, so that nobody sweeps it away while its process lives."""
    while True:
        path = folder / f".{secrets.token_hex(8)}.part"
        file = path.open("xb")
        locked(file, wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # swept away between its making and its lock


def _settle(folder: Path) -> None:
    """Have the new name survive a loss of power too, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replaced(temporary: Path, target: Path) -> None:
    if (
        target.exists() and not target.is_symlink()
    ):  # nobody may read the new file who could not read the old one
        temporary.chmod(target.stat().st_mode & 0o777)
    temporary.replace(target)


def _placed(temporary: Path, target: Path) -> None:
    """Give a file its name if nothing has it yet."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: claim the name, then replace what is ours
        target.touch(exist_ok=False)
        try:
            temporary.replace(target)
        except BaseException:
            target.unlink()
            raise
