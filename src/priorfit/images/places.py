"""Names that stand for no file that can be read, and what is meant by them."""

import re
import stat
from os import PathLike
from pathlib import Path

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Of the web or the like: a `Path` has lost one of its slashes, and a drive has one letter."""


def as_typed(path: str | PathLike[str]) -> str:
    """A name as somebody typed it: an address with the slash that a `Path` has lost."""
    name, start = str(path), _ADDRESS.match(str(path))
    if start is None or Path(path).exists():
        return name
    return f"{start[0]}/{name[start.end() :].lstrip('/')}"


def no_file(path: str | PathLike[str]) -> str | None:
    """Say why a name stands for no file to read, and what to do; None where it may well.

    Raises:
        OSError: nothing is there, or it cannot be looked at.
    """
    place = Path(path)
    if not place.exists():
        if str(path) == "-":
            return "standard input is not read: name a file"
        if _ADDRESS.match(str(path)):
            return "is an address, and nothing is downloaded: save the picture and name its file"
        if any(sign in place.name for sign in "*?["):
            return "there is no such file, and nothing that this pattern matches"
    mode = place.stat().st_mode
    if stat.S_ISDIR(mode):
        return f"is a folder, not a file: name the pictures in it, say {place / '*'}"
    return None if stat.S_ISREG(mode) else "is not a file"
