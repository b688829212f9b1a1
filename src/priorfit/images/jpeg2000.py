"""JPEG 2000, through imagecodecs; the boxes around it are read and written here.

Source: ISO/IEC 15444-1, annexes A.5.1 (SIZ) and I (JP2).
"""

import struct
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.boxes import Box, boxes, packed
from priorfit.images.codecs import decoded, imagecodecs_for
from priorfit.images.density import METRE, Density, density
from priorfit.images.exif import upright
from priorfit.images.extras import Extras
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.scale import widened

SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_EXIF = b"JpgTiffExif->JP2"
_MOST_TILES = 65535
_SMALL, _MOST_PIXELS_A_BYTE = 1 << 24, 1 << 16  # the decoder takes twelve bytes for a pixel
_MOST_COMPONENTS = 5
_LARGEST = 60_000  # numerator or denominator, a little below what 16 bits hold


class _Size(NamedTuple):
    width: int
    height: int
    bits: int
    components: int


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a JPEG 2000 file or codestream of up to 16 bits.

    Raises:
        ImageFileError: damaged, truncated, too large or too small, of a kind that is not read, or
            imagecodecs is not installed.
    """
    data = _data(file, max_pixels)
    whole = list(boxes(data)) if data[4:8] == b"jP  " else [Box(b"jp2c", data)]
    stream = next((box.data for box in whole if box.kind == b"jp2c"), b"")
    size = _size(stream, max_pixels)
    imagecodecs = imagecodecs_for("is a JPEG 2000 file, which needs")

    if stream[-2:] != b"\xff\xd9":
        raise ImageFileError("is truncated: its end is missing")
    samples = decoded(lambda: imagecodecs.jpeg2k_decode(data))
    if samples.shape[:2] != (size.height, size.width) or samples.dtype.kind not in "ui":
        raise ImageFileError("is a JPEG 2000 file of a kind that is not read")
    samples = samples.reshape(size.height, size.width, -1)
    if samples.dtype.kind == "i":  # of signed samples, which count from the middle
        raise ImageFileError("holds signed samples, which are not read")
    notes: Notes = ()
    if size.bits not in (8, 16):
        samples = widened(samples, size.bits)
        notes = (f"{size.bits}-bit samples widened to {8 * samples.itemsize} bits",)
    return _sheet(samples, whole, notes)


def _data(file: BinaryIO, max_pixels: int) -> bytes:
    end = file.seek(0, 2)
    file.seek(0)
    if end > 16 * max_pixels + (1 << 26):
        raise ImageFileError("is damaged: it holds far more data than any size it may have")
    return file.read()


def _size(stream: bytes, max_pixels: int) -> _Size:
    """Read the SIZ marker, with which every codestream begins."""
    if stream[:4] != CODESTREAM or len(stream) < 42:
        raise ImageFileError("is damaged or truncated: its codestream is missing")
    right, bottom, left, top, across, down, tile_left, tile_top = struct.unpack_from(
        ">8I", stream, 8
    )
    components = struct.unpack_from(">H", stream, 40)[0]
    parts = [stream[42 + 3 * i : 45 + 3 * i] for i in range(components)]
    if not across or not down or left >= right or top >= bottom or len(parts[-1:]) != 1:
        raise ImageFileError("is damaged: its header makes no sense")
    check_size(right - left, bottom - top, max_pixels)
    if (right - left) * (bottom - top) > max(_SMALL, _MOST_PIXELS_A_BYTE * len(stream)):
        raise ImageFileError("is damaged: it holds far less data than its size needs")
    tiles = -(-(right - tile_left) // across) * -(-(bottom - tile_top) // down)
    if tiles > _MOST_TILES or components > _MOST_COMPONENTS or len(parts[-1]) != 3:
        raise ImageFileError("is damaged: its header makes no sense")
    kinds = {(part[0], *part[1:]) for part in parts}
    if any((part[0] & 0x7F) + 1 > 16 for part in parts):
        raise ImageFileError("holds samples of more than 16 bits, which are not read")
    if len({kind[0] for kind in kinds}) != 1:
        raise ImageFileError("holds samples of different depths, which are not read")
    return _Size(right - left, bottom - top, (parts[0][0] & 0x7F) + 1, components)


def _sheet(samples: np.ndarray, whole: list[Box], notes: Notes) -> Sheet:
    """Part alpha from colours, and read what the boxes say."""
    header = next((list(boxes(box.data)) for box in whole if box.kind == b"jp2h"), [])
    channels = samples.shape[-1]
    alpha = None
    if channels in (2, 4) and _has_alpha(header):
        samples, alpha = samples[..., :-1], samples[..., -1]
    elif channels not in (1, 3):
        raise ImageFileError(
            f"holds {channels} components, expected grey or RGB, with alpha or not"
        )
    named = {box.data[:16]: box.data[16:] for box in whole if box.kind == b"uuid"}
    icc = next((b.data[3:] for b in header if b.kind == b"colr" and b.data[:1] == b"\2"), None)
    exif = named.get(_EXIF)
    extras = Extras(
        density=_density(header),
        xmp=named.get(_XMP),
        iptc=named.get(_IPTC),
    )
    others = [box.kind for box in whole if box.kind in (b"xml ", b"jp2i", b"asoc", b"jumb")]
    notes += tuple(f"box '{kind.decode().strip()}' dropped" for kind in dict.fromkeys(others))
    exif = exif.removeprefix(b"Exif\0\0") if exif else None
    return Sheet(samples, alpha, icc, upright(exif), 1, notes=notes, extras=extras)


def _has_alpha(header: list[Box]) -> bool:
    """Whether a box says that a channel is opacity; without one, a second or fourth is taken so."""
    found = next((box.data for box in header if box.kind == b"cdef"), None)
    if found is None:
        return True
    kinds = [struct.unpack_from(">H", found, at + 2)[0] for at in range(2, len(found) - 5, 6)]
    return 1 in kinds


def _density(header: list[Box]) -> Density | None:
    inside = next((box.data for box in header if box.kind == b"res "), b"")
    for box in boxes(inside):
        if box.kind == b"resc" and len(box.data) == 10:
            down, down_by, across, across_by, down_ten, across_ten = struct.unpack(
                ">4H2b", box.data
            )
            if down_by and across_by:
                return density(
                    Fraction(across, across_by) * Fraction(10) ** across_ten,
                    Fraction(down, down_by) * Fraction(10) ** down_ten,
                    METRE,
                )
    return None


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a lossless JP2 of uint8 or uint16 samples.

    Returns:
        The file, and notes (none).

    Raises:
        ImageFileError: imagecodecs is not installed.
    """
    imagecodecs = imagecodecs_for("writing JPEG 2000 needs")

    flat = sheet.samples[..., 0] if sheet.samples.shape[-1] == 1 else sheet.samples
    flat = np.ascontiguousarray(flat)
    data = bytes(
        imagecodecs.jpeg2k_encode(flat, level=0, codecformat="jp2", reversible=True, numthreads=1)
    )
    extras, parts = sheet.extras, []
    for box in boxes(data):
        if box.kind == b"jp2h":
            parts.append(packed(b"jp2h", _header_with(list(boxes(box.data)), sheet)))
            for name, value in ((_EXIF, sheet.exif), (_XMP, extras.xmp), (_IPTC, extras.iptc)):
                parts += [packed(b"uuid", name + value)] if value else []
        else:
            parts.append(packed(box.kind, box.data))
    return b"".join(parts), ()


def _header_with(header: list[Box], sheet: Sheet) -> bytes:
    """The header with the colour profile and the resolution of a sheet."""
    parts = []
    for box in header:
        profile = sheet.icc if box.kind == b"colr" else None
        parts.append(packed(box.kind, b"\2\0\0" + profile if profile else box.data))
    if sheet.extras.density is not None:
        inside = packed(b"resc", _resolution(sheet.extras.density))
        parts.append(packed(b"res ", inside))
    return b"".join(parts)


def _resolution(of: Density) -> bytes:
    """Numerators, denominators and powers of ten of pixels per metre, down before across."""
    unit = of.unit or METRE
    down, across = (_scientific(value / unit) for value in (of.down, of.across))
    return struct.pack(">4H2b", *down[:2], *across[:2], down[2], across[2])


def _scientific(value: Fraction) -> tuple[int, int, int]:
    """Numerator, denominator and power of ten, which stays positive: some take it for unsigned."""
    power = 0
    while value > _LARGEST:
        value, power = value / 10, power + 1
    near = value.limit_denominator(max(1, int(_LARGEST / max(value, Fraction(1)))))
    return max(1, near.numerator), near.denominator, power
