"""JPEG XL, through imagecodecs; the boxes around it are read and written here.

Sources: ISO/IEC 18181-1, annex D.2 (size header), and 18181-2, clause 9 (boxes).
"""

import struct
from typing import BinaryIO, NamedTuple

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.boxes import Box, boxes, packed
from priorfit.images.codecs import decoded, imagecodecs_for
from priorfit.images.exif import upright
from priorfit.images.extras import Extras
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.scale import widened

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_TYPE = b"\x00\x00\x00\x14ftypjxl \x00\x00\x00\x00jxl "
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SRGB_CURVE, _BY_FOUR_BITS = 13, 2
_SIZE_BITS = (9, 13, 18, 30)


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a still JPEG XL of integers or floats.

    Raises:
        ImageFileError: damaged, truncated, animated, too large or too small, or imagecodecs is not
            installed.
    """
    end = file.seek(0, 2)
    file.seek(0)
    if end > 32 * max_pixels + (1 << 26):
        raise ImageFileError("is damaged: it holds far more data than any size it may have")
    data = file.read()
    extras, exif, notes, stream = Extras(), None, Notes(), data
    if data.startswith(CONTAINER):
        stream, exif, extras, notes = _opened(data)
    width, height = size_of(stream)
    check_size(width, height, max_pixels)
    imagecodecs = imagecodecs_for("is a JPEG XL file, which needs")

    samples = decoded(lambda: imagecodecs.jpegxl_decode(data, numthreads=1))
    if samples.ndim not in (2, 3) or sorted(samples.shape[:2]) != sorted((height, width)):
        raise ImageFileError("is an animated JPEG XL, or of a kind that is not read")
    samples = samples.reshape(*samples.shape[:2], -1)
    meaning = meaning_of(stream)
    if samples.dtype == np.uint16 and meaning.bits and meaning.bits < 16:
        samples = widened(samples, meaning.bits)
        notes += (f"{meaning.bits}-bit samples widened to 16 bits",)
    if samples.shape[-1] > 4 or samples.dtype.kind not in "uf":
        raise ImageFileError("is a JPEG XL of a kind that is not read, expected grey or RGB")
    alpha = samples[..., -1] if samples.shape[-1] in (2, 4) else None
    colour = samples if alpha is None else samples[..., :-1]
    # The decoder has turned the picture upright.
    notes += () if meaning.srgb else ("its colours may not be sRGB, their profile is not read",)
    return Sheet(colour, alpha, None, upright(exif), 1, notes=notes, extras=extras)


def _opened(data: bytes) -> tuple[bytes, bytes | None, Extras, Notes]:
    """The codestream in a container, EXIF, XMP and notes on other boxes."""
    parts: list[bytes] = []
    exif, xmp, lost = None, None, []
    for box in boxes(data):
        if box.kind == b"jxlc":
            parts.append(box.data)
        elif box.kind == b"jxlp":
            parts.append(box.data[4:])
        elif box.kind == b"Exif" and len(box.data) > 4:
            start = 4 + struct.unpack_from(">I", box.data)[0]
            exif = box.data[start:].removeprefix(b"Exif\0\0") or None
        elif box.kind == b"xml ":
            xmp = box.data
        elif box.kind in (b"brob", b"jumb", b"jhgm"):
            lost.append(f"box '{box.kind.decode()}' dropped")
    return b"".join(parts), exif, Extras(xmp=xmp), tuple(dict.fromkeys(lost))


def size_of(stream: bytes) -> tuple[int, int]:
    """(width, height) by the beginning of a codestream.

    Raises:
        ImageFileError: it does not begin as one.
    """
    if stream[:2] != CODESTREAM or len(stream) < 12:
        raise ImageFileError("is damaged or truncated: its codestream is missing")
    return _size(_Bits(stream[2:14]))


def _size(bits: "_Bits") -> tuple[int, int]:
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        above, below = _RATIOS[ratio]
        return height * above // below, height
    return _side(bits, small), height


def _side(bits: "_Bits", small: int) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIZE_BITS[bits.take(2)])


class Meaning(NamedTuple):
    """What the samples of a codestream mean.

    Args:
        bits: Of a sample; None for floats, and where it was not found out.
        srgb: Whether the colours are those of sRGB for sure.
        curve_at: Bit behind the signature where a transfer curve of sRGB's primaries is named.
    """

    bits: int | None
    srgb: bool
    curve_at: int | None = None


def meaning_of(stream: bytes) -> Meaning:
    """Read the image header, which begins behind the size, as far as the colours.

    What is rarer than an orientation and a usual alpha counts as not sure.
    """
    bits = _Bits(stream[2:64])
    _size(bits)
    if bits.take(1):  # everything as usual
        return Meaning(8, True)
    if bits.take(1):
        bits.take(3)  # orientation
        if bits.take(1) or bits.take(1) or bits.take(1):  # size of its own, preview, animation
            return Meaning(None, False)
    depth = _depth(bits)
    bits.take(1)
    extra = bits.take(2)
    if extra > 1 or (extra == 1 and not _is_usual_alpha(bits)):
        return Meaning(depth, False)
    bits.take(1)  # XYB
    if bits.take(1):  # colours as usual
        return Meaning(depth, True)
    if bits.take(1):  # a profile
        return Meaning(depth, False)
    space = _enum(bits)
    white = _enum(bits)
    primaries = _enum(bits) if space == 0 and white == 1 else 1
    if bits.take(1) or space not in (0, 1) or (white, primaries) != (1, 1):
        return Meaning(depth, False)
    at = bits.position
    return Meaning(depth, _enum(bits) == _SRGB_CURVE, at)


def _is_usual_alpha(bits: "_Bits") -> bool:
    if bits.take(1):
        return True
    kind = _enum(bits)
    _depth(bits)
    shift, named = bits.take(2), bits.take(2)
    bits.take(1)  # multiplied or not
    return (kind, shift, named) == (0, 0, 0)


def _depth(bits: "_Bits") -> int | None:
    floats, selector = bits.take(1), bits.take(2)
    number = 1 + bits.take(6) if selector == 3 else (8, 10, 12)[selector]
    if floats:
        bits.take(4)
        return None
    return number


def _enum(bits: "_Bits") -> int:
    selector = bits.take(2)
    return selector if selector < 2 else (2 + bits.take(4) if selector == 2 else 18 + bits.take(6))


def _as_srgb(stream: bytes) -> bytes:
    """Name sRGB's curve, where imagecodecs has named a line because there are 16 bits."""
    meaning = meaning_of(stream)
    if meaning.srgb:
        return stream
    head = int.from_bytes(stream[2:64], "little")
    if meaning.curve_at is not None and head >> meaning.curve_at & 3 == _BY_FOUR_BITS:
        at = meaning.curve_at + 2
        head = head & ~(0xF << at) | (_SRGB_CURVE - 2) << at
        named = stream[:2] + head.to_bytes(len(stream[2:64]), "little") + stream[64:]
        if meaning_of(named).srgb:
            return named
    raise ValueError("its colours cannot be called sRGB")


