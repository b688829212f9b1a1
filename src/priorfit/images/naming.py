"""What a result is called where a folder alone is given: the ending is the format."""

from os import PathLike
from pathlib import Path

from priorfit.disk.regular import open_regular
from priorfit.errors import ImageFileError
from priorfit.images.boxes import properties
from priorfit.images.formats import FORMATS, SUFFIXES, WRITTEN
from priorfit.images.jpeg2000 import CODESTREAM
from priorfit.images.jpeg_metadata import frame_of
from priorfit.images.sniff import HEAD, identify

_LOSSLESS = ".png"
_MOST_LOOKED_AT = 1 << 24


def result_name(path: str | PathLike[str]) -> str:
    """Name the result of a picture: as the picture, with another ending where that is not written.

    What is only read, or would lose depth or alpha, becomes PNG; an ending that stands for no
    format, the usual one of what the file is. A file that cannot be read keeps its name: reading it
    will say why.
    """
    name = Path(path)
    try:
        with open_regular(name) as file:
            data = file.read(HEAD)
            found = identify(data)
            if found in _MORE:
                data += file.read(_MOST_LOOKED_AT)
    except (OSError, ImageFileError):
        return name.name
    form = FORMATS[found]
    if form.encode is None or (found in _MORE and _MORE[found](data)):
        return name.stem + _LOSSLESS
    suffix = name.suffix.lower()
    if suffix in WRITTEN and not _are_at_odds(SUFFIXES[suffix], found):
        return name.name
    return name.stem + form.suffixes[0]


def _is_deep_jpeg(data: bytes) -> bool:
    frame = frame_of(data)
    return frame is not None and frame.bits > 8


def _is_deep_avif(data: bytes) -> bool:
    try:
        return properties(data).bits > 8
    except ImageFileError:
        return False


def _is_transparent_bmp(data: bytes) -> bool:
    header, bits = int.from_bytes(data[14:18], "little"), int.from_bytes(data[28:30], "little")
    return bits == 32 and header >= 56 and any(data[66:70])  # the mask of its alpha


def _is_transparent_jp2(data: bytes) -> bool:
    start = data.find(CODESTREAM)
    return start >= 0 and data[start + 41 : start + 42] in (b"\2", b"\4")


_MORE = {
    "jpeg": _is_deep_jpeg,
    "avif": _is_deep_avif,
    "bmp": _is_transparent_bmp,
    "jp2": _is_transparent_jp2,
}
"""Whether a file holds more than a file of the same format that is written: depth, or alpha."""


def _are_at_odds(meant: str, found: str) -> bool:
    """Whether an ending stands for a format that holds less than that of the file."""
    return {meant, found} == {"pgm", "ppm"}
