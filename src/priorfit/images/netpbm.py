"""PBM, PGM and PPM, plain and raw, of 1 to 16 bits.

No library on hand reads 16-bit colour from them: Pillow narrows it to 8.
Specification: https://netpbm.sourceforge.net/doc/ppm.html
"""

import os
import warnings
from typing import BinaryIO, NamedTuple

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.extras import Extras
from priorfit.images.picture import Notes, Sheet, check_size

_MOST_HEADER = 1 << 16
_PLAIN = frozenset(b"123")
_BITMAPS = frozenset(b"14")
_COLOURS = {ord("1"): 1, ord("2"): 1, ord("3"): 3, ord("4"): 1, ord("5"): 1, ord("6"): 3}


class _Header(NamedTuple):
    kind: int
    width: int
    height: int
    largest: int
    comments: tuple[bytes, ...]
    end: int


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a PBM, PGM or PPM from its beginning.

    Raises:
        ImageFileError: damaged, truncated, several images, too large or too small.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = _header(file.read(_MOST_HEADER))
    check_size(header.width, header.height, max_pixels)
    channels = _COLOURS[header.kind]
    count = header.width * header.height * channels
    plain = header.kind in _PLAIN
    file.seek(header.end)
    if plain:
        if end - header.end > 64 * count + (1 << 20):
            raise ImageFileError("is damaged: it holds far more data than its size needs")
        flat = _plain_samples(file.read(), count, bits=header.kind in _BITMAPS)
    else:
        flat = _raw_samples(file, end, header, count)
    if flat.max() > header.largest:
        raise ImageFileError(f"is damaged: it holds samples above its largest, {header.largest}")
    samples, notes = _spread(flat, header)
    shaped = samples.reshape(header.height, header.width, channels)
    return Sheet(shaped, notes=notes, extras=Extras(comments=header.comments))


def _header(head: bytes) -> _Header:
    """Read the numbers in front of the samples, with comments anywhere between them."""
    kind, at = head[1], 2
    numbers: list[int] = []
    comments: list[bytes] = []
    wanted = 2 if kind in _BITMAPS else 3
    while len(numbers) < wanted:
        while head[at : at + 1].isspace():
            at += 1
        start = at
        if head[at : at + 1] == b"#":
            at = (head.find(b"\n", at) + 1) or len(head)
            comments.append(head[start + 1 : at].strip())
            continue
        while head[at : at + 1].isdigit():
            at += 1
        if not 0 < at - start <= 9:
            raise ImageFileError("is damaged or truncated: its header makes no sense")
        numbers.append(int(head[start:at]))
    largest = 1 if kind in _BITMAPS else numbers[2]
    if not head[at : at + 1].isspace() or not 1 <= largest <= 65535:
        raise ImageFileError("is damaged or truncated: its header makes no sense")
    width, height = numbers[:2]
    return _Header(kind, width, height, largest, tuple(filter(None, comments)), at + 1)


def _plain_samples(text: bytes, count: int, *, bits: bool) -> np.ndarray:
    """Samples in figures; those of a bitmap need no space between them."""
    lines = [line.partition(b"#")[0] for line in text.split(b"\n")] if b"#" in text else [text]
    words = b" ".join(lines)
    try:
        if bits:
            figures = np.frombuffer(b"".join(words.split()), np.uint8)
            if ((figures != ord("0")) & (figures != ord("1"))).any():
                raise ValueError("neither 0 nor 1")
            found = figures - ord("0")
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = np.fromstring(words.decode("ascii"), np.int64, sep=" ")
    except (ValueError, OverflowError, DeprecationWarning) as error:
        raise ImageFileError("is damaged: its samples are no numbers") from error
    if len(found) < count:
        raise ImageFileError(f"is truncated: expected {count:,} samples, got {len(found):,}")
    if len(found) > count:
        raise ImageFileError("is damaged: it holds more samples than its size needs")
    if not bits and found.min() < 0:
        raise ImageFileError("is damaged: its samples are negative")
    return np.minimum(found, 65536).astype(np.uint32)


def _raw_samples(file: BinaryIO, end: int, header: _Header, count: int) -> np.ndarray:
    row = -(-header.width // 8)
    bitmap = header.kind in _BITMAPS
    dtype = np.dtype(np.uint8 if header.largest < 256 else ">u2")
    size = row * header.height if bitmap else count * dtype.itemsize
    if end - header.end < size:
        raise ImageFileError(
            f"is truncated: expected {size:,} bytes of data, got {end - header.end:,}"
        )
    data = file.read(size)
    if file.read(1) == b"P" and file.read(1).isdigit():
        raise ImageFileError("holds several images, expected a single one")
    if not bitmap:
        return np.frombuffer(data, dtype)
    packed = np.frombuffer(data, np.uint8).reshape(header.height, row)
    return np.unpackbits(packed, axis=1)[:, : header.width].reshape(-1)


def _spread(flat: np.ndarray, header: _Header) -> tuple[np.ndarray, Notes]:
    """Samples over the full range of 8 or 16 bits."""
    if header.kind in _BITMAPS:  # where 1 is black
        return ((1 - flat.astype(np.uint8)) * np.uint8(255)), ("1-bit grey widened to 8 bits",)
    dtype = np.dtype(np.uint8 if header.largest < 256 else np.uint16)
    full = 255 if header.largest < 256 else 65535
    if header.largest == full:
        return flat.astype(dtype), ()
    table = np.rint(np.arange(header.largest + 1) * (full / header.largest)).astype(dtype)
    note = f"samples up to {header.largest} widened to {8 * dtype.itemsize} bits"
    return table[flat], (note,)


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a raw PGM or PPM of uint8 or uint16 samples.

    Returns:
        The file, and notes (none).
    """
    height, width, channels = sheet.samples.shape
    largest = int(np.iinfo(sheet.samples.dtype).max)
    lines = [f"P{5 if channels == 1 else 6}".encode()]
    lines += [b"# " + line for text in sheet.extras.comments for line in text.splitlines()]
    lines += [f"{width} {height}".encode(), str(largest).encode()]
    samples = sheet.samples.astype(sheet.samples.dtype.newbyteorder(">"))
    return b"\n".join(lines) + b"\n" + samples.tobytes(), ()
