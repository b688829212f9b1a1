"""What metadata say in pixels, put right for a picture enlarged by a whole factor.

Sources: GeoTIFF 1.1 (OGC 19-008r4), annex on raster space; PNG, third edition, 11.3.4; EXIF 2.32,
tags of 4.6.5; OME-TIFF, Pixels element; RPCs in GeoTIFF, tag 50844.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from priorfit.images.density import density_in
from priorfit.images.exif import DESCRIPTION, RESOLUTION, Directory, Entry, read_exif
from priorfit.images.exif_edit import (
    DOUBLE,
    changed_text,
    multiplied,
    numbers_of,
    packed_anew,
    text_of,
)
from priorfit.images.extras import Chunk
from priorfit.images.picture import Notes, Picture

_IN_PIXELS = (*RESOLUTION[:2], 40962, 40963, 41486, 41487, 37396, 41492)
"""EXIF that grows with the picture: resolution, size, resolution of the focal plane, subject."""

PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS, RPC = 33550, 33922, 34264, 34735, 50844
GEOREFERENCE = frozenset([PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, RPC])
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2
_BOUND = {
    34377: "Photoshop's settings",
    50838: "ImageJ's overlays",
    50839: "ImageJ's overlays",
    34118: "Zeiss' settings",
    34412: "Zeiss' settings",
    34680: "FEI's settings",
    34682: "FEI's settings",
    **dict.fromkeys(range(33628, 33632), "MetaMorph's settings"),
}
"""Tags that hold sizes of a pixel, or places in pixels, that nobody here rewrites."""

_RATIONAL_TEXTS = ("tiff:XResolution", "tiff:YResolution")
_SIZE_TEXTS = (
    "tiff:ImageWidth",
    "tiff:ImageLength",
    "exif:PixelXDimension",
    "exif:PixelYDimension",
)
_OME_SIZES, _OME_LENGTHS = ("SizeX", "SizeY"), ("PhysicalSizeX", "PhysicalSizeY")
_IMAGEJ_PLACES = ("xorigin", "yorigin")


def enlarged(picture: Picture, factor: int) -> tuple[Picture, Notes]:
    """The picture with the metadata of one enlarged by a factor; its pixels stay.

    Resolutions grow, lengths and map units of a pixel shrink, so that a scale bar stays true.

    Returns:
        The picture, and notes on what could not be put right and was left out.
    """
    extras = picture.extras
    tags, notes = tags_enlarged(extras.tags, factor)
    density = extras.density and extras.density.times(factor)
    extras = replace(extras, density=density, xmp=xmp_enlarged(extras.xmp, factor), tags=tags)
    return replace(
        picture,
        exif=exif_enlarged(picture.exif, factor),
        chunks=chunks_enlarged(picture.chunks, factor),
        extras=extras,
    ), notes


def exif_enlarged(exif: bytes | None, factor: int) -> bytes | None:
    """EXIF of the enlarged picture; ImageJ's and OME's descriptions in it likewise."""
    # Without a unit the numbers are a ratio, unless ImageJ says the unit elsewhere.
    known, text = density_in(exif), text_of(read_exif(exif or b"").get(DESCRIPTION))
    ratio = (known is None or known.unit is None) and not text.startswith("ImageJ=")
    return changed_text(
        multiplied(exif, _IN_PIXELS[2:] if ratio else _IN_PIXELS, factor),
        DESCRIPTION,
        lambda text: description_enlarged(text, factor),
    )


def description_enlarged(text: str, factor: int) -> str:
    """Description of a TIFF; changed only where it is one of ImageJ or OME."""
    if text.startswith("ImageJ="):
        for name in _IMAGEJ_PLACES:
            text = re.sub(
                rf"^({name}=)(\S+)$",
                lambda m: m[1] + _times(m[2], factor),
                text,
                flags=re.MULTILINE,
            )
        return text
    if "<OME" not in text[:4096]:
        return text
    for name in _OME_SIZES:
        text = _attributes(text, name, lambda value: _times(value, factor))
    for name in _OME_LENGTHS:
        text = _attributes(text, name, lambda value: _divided(value, factor))
    return text


def xmp_enlarged(xmp: bytes | None, factor: int) -> bytes | None:
    """An XMP packet: resolution and size in it."""
    if not xmp:
        return xmp
    text = xmp.decode("latin-1")  # every byte comes back
    for name in (*_RATIONAL_TEXTS, *_SIZE_TEXTS):
        text = _attributes(text, name, lambda value: _times(value, factor))
        text = re.sub(
            rf"(<{name}>)([^<]*)(</{name}>)", lambda m: m[1] + _times(m[2], factor) + m[3], text
        )
    return text.encode("latin-1")


def _attributes(text: str, name: str, change: Callable[[str], str]) -> str:
    pattern = rf"(\b{name}\s*=\s*)(\"[^\"]*\"|'[^']*')"
    return re.sub(pattern, lambda m: m[1] + m[2][0] + change(m[2][1:-1]) + m[2][-1], text)


def _times(number: str, factor: Fraction | int) -> str:
    """A number in text, whole, decimal or a/b, times a factor; anything else as it is."""
    match = re.fullmatch(r"\s*(\d{1,12})/([1-9]\d{0,11})\s*", number)
    if match:
        value = Fraction(int(match[1]), int(match[2])) * factor
        return f"{value.numerator}/{value.denominator}"
    if not re.fullmatch(r"\s*\d{1,12}(\.\d{1,20})?([eE][-+]?\d{1,2})?\s*", number):
        return number
    value = Fraction(number.strip()) * factor
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


def _divided(number: str, factor: int) -> str:
    return _times(number, Fraction(1, factor))


def chunks_enlarged(chunks: tuple[Chunk, ...], factor: int) -> tuple[Chunk, ...]:
    """PNG's sizes of a pixel, and its offset where that is in pixels."""
    return tuple(Chunk(chunk.kind, _chunk_data(chunk, factor)) for chunk in chunks)


