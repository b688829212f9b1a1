"""What a result is called where a folder alone is given: the ending is the format."""

from os import PathLike
from pathlib import Path

from priorfit.errors import ImageFileError
from priorfit.images.boxes import properties
from priorfit.images.formats import FORMATS, SUFFIXES, WRITTEN
from priorfit.images.jpeg_metadata import frame_of
from priorfit.images.sniff import HEAD, identify

_LOSSLESS = ".png"
_MOST_LOOKED_AT = 1 << 24


def result_name(path: str | PathLike[str]) -> str:
    """Name the result of a picture: as the picture, with another ending where that is not written.

    A format that is read alone, or that would lose some of the depth, becomes PNG; an ending that
    stands for no format, the usual one of what the file is. A file that cannot be read keeps its
    name: reading it will say why.
    """
    name = Path(path)
    try:
        with name.open("rb") as file:
            data = file.read(HEAD)
            found = identify(data)
            if found in ("jpeg", "avif"):
                data += file.read(_MOST_LOOKED_AT)
    except (OSError, ImageFileError):
        return name.name
    form = FORMATS[found]
    if form.encode is None or _is_deep(found, data):
        return name.stem + _LOSSLESS
    suffix = name.suffix.lower()
    if suffix in WRITTEN and not _are_at_odds(SUFFIXES[suffix], found):
        return name.name
    return name.stem + form.suffixes[0]


def _is_deep(name: str, data: bytes) -> bool:
    """Whether the samples have more than the 8 bits that are written."""
    if name == "jpeg":
        frame = frame_of(data)
        return frame is not None and frame.bits > 8
    if name != "avif":
        return False
    try:
        return properties(data).bits > 8
    except ImageFileError:
        return False


def _are_at_odds(meant: str, found: str) -> bool:
    """Whether an ending stands for a format that holds less than that of the file."""
    return {meant, found} == {"pgm", "ppm"}
