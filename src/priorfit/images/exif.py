"""EXIF: its orientation, and its way into and out of a TIFF file.

EXIF is a TIFF structure: a header, then directories of entries. Only what is needed is parsed; a
directory that points outside its file is left out, so that nothing hostile costs more than itself.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import BinaryIO, Literal

import numpy as np

ORIENTATION = 0x0112
EXIF_DIRECTORY = 0x8769
GPS_DIRECTORY = 0x8825
_INTEROPERABILITY = 0xA005
_POINTERS = (EXIF_DIRECTORY, GPS_DIRECTORY, _INTEROPERABILITY)

DESCRIPTION, RESOLUTION = 270, (282, 283, 296)
DESCRIPTIVE = frozenset(
    [
        *(269, DESCRIPTION, 271, 272, *RESOLUTION, 285, 286, 287, 297, 305, 306, 315, 316),
        *(18246, 18249, 33432, *range(40091, 40096), EXIF_DIRECTORY, GPS_DIRECTORY),
    ]
)
"""What of a TIFF directory describes the picture rather than its storage, and EXIF holds too: name
of document, description, make, model, resolution (x, y, unit), name and place of the page,
software, date, artist, host, copyright, rating, Windows' title to subject, EXIF and GPS."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES_OF_BIG = _SIZES | {16: 8, 17: 8, 18: 8}


@dataclass(frozen=True)
class Entry:
    """One value of a directory: TIFF type, count, and its bytes in the file's byte order."""

    type: int
    count: int
    data: bytes


Directory = dict[int, "Entry | Directory"]


def byte_order(head: bytes) -> Literal["<", ">"]:
    """Give "<" or ">" of a TIFF structure that begins with `head`."""
    return ">" if head[:2] == b"MM" else "<"


def orientation_of(exif: bytes | None) -> int:
    """Orientation of an EXIF block, 1 to 8; 1 where it says nothing that makes sense."""
    at = _orientation_at(exif or b"")
    if at is None or exif is None:
        return 1
    value = struct.unpack_from(byte_order(exif) + "H", exif, at)[0]
    return value if 1 <= value <= 8 else 1


def upright(exif: bytes | None) -> bytes | None:
    """Reset the orientation of an EXIF block to 1 and leave every other byte as it is."""
    at = _orientation_at(exif or b"")
    if at is None or exif is None:
        return exif
    return exif[:at] + struct.pack(byte_order(exif) + "H", 1) + exif[at + 2 :]


def _orientation_at(exif: bytes) -> int | None:
    order = byte_order(exif)
    try:
        start = struct.unpack_from(order + "I", exif, 4)[0]
        count = struct.unpack_from(order + "H", exif, start)[0]
        for i in range(count):
            at = start + 2 + 12 * i
            if struct.unpack_from(order + "HH", exif, at) == (ORIENTATION, 3):
                return at + 8 if at + 10 <= len(exif) else None
    except struct.error:  # shorter than it says
        return None
    return None


def turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """Put an (H, W, …) array stored with an EXIF orientation of 1 to 8 upright."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def turned_back(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo `turned`."""
    return turned(array, {6: 8, 8: 6}.get(orientation, orientation))


def read_exif(exif: bytes) -> Directory:
    """Parse the first directory of an EXIF block; empty where it is damaged."""
    if exif[:4] not in (b"II*\x00", b"MM\x00*") or len(exif) < 8:
        return {}
    order = byte_order(exif)
    start = struct.unpack_from(order + "I", exif, 4)[0]
    return read_directory(BytesIO(exif), start, order, room=max(len(exif), 1 << 20))


def pack_exif(directory: Directory, order: str) -> bytes:
    """Write a directory as an EXIF block of its own."""
    magic = b"II" if order == "<" else b"MM"
    return magic + struct.pack(order + "HI", 42, 8) + pack_directory(directory, 8, order)


