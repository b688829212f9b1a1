"""The scans of a JPEG, found by their markers alone (ITU-T T.81, annexes B and G)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from priorfit.images.jpeg_tables import scan_start

_SCAN = 0xDA
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_RESTARTS = range(0xD0, 0xD8)
_COEFFICIENTS = 64
_NOTHING = b"\x55" * 64


class Scan(NamedTuple):
    """One pass over the pixels.

    Args:
        components: identifiers of those that it brings.
        first: of the coefficients that it brings.
        last: of them.
        shift: bits of these coefficients that are still to come.
        ends: where its runs of pixels end: at restarts, and at the next marker.
    """

    components: tuple[int, ...]
    first: int
    last: int
    shift: int
    ends: tuple[int, ...]


def scans(data: bytes) -> Iterator[Scan]:
    """Every scan, up to the first that is cut in its header."""
    at = scan_start(data)
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker != _SCAN:
            continue
        ends = tuple(_ends(data, at))
        at = ends[-1]
        count = body[0] if body else 0
        if len(body) < 2 * count + 4:
            return
        components = tuple(body[1 : 1 + 2 * count : 2])
        first, last, bits = body[1 + 2 * count : 4 + 2 * count]
        yield Scan(components, first, last, bits & 15, ends)


def _ends(data: bytes, at: int) -> Iterator[int]:
    for marker in _MARKER.finditer(data, at):
        yield marker.start()
        if marker[0][1] not in _RESTARTS:
            return
    yield len(data)


def is_complete(found: list[Scan], components: int, *, progressive: bool) -> bool:
    """Whether all scans together bring every bit of every coefficient of all components."""
    missing: dict[int, list[int]] = {}
    for scan in found:
        for component in scan.components:
            bits = missing.setdefault(component, [1] * _COEFFICIENTS)
            span = range(scan.first, scan.last + 1) if progressive else range(_COEFFICIENTS)
            for k in span:
                if k < _COEFFICIENTS:
                    bits[k] = scan.shift if progressive else 0
    return len(missing) >= components and not any(map(any, missing.values()))


def padded(data: bytes, found: list[Scan]) -> bytes:
    """The file with bytes of no meaning behind every run of pixels, which whole runs never reach.

    A decoder skips them; where pixels are missing it takes them for these.
    """
    parts, at = [], 0
    for scan in found:
        for end in scan.ends:
            parts += [data[at:end], _NOTHING]
            at = end
        if len(scan.ends) > 1:  # the next run, if there were one
            number = (len(scan.ends) - 1) % len(_RESTARTS)
            parts += [bytes([0xFF, _RESTARTS[number]]), _NOTHING]
    return b"".join([*parts, data[at:]])