def _chunk_data(chunk: Chunk, factor: int) -> bytes:
    data = chunk.data
    if chunk.kind == b"pHYs" and len(data) == 9 and data[8] == 1:
        numbers = [min(n * factor, 2**31 - 1) for n in struct.unpack_from(">II", data)]
        return struct.pack(">II", *numbers) + data[8:]
    if chunk.kind == b"oFFs" and len(data) == 9 and data[8] == 0:
        numbers = [
            max(-(2**31), min(n * factor, 2**31 - 1)) for n in struct.unpack_from(">ii", data)
        ]
        return struct.pack(">ii", *numbers) + data[8:]
    if chunk.kind == b"sCAL" and data.count(b"\0") == 1:
        lengths = data[1:].decode("latin-1").split("\0")
        return data[:1] + "\0".join(_divided(n, factor) for n in lengths).encode("latin-1")
    return data


def tags_enlarged(tags: bytes | None, factor: int) -> tuple[bytes | None, Notes]:
    """TIFF's own tags: where a map lies stays, its pixels become smaller.

    Returns:
        The tags, and notes on those that could not be put right.
    """
    if not tags:
        return tags, ()
    lost: list[str] = []

    def changed(directory: Directory, order: str) -> Directory:
        lost.extend(name for code, name in _BOUND.items() if code in directory)
        kept = {code: entry for code, entry in directory.items() if code not in _BOUND}
        # Where the coordinates of a pixel are those of its centre, they are half a pixel off.
        half = 0.5 if _is_point(kept, order) else 0.0
        for code, change in _PLACES.items():
            numbers = numbers_of(kept.get(code), order)
            if numbers:
                new = change(list(map(float, numbers)), factor, half)
                kept[code] = Entry(DOUBLE, len(new), struct.pack(f"{order}{len(new)}d", *new))
        return kept

    return packed_anew(tags, changed), tuple(
        f"{name} dropped, they are for another size" for name in dict.fromkeys(lost)
    )


def _is_point(directory: Directory, order: str) -> bool:
    keys = numbers_of(directory.get(GEO_KEYS), order)
    found = [keys[at + 3] for at in range(4, len(keys) - 3, 4) if keys[at] == _RASTER_TYPE]
    return found[:1] == [_PIXEL_IS_POINT]


def _scale(numbers: list[float], factor: int, half: float) -> list[float]:
    return (
        [numbers[0] / factor, numbers[1] / factor, *numbers[2:]] if len(numbers) >= 2 else numbers
    )


def _tie_points(numbers: list[float], factor: int, half: float) -> list[float]:
    """(I, J, K, X, Y, Z) each: the place in the raster grows."""
    for at in range(0, len(numbers) - 5, 6):
        for i in (at, at + 1):
            numbers[i] = factor * (numbers[i] + half) - half
    return numbers


def _transformation(numbers: list[float], factor: int, half: float) -> list[float]:
    """The 4×4 matrix from (I, J, K, 1) to (X, Y, Z, 1), row by row."""
    if len(numbers) != 16:
        return numbers
    shift = half / factor - half  # I = (I' + half) / factor − half
    for row in range(0, 16, 4):
        numbers[row + 3] += shift * (numbers[row] + numbers[row + 1])
        numbers[row] /= factor
        numbers[row + 1] /= factor
    return numbers


def _rpc(numbers: list[float], factor: int, half: float) -> list[float]:
    """Offsets and scales of lines and samples, which count from the centre of the first pixel."""
    if len(numbers) < 10:
        return numbers
    for offset, scale in ((2, 7), (3, 8)):
        numbers[offset] = factor * (numbers[offset] + 0.5) - 0.5
        numbers[scale] *= factor
    return numbers


_PLACES = {
    PIXEL_SCALE: _scale,
    TIE_POINTS: _tie_points,
    TRANSFORMATION: _transformation,
    RPC: _rpc,
}