def read_directory(
    file: BinaryIO,
    offset: int,
    order: str,
    *,
    depth: int = 3,
    room: int = 1 << 20,
    big: bool = False,
) -> Directory:
    """Parse the directory of a TIFF structure at `offset`, with the EXIF directories inside it.

    With `big` it is laid out as BigTIFF has it; values of 64 bits are left out.

    Entries that are damaged, of an unknown type or met before are left out, and so is what goes
    beyond `room` bytes: values may overlap, and a small file could claim many times its size.
    """
    found: Directory = {}
    places = {place.code: place for place in reversed(_places(file, offset, order, big))}
    for code, place in places.items():
        data = _value(file, place) if place.size <= room else b""
        room -= len(data)
        if data and code not in _POINTERS:
            found.update({code: Entry(place.type, place.count, data)} if place.type < 16 else {})
        elif len(data) in (4, 8) and depth > 1:
            start = _number(data, order)
            inside = read_directory(file, start, order, depth=depth - 1, big=big)
            found.update({code: inside} if inside else {})
    return found


def codes_of(file: BinaryIO, offset: int, order: str, *, big: bool = False) -> list[int]:
    """Name every entry of a directory by its code, whether it can be read or not."""
    return [place.code for place in _places(file, offset, order, big)]


def is_cut_short(
    file: BinaryIO, offset: int, order: str, *, depth: int = 3, big: bool = False
) -> bool:
    """Whether a directory, or an EXIF directory inside it, points beyond the end of its file."""
    end = file.seek(0, SEEK_END)
    places = {place.code: place for place in _places(file, offset, order, big)}
    if not places or any(place.start + place.size > end for place in places.values()):
        return True
    inner = [places[code] for code in _POINTERS if code in places and places[code].size in (4, 8)]
    starts = [_number(_value(file, place), order) for place in inner]
    return depth > 1 and any(is_cut_short(file, s, order, depth=depth - 1, big=big) for s in starts)


def _number(data: bytes, order: str) -> int:
    return int.from_bytes(data, "little" if order == "<" else "big")


@dataclass(frozen=True)
class _Place:
    """Where the value of an entry stands."""

    code: int
    type: int
    count: int
    start: int
    size: int


def _places(file: BinaryIO, offset: int, order: str, big: bool = False) -> list[_Place]:
    """The entries of a directory; none if its table goes beyond the file."""
    head_form, entry_form = ("Q", "HHQQ") if big else ("H", "HHII")
    sizes, inline = (_SIZES_OF_BIG, 8) if big else (_SIZES, 4)
    head_bytes, entry_bytes = (
        struct.calcsize(order + head_form),
        struct.calcsize(order + entry_form),
    )
    end = file.seek(0, SEEK_END)
    file.seek(min(offset, end))
    head = file.read(head_bytes)
    count = struct.unpack(order + head_form, head)[0] if len(head) == head_bytes else 0
    if count * entry_bytes > end:
        return []
    table = file.read(entry_bytes * count)
    if len(table) < entry_bytes * count:
        return []
    places = []
    for at in range(0, len(table), entry_bytes):
        code, kind, items, pointer = struct.unpack_from(order + entry_form, table, at)
        size = sizes.get(kind, 0) * items
        inside = offset + head_bytes + at + entry_bytes - inline
        places.append(_Place(code, kind, items, inside if size <= inline else pointer, size))
    return places


def _value(file: BinaryIO, place: _Place) -> bytes:
    """Bytes of a value; none where it goes beyond the file."""
    if place.start + place.size > file.seek(0, SEEK_END):
        return b""
    file.seek(place.start)
    return file.read(place.size)


def pack_directory(directory: Directory, offset: int, order: str) -> bytes:
    """Write a directory that will stand at `offset` of its file, values and inner ones after it."""
    table = struct.pack(order + "H", len(directory))
    end = offset + 2 + 12 * len(directory) + 4
    tail = b""
    for code in sorted(directory):
        entry = directory[code]
        at = end + len(tail)
        if not isinstance(entry, Entry):
            tail += pack_directory(entry, at, order)
            entry = Entry(4, 1, struct.pack(order + "I", at))
        elif len(entry.data) > 4:
            tail += entry.data
            entry = Entry(entry.type, entry.count, struct.pack(order + "I", at))
        tail += b"\0" * (len(tail) % 2)  # values stand at even offsets
        table += struct.pack(order + "HHI", code, entry.type, entry.count)
        table += entry.data.ljust(4, b"\0")
    return table + bytes(4) + tail


def only(directory: Directory, codes: Iterable[int]) -> Directory:
    """Select the entries with these codes."""
    return {code: directory[code] for code in codes if code in directory}


def without(directory: Directory, codes: Iterable[int]) -> Directory:
    """Leave out the entries with these codes."""
    left = frozenset(codes)
    return {code: entry for code, entry in directory.items() if code not in left}
