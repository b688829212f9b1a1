"""Changes to an EXIF block that leave every other byte where it is.

Maker notes hold offsets into the block that nobody documents: what stands in it must not move.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from priorfit.images.exif import (
    EXIF_DIRECTORY,
    Directory,
    Entry,
    byte_order,
    pack_directory,
    pack_exif,
    read_exif,
)

ASCII, SHORT, LONG, RATIONAL, DOUBLE = 2, 3, 4, 5, 12
"""Types of TIFF."""

_FORMS = {SHORT: "H", LONG: "I", RATIONAL: "II", DOUBLE: "d"}
_LARGEST = 2**32 - 1


def text_entry(text: str) -> Entry:
    """A text: UTF-8 where it is not ASCII, as most programs write it."""
    data = text.encode("utf-8", "replace").replace(b"\0", b" ") + b"\0"
    return Entry(ASCII, len(data), data)


def short_entry(value: int, order: str) -> Entry:
    """A number of 16 bits."""
    return Entry(SHORT, 1, struct.pack(order + "H", value))


def rational_entry(value: Fraction, order: str) -> Entry:
    """A positive fraction."""
    return Entry(RATIONAL, 1, _packed_fraction(value, order))


def text_of(entry: "Entry | Directory | None") -> str:
    """The text of an entry; empty where it is none."""
    if not isinstance(entry, Entry) or entry.type not in (ASCII, 7, 1, 129):
        return ""
    return entry.data.rstrip(b"\0").decode("utf-8", "replace")


def numbers_of(entry: "Entry | Directory | None", order: str) -> tuple[float, ...]:
    """The numbers of an entry; none where it holds no SHORT, LONG or DOUBLE."""
    if not isinstance(entry, Entry) or entry.type not in (SHORT, LONG, DOUBLE):
        return ()
    return struct.unpack(f"{order}{entry.count}{_FORMS[entry.type]}", entry.data)


def fraction_of(entry: "Entry | Directory | None", order: str) -> Fraction | None:
    """The positive fraction of an entry; None where it is none."""
    if not isinstance(entry, Entry) or (entry.type, entry.count) != (RATIONAL, 1):
        return None
    above, below = struct.unpack(order + "II", entry.data)
    return Fraction(above, below) if above and below else None


def with_entries(exif: bytes | None, entries: Mapping[int, Entry]) -> bytes | None:
    """Put entries into the first directory of an EXIF block, which moves to its end.

    Args:
        exif: Block, or None for a new one, which is little-endian.
        entries: By code, in the byte order of the block.
    """
    if not entries:
        return exif
    if not exif or not read_exif(exif):
        return pack_exif(dict(entries), byte_order(exif or b""))
    order = byte_order(exif)
    start = struct.unpack_from(order + "I", exif, 4)[0]
    count = struct.unpack_from(order + "H", exif, start)[0]
    raw = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        raw[struct.unpack_from(order + "H", exif, at)[0]] = exif[at : at + 12]
    further = exif[start + 2 + 12 * count :][:4].ljust(4, b"\0")  # where the thumbnail stands
    offset = len(exif) + len(exif) % 2
    table, tail = struct.pack(order + "H", len(raw | dict(entries))), b""
    end = offset + 2 + 12 * len(raw | dict(entries)) + 4
    for code in sorted(raw | dict(entries)):
        if code not in entries:
            table += raw[code]
            continue
        entry = entries[code]
        inline = len(entry.data) <= 4
        place = entry.data.ljust(4, b"\0") if inline else struct.pack(order + "I", end + len(tail))
        table += struct.pack(order + "HHI", code, entry.type, entry.count) + place
        tail += b"" if inline else entry.data + b"\0" * (len(entry.data) % 2)
    body = exif[8:].ljust(offset - 8, b"\0")
    return exif[:4] + struct.pack(order + "I", offset) + body + table + further + tail


def multiplied(exif: bytes | None, codes: Iterable[int], factor: int) -> bytes | None:
    """Multiply numbers of the first directory and its EXIF one where they stand.

    Args:
        exif: Block.
        codes: Of entries of SHORT, LONG or RATIONAL numbers.
        factor: Times.
    """
    if not exif or not read_exif(exif):
        return exif
    order, changed = byte_order(exif), bytearray(exif)
    start = struct.unpack_from(order + "I", exif, 4)[0]
    wanted = frozenset(codes)
    places, inner = _numbers_in(exif, start, order, wanted)
    if inner is not None:
        places |= _numbers_in(exif, inner, order, wanted)[0]
    for place, (kind, size) in places.items():
        grown = _grown(kind, bytes(changed[place : place + size]), order, factor)
        changed[place : place + size] = grown
    return bytes(changed)


def _numbers_in(
    block: bytes, start: int, order: str, codes: frozenset[int]
) -> tuple[dict[int, tuple[int, int]], int | None]:
    """Where the numbers of these codes stand in one directory.

    Returns:
        Type and size in bytes by place, so that a value which entries share counts once; and where
        the EXIF directory stands.
    """
    places, inner = {}, None
    try:
        count = struct.unpack_from(order + "H", block, start)[0]
        for at in range(start + 2, start + 2 + 12 * count, 12):
            code, kind, items, value = struct.unpack_from(order + "HHII", block, at)
            if code == EXIF_DIRECTORY:
                inner = value
            if code in codes and kind in (SHORT, LONG, RATIONAL) and items <= 4:
                size = struct.calcsize("=" + _FORMS[kind]) * items
                place = at + 8 if size <= 4 else value
                if place + size <= len(block):
                    places[place] = kind, size
    except struct.error:  # shorter than it says
        return {}, None
    return places, inner


def _grown(kind: int, data: bytes, order: str, factor: int) -> bytes:
    if kind == RATIONAL:
        pairs = struct.iter_unpack(order + "II", data)
        return b"".join(
            _packed_fraction(Fraction(a * factor, b), order)
            if b
            else struct.pack(order + "II", a, b)
            for a, b in pairs
        )
    form, most = order + _FORMS[kind], 65535 if kind == SHORT else _LARGEST
    return b"".join(
        struct.pack(form, min(value * factor, most)) for (value,) in struct.iter_unpack(form, data)
    )


def _packed_fraction(value: Fraction, order: str) -> bytes:
    if max(value.numerator, value.denominator) > _LARGEST:
        value = min(value, Fraction(_LARGEST)).limit_denominator(1 << 16)
    if max(value.numerator, value.denominator) > _LARGEST:
        value = Fraction(round(value))
    return struct.pack(order + "II", value.numerator, value.denominator)


def changed_text(exif: bytes | None, code: int, change: Callable[[str], str]) -> bytes | None:
    """Rewrite one text of the first directory."""
    before = text_of(read_exif(exif).get(code)) if exif else ""
    after = change(before)
    return exif if after == before else with_entries(exif, {code: text_entry(after)})


def packed_anew(block: bytes, change: Callable[[Directory, str], Directory]) -> bytes:
    """Rewrite a block that holds no maker notes, as that of the tags of a TIFF.

    Args:
        block: As `pack_exif` makes it.
        change: (directory, byte order) -> directory.
    """
    order = byte_order(block)
    directory = change(read_exif(block), order)
    return block[:8] + pack_directory(directory, 8, order)