class _Bits:
    """Bits of a few bytes, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")
        self.position = 0

    def take(self, count: int) -> int:
        """The next bits as a number."""
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        self.position += count
        return value


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a lossless JPEG XL of uint8, uint16 or float32 samples.

    Returns:
        The file, and notes (none).

    Raises:
        ImageFileError: imagecodecs is not installed.
    """
    imagecodecs = imagecodecs_for("writing JPEG XL needs")

    samples = sheet.samples
    if sheet.alpha is not None:
        samples = np.concatenate([samples, sheet.alpha[..., None]], axis=-1)
    flat = samples[..., 0] if samples.shape[-1] == 1 else samples
    flat = np.ascontiguousarray(flat)
    data = bytes(imagecodecs.jpegxl_encode(flat, lossless=True, numthreads=1))
    found = list(boxes(data)) if data.startswith(CONTAINER) else [Box(b"jxlc", data)]
    level = [packed(box.kind, box.data) for box in found if box.kind == b"jxll"]
    stream = [packed(b"jxlc", _as_srgb(box.data)) for box in found if box.kind == b"jxlc"]
    said = [packed(b"Exif", bytes(4) + sheet.exif)] if sheet.exif else []
    said += [packed(b"xml ", sheet.extras.xmp)] if sheet.extras.xmp else []
    return b"".join([CONTAINER, _TYPE, *level, *said, *stream]), ()
