"""Whether a JPEG is whole: libjpeg fills what is missing with grey, and only warns of it.

Pillow drops these warnings, and simplejpeg makes errors of them.
"""

import math
from collections.abc import Callable

from simplejpeg import decode_jpeg, decode_jpeg_header

from priorfit.errors import ImageFileError
from priorfit.images.jpeg_metadata import Frame
from priorfit.images.jpeg_scans import is_complete, padded, scans
from priorfit.images.jpeg_tables import SEGMENTS_OF_PIXELS, scan_start, segments
from priorfit.images.picture import Notes

_HUFFMAN = frozenset([0xC0, 0xC1, 0xC2])
_PROGRESSIVE = frozenset([0xC2, 0xCA])
_BLOCK = 64  # pixels
_SLACK = 1 << 10
# What libjpeg says of bytes that come after the pixels of a scan, as some cameras write them.
_HARMLESS = "extraneous bytes before marker 0xd9"
# Kinds of file that the library cannot describe, though libjpeg reads them.
_UNKNOWN = ("Could not determine", "Unsupported", "unsupported", "Could not create")


def check_data(data: bytes, frame: Frame) -> None:
    """Refuse a file that has not even a bit for every block of its pixels, before it is decoded.

    Raises:
        ImageFileError: it is cut short, or lies about its size.
    """
    blocks = math.ceil(frame.width * frame.height / _BLOCK)
    if frame.marker in _HUFFMAN and 8 * (len(data) - scan_start(data) + _SLACK) < blocks:
        raise ImageFileError("is damaged or truncated: it holds less data than its size needs")


def check_sound(data: bytes, frame: Frame, again: Callable[[bytes], bool]) -> Notes:
    """Decode all of a JPEG, small and grey, and listen to what its decoder warns of.

    Args:
        data: of 8 bits, which Pillow has decoded.
        frame: its frame header.
        again: whether Pillow makes the same pixels of other bytes; asked where the library that
            listens does not know this kind of JPEG.

    Returns:
        What was left out, if anything.

    Raises:
        ImageFileError: pixels are missing or damaged.
    """
    found = list(scans(data))
    if not is_complete(found, frame.components, progressive=frame.marker in _PROGRESSIVE):
        raise ImageFileError("is damaged or truncated: scans of its pixels are missing")
    bare = _bare(data)
    try:
        colours = "CMYK" if decode_jpeg_header(bare)[2] in ("CMYK", "YCCK") else "GRAY"
        decode_jpeg(bare, colours, min_factor=8, strict=True)
    except ValueError as error:
        said = str(error)
        if _HARMLESS in said:
            return ("bytes that belong to no pixel left out",)
        if not any(known in said for known in _UNKNOWN):
            raise ImageFileError(f"is damaged or truncated: {_plain(said)}") from error
        if not again(padded(data, found)):
            raise ImageFileError("is damaged or truncated: pixels are missing") from error
    return ()


def _bare(data: bytes) -> bytes:
    """The file with nothing but what its pixels are made of, so that no other warning comes."""
    parts = [
        bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body
        for marker, body in segments(data)
        if marker in SEGMENTS_OF_PIXELS
    ]
    return b"".join([b"\xff\xd8", *parts, data[scan_start(data) :]])


def _plain(said: str) -> str:
    return said.removeprefix("Corrupt JPEG data: ").strip().rstrip(".")[:80]
