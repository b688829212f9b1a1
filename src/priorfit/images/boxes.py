"""Boxes, of which JPEG 2000, JPEG XL, AVIF and HEIC files are made.

Sources: ISO/IEC 14496-12, 4.2 (boxes) and 8.11 (items); ISO/IEC 23008-12, 6.5 (properties).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from priorfit.errors import ImageFileError
from priorfit.images.picture import Notes

_CONTAINERS = (b"iprp", b"ipco")
_SDR_PRIMARIES, _SDR_TRANSFERS = (1, 2), (1, 2, 6, 13, 14, 15)


class Box(NamedTuple):
    """One box: its type and the bytes inside."""

    kind: bytes
    data: bytes


def boxes(data: bytes) -> Iterator[Box]:
    """Yield the boxes that follow each other.

    Raises:
        ImageFileError: one goes beyond the end.
    """
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise ImageFileError("is truncated: its last box is cut short")
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            length, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if length == 0:  # to the end
            length = len(data) - at
        if length < head or at + length > len(data):
            raise ImageFileError("is truncated: its last box is cut short")
        yield Box(kind, data[at + head : at + length])
        at += length


def packed(kind: bytes, data: bytes) -> bytes:
    """Write a box."""
    return struct.pack(">I", len(data) + 8) + kind + data


def check_names(data: bytes) -> None:
    """Refuse an AVIF or HEIC file whose items have names that are no text.

    pi-heif takes them for UTF-8 without looking, and ends the process where they are not.

    Raises:
        ImageFileError: a type, a name or a kind of content is no UTF-8.
    """
    meta = next((box.data for box in boxes(data) if box.kind == b"meta"), b"")
    for box in _inner(meta[4:]):
        texts = [box.data[4:].partition(b"\0")[0]] if box.kind == b"auxC" else []
        if box.kind == b"iinf":
            start = 6 if box.data[:1] == b"\0" else 8
            texts = [_names_of(item.data) for item in boxes(box.data[start:])]
        for text in texts:
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ImageFileError("is damaged: the names of its parts are no text") from error


def _names_of(infe: bytes) -> bytes:
    """Type, name and kind of content of an item, which follow its numbers."""
    return infe[10:] if infe[:1] == b"\3" else infe[8:]


class Properties(NamedTuple):
    """What an AVIF or HEIC file says of its pictures, of all together.

    Args:
        width: The largest.
        height: The largest.
        bits: Of a sample, the most.
        notes: Colours that nothing else says.
    """

    width: int
    height: int
    bits: int
    notes: Notes


def properties(data: bytes) -> Properties:
    """Read the properties of the pictures in an AVIF or HEIC file.

    Raises:
        ImageFileError: damaged or truncated, or without any picture's size.
    """
    meta = next((box.data for box in boxes(data) if box.kind == b"meta"), b"")
    width, height, bits, notes, profile = 0, 0, 8, Notes(), False
    for box in _inner(meta[4:]):
        if box.kind == b"ispe" and len(box.data) >= 12:
            across, down = struct.unpack_from(">II", box.data, 4)
            width, height = max(width, across), max(height, down)
        elif box.kind == b"pixi":
            bits = max(bits, *box.data[5:], 0)
        elif box.kind == b"av1C" and len(box.data) > 2 and box.data[2] & 0x40:
            bits = max(bits, 12 if box.data[2] & 0x20 else 10)
        elif box.kind == b"colr" and box.data[:4] == b"nclx":
            notes = _on_colours(box.data)
        elif box.kind == b"colr":
            profile = True
    if not width or not height:
        raise ImageFileError("is damaged: it does not say how large its picture is")
    return Properties(width, height, bits, () if profile else notes)


def _inner(data: bytes) -> Iterator[Box]:
    for box in boxes(data):
        if box.kind in _CONTAINERS:
            yield from _inner(box.data)
        else:
            yield box


def _on_colours(nclx: bytes) -> Notes:
    if len(nclx) < 8:
        return ()
    primaries, transfer = struct.unpack_from(">HH", nclx, 4)
    if primaries in _SDR_PRIMARIES and transfer in _SDR_TRANSFERS:
        return ()
    return (f"its colours are not sRGB (primaries {primaries}, curve {transfer}), which is lost",)
