"""How a JPEG file was quantised, read from its markers alone (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from priorfit.errors import ImageFileError
from priorfit.images.exif import orientation_of

Table = NDArray[np.int64]
"""(8, 8), the quantisation step of every frequency: rows vertical, columns horizontal."""

_SOI, _EOI, _SOS, _DQT, _APP0, _APP1, _APP14 = 0xD8, 0xD9, 0xDA, 0xDB, 0xE0, 0xE1, 0xEE
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # sequential and progressive; 0xC9, 0xCA arithmetic
_UNSUPPORTED_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF)  # lossless, hierarchical
_MOST_SEGMENTS, _MOST_FILL = 10_000, 1 << 12
_FILL = re.compile(rb"\xff{1,%d}" % (_MOST_FILL + 1))
_BARE = (0x01, *range(0xD0, 0xD8))  # markers without a length


@dataclass(frozen=True, eq=False)
class JpegTables:
    """What is needed to know which images a JPEG file can stand for.

    Args:
        quantisation: the tables in use, (8, 8) each, in natural order (not zigzag).
        component_table: for each component (Y, Cb, Cr, or grey alone) its place in `quantisation`.
        sampling: for each component (horizontal, vertical), as in the file: 4:2:0 is
            ((2, 2), (1, 1), (1, 1)).
        ycbcr: three components are Y, Cb and Cr; otherwise R, G and B.
        orientation: EXIF's number, 1 to 8, of how to turn what is stored to see it upright.
    """

    quantisation: tuple[Table, ...]
    component_table: tuple[int, ...]
    sampling: tuple[tuple[int, int], ...]
    ycbcr: bool = True
    orientation: int = 1

    def table(self, component: int) -> Table:
        """Quantisation steps of one component."""
        return self.quantisation[self.component_table[component]]

    def reduction(self, component: int) -> tuple[int, int]:
        """How many times fewer (columns, rows) one component has than the image.

        Raises:
            ImageFileError: the ratio is not whole.
        """
        across, down = (max(factors) for factors in zip(*self.sampling, strict=True))
        horizontal, vertical = self.sampling[component]
        if across % horizontal or down % vertical:
            raise ImageFileError(
                f"expected a JPEG with whole sampling ratios, got {self.sampling}: save it anew"
            )
        return across // horizontal, down // vertical

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JpegTables):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        steps = tuple(tuple(table.ravel().tolist()) for table in self.quantisation)
        return steps, self.component_table, self.sampling, self.ycbcr, self.orientation


@dataclass(frozen=True)
class _Frame:
    identifiers: tuple[int, ...]
    sampling: tuple[tuple[int, int], ...]
    tables: tuple[int, ...]


def jpeg_tables(data: bytes) -> JpegTables:
    """Read quantisation tables, sampling factors and orientation from the bytes of a JPEG file.

    Every length is checked against the bytes that are there; nothing is decoded.

    Raises:
        ImageFileError: not a JPEG, cut short, contradictory, or of a kind without 8-bit DCT blocks.
    """
    tables: dict[int, Table] = {}
    frame: _Frame | None = None
    jfif, transform, orientation = False, None, 1
    for marker, body in segments(data):
        if marker == _DQT:
            tables.update(_quantisation(body))
        elif marker in _FRAMES:
            frame = _frame(body)
        elif marker in _UNSUPPORTED_FRAMES:
            raise ImageFileError(
                "expected a JPEG of DCT blocks, got a lossless or hierarchical one"
            )
        elif marker == _APP0 and body.startswith(b"JFIF\0"):
            jfif = True
        elif marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            transform = body[11]
        elif marker == _APP1 and body.startswith(b"Exif\0\0"):
            orientation = orientation_of(body[6:])
    if frame is None:
        raise ImageFileError(
            "expected a JPEG, got one without a frame header before its first scan"
        )
    used = sorted(set(frame.tables))
    if not tables.keys() >= set(used):
        raise ImageFileError("expected a JPEG, got one without all of its quantisation tables")
    return JpegTables(
        tuple(tables[table] for table in used),
        tuple(used.index(table) for table in frame.tables),
        frame.sampling,
        _is_ycbcr(frame, jfif, transform),
        orientation,
    )


SEGMENTS_OF_PIXELS = frozenset([*range(0xC0, 0xD0), _DQT, 0xDC, 0xDD])
"""Markers of what pixels are decoded with: frames, tables, numbers of lines, restarts."""


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of every segment in front of the first scan.

    Raises:
        ImageFileError: one goes beyond the end of the file, or there are senselessly many.
    """
    for marker, start, end in _walked(data):
        if marker != _SOS:
            yield marker, data[start:end]


def scan_start(data: bytes) -> int:
    """Where the marker of the first scan stands; at the end of the file if there is none.

    Raises:
        ImageFileError: as `segments`.
    """
    starts = [start - 2 for marker, start, _ in _walked(data) if marker == _SOS]
    return starts[0] if starts else len(data)


def _walked(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and end of every segment up to the first scan, which has no body here."""
    if data[:2] != bytes((0xFF, _SOI)):
        raise ImageFileError("expected a JPEG, got bytes that do not begin as one")
    position = 2
    for _ in range(_MOST_SEGMENTS):
        position = _past_fill(data, position)
        marker, position = data[position], position + 1
        if marker == _SOS:
            yield marker, position, position
        if marker in (_SOS, _EOI):
            return
        if marker in _BARE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise ImageFileError("expected a whole JPEG, got one that is cut short or damaged")
        yield marker, position + 2, position + length
        position += length
    raise ImageFileError(f"expected a JPEG, got one of more than {_MOST_SEGMENTS:,} segments")


def _past_fill(data: bytes, position: int) -> int:
    """Where the marker's code stands, behind some number of 0xFF."""
    run = _FILL.match(data, position)
    if run is None or run.end() >= len(data):
        raise ImageFileError("expected a whole JPEG, got one that is cut short or damaged")
    if run.end() - position > _MOST_FILL:  # decoders read them one by one
        raise ImageFileError("expected a JPEG, got one that is stuffed with bytes of no meaning")
    return run.end()


def _quantisation(body: bytes) -> dict[int, Table]:
    tables = {}
    while body:
        precision, identifier = body[0] >> 4, body[0] & 15
        size = 64 * (precision + 1)
        if precision > 1 or identifier > 3 or len(body) < 1 + size:
            raise ImageFileError("expected a JPEG, got one whose quantisation table is damaged")
        steps = np.frombuffer(body, ">u2" if precision else "u1", count=64, offset=1)
        if not steps.all():
            raise ImageFileError("expected a JPEG, got one whose quantisation table holds a zero")
        tables[identifier] = _natural(steps)
        body = body[1 + size :]
    return tables


def _natural(steps: NDArray[np.generic]) -> Table:
    table = np.empty(64, np.int64)
    table[list(ZIGZAG)] = steps
    table.flags.writeable = False
    square = table.reshape(8, 8)
    square.flags.writeable = False
    return square


def _zigzag() -> tuple[int, ...]:
    def order(cell: tuple[int, int]) -> tuple[int, int]:
        row, column = cell
        diagonal = row + column
        return diagonal, row if diagonal % 2 else column  # odd diagonals run downwards

    cells = sorted(((row, column) for row in range(8) for column in range(8)), key=order)
    return tuple(8 * row + column for row, column in cells)


ZIGZAG = _zigzag()
"""Natural position, 8·row + column, of each of the 64 entries as a file stores them."""


def _frame(body: bytes) -> _Frame:
    count = body[5] if len(body) > 5 else 0
    if count not in (1, 3, 4) or len(body) < 6 + 3 * count:
        raise ImageFileError("expected a JPEG of 1, 3 or 4 components, got a damaged frame header")
    if body[0] != 8:
        raise ImageFileError(f"expected a JPEG of 8 bits, got one of {body[0]}")
    parts = [body[6 + 3 * i : 9 + 3 * i] for i in range(count)]
    sampling = tuple((part[1] >> 4, part[1] & 15) for part in parts)
    if not all(1 <= factor <= 4 for factors in sampling for factor in factors):
        raise ImageFileError(f"expected JPEG sampling factors of 1 to 4, got {sampling}")
    return _Frame(tuple(p[0] for p in parts), sampling, tuple(p[2] for p in parts))


def _is_ycbcr(frame: _Frame, jfif: bool, transform: int | None) -> bool:
    """By the rules libjpeg guesses with: JFIF, then Adobe's flag, then the components' names."""
    if jfif:
        return True
    if transform is not None:
        return transform != 0
    return frame.identifiers != tuple(b"RGB")
