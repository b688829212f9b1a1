"""JPEG and WebP, through exactly these two plug-ins of Pillow.

The plug-ins are called by their classes: `Image.open` would try others, and warn about sizes that
are checked here anyway.
"""

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from priorfit.errors import ImageFileError
from priorfit.images.convert import from_cmyk
from priorfit.images.extras import Extras
from priorfit.images.jpeg_deep import decode_deep
from priorfit.images.jpeg_metadata import (
    EXIF_SIGNATURE,
    check_scans,
    exif_in,
    extras_of,
    frame_of,
    icc_in,
    with_segments,
)
from priorfit.images.jpeg_sound import check_data, check_sound
from priorfit.images.jpeg_tables import JpegTables, jpeg_tables
from priorfit.images.picture import Notes, Sheet, check_size

_QUALITY = 95
_DAMAGE = (OSError, SyntaxError, ValueError, KeyError, IndexError, RuntimeError, EOFError)
_MODES = ("L", "RGB", "CMYK")
_PLAIN_FRAMES = frozenset([0xC0, 0xC1, 0xC2, 0xC9, 0xCA])
_SUBSAMPLINGS: dict[tuple[tuple[int, int], ...], int] = {
    ((1, 1), (1, 1), (1, 1)): 0,
    ((2, 1), (1, 1), (1, 1)): 1,
    ((2, 2), (1, 1), (1, 1)): 2,
}
"""What libjpeg's wrapper in Pillow can be told to write."""


@contextmanager
def damage_named() -> Iterator[None]:
    """Turn what Pillow raises for damaged files into one error, and its warnings into nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise ImageFileError("claims more pixels than are allowed") from error
    except (*_DAMAGE, struct.error) as error:
        raise ImageFileError("is damaged or truncated: its pixels cannot be decoded") from error


def decode_jpeg(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a JPEG from its beginning, with its quantisation tables if it is grey or of colours.

    CMYK becomes sRGB, 12 bits become 16.

    Raises:
        ImageFileError: damaged, truncated, too large or too small, or of a kind that is not read.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if end > 64 * max_pixels + (1 << 26):
        raise ImageFileError("is damaged: it holds far more data than any size it may have")
    data = file.read()
    frame = frame_of(data)
    if frame is None:
        raise ImageFileError("is damaged or truncated: its frame header is missing")
    check_size(frame.width, frame.height, max_pixels)
    _check_length(end, frame.width, frame.height)
    check_scans(data, frame.width * frame.height)
    check_data(data, frame)
    extras, notes = extras_of(data)
    if frame.bits != 8 or frame.marker not in _PLAIN_FRAMES:
        samples, more = decode_deep(data, frame)
        icc, exif = icc_in(data), exif_in(data)
        return Sheet(samples, None, icc, exif, notes=notes + more, extras=extras)
    image = _loaded(data)
    notes += check_sound(data, frame, lambda other: _loaded(other) == image)
    if image.size != (frame.width, frame.height) or image.mode not in _MODES:
        raise ImageFileError(f"is a JPEG of a kind that is not read ({image.mode})")
    samples = np.asarray(image).reshape(image.height, image.width, -1)
    icc, exif = image.info.get("icc_profile"), _without_signature(image.info.get("exif"))
    if image.mode == "CMYK":
        samples, more = from_cmyk(samples, icc)
        return Sheet(samples, None, None, exif, notes=notes + more, extras=extras)
    return Sheet(samples, None, icc, exif, jpeg=jpeg_tables(data), notes=notes, extras=extras)


def _loaded(jpeg: bytes) -> JpegImageFile:
    with damage_named():
        image = JpegImageFile(BytesIO(jpeg))
        image.load()
        return image


def _check_length(end: int, width: int, height: int) -> None:
    if end > 64 * width * height + (1 << 26):
        raise ImageFileError("is damaged: it holds far more data than its size needs")


def decode_webp(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a WebP from its beginning.

    Raises:
        ImageFileError: damaged, truncated, animated, too large or too small.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    width, height = _webp_size(file.read(30))
    check_size(width, height, max_pixels)
    _check_length(end, width, height)
    file.seek(0)
    with damage_named():
        image = WebPImageFile(file)
    if image.size != (width, height):
        raise ImageFileError("is damaged: its headers contradict each other")
    if image.n_frames > 1:
        raise ImageFileError("is an animated WebP, expected a single image")
    with damage_named():
        image.load()
    samples = np.asarray(image)
    alpha = samples[..., 3] if samples.shape[-1] == 4 else None
    exif = _without_signature(image.info.get("exif"))
    icc = image.info.get("icc_profile")
    extras = Extras(xmp=image.info.get("xmp"))
    return Sheet(samples[..., :3], alpha, icc, exif, extras=extras)


def _webp_size(head: bytes) -> tuple[int, int]:
    """(width, height) by the first chunk of a RIFF container.

    Source: https://developers.google.com/speed/webp/docs/riff_container and RFC 9649.
    """
    if len(head) < 30:
        raise ImageFileError("is truncated: it ends in its header")
    if head[12:16] == b"VP8X":
        width, height = int.from_bytes(head[24:27], "little"), int.from_bytes(head[27:30], "little")
        return width + 1, height + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ImageFileError("is damaged: it does not begin with an image")


def _without_signature(exif: bytes | None) -> bytes | None:
    return exif.removeprefix(EXIF_SIGNATURE) if exif else None


def encode_jpeg(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a JPEG of uint8 samples with the tables of the one it came from, else at quality 95.

    Returns:
        The file, and notes on what was not kept.
    """
    manner = _manner(sheet.jpeg)
    buffer = BytesIO()
    _image(sheet.samples).save(
        buffer,
        "JPEG",
        quality=manner.quality,
        qtables=manner.quantisation,
        subsampling=manner.subsampling,
        keep_rgb=manner.rgb,
        icc_profile=sheet.icc,
    )
    data, notes = with_segments(buffer.getvalue(), sheet.extras, sheet.exif)
    return data, (*notes, manner.note)


class _Manner(NamedTuple):
    """How a JPEG is compressed."""

    note: str
    quality: int = -1
    quantisation: list[list[int]] | None = None
    subsampling: int = 0
    rgb: bool = False


def _manner(tables: JpegTables | None) -> _Manner:
    """Compress as the file that came in, if it was a JPEG; else well."""
    if tables is None or max(table.max() for table in tables.quantisation) > 255:
        return _Manner(f"compressed at JPEG quality {_QUALITY}", quality=_QUALITY)
    # libjpeg gives table i to component i, and the last one to those that follow.
    count, last = len(tables.sampling), len(tables.quantisation) - 1
    usual = tables.component_table == tuple(min(i, last) for i in range(count))
    used = tables.quantisation if usual else [tables.table(i) for i in range(count)]
    note = "compressed again, with the JPEG tables of the input"
    if count == 3 and tables.sampling not in _SUBSAMPLINGS:
        note += " but colour at full resolution"
    return _Manner(
        note,
        quantisation=[table.ravel().tolist() for table in used],
        subsampling=_SUBSAMPLINGS.get(tables.sampling, 0),
        rgb=not tables.ycbcr,
    )


def encode_webp(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a lossless WebP of uint8 samples with three colours.

    Returns:
        The file, and notes (none).
    """
    samples = sheet.samples
    if sheet.alpha is not None:
        samples = np.concatenate([samples, sheet.alpha[..., None]], axis=-1)
    buffer = BytesIO()
    # exact: colours under full transparency are kept too
    _image(samples).save(
        buffer,
        "WEBP",
        lossless=True,
        exact=True,
        icc_profile=sheet.icc,
        exif=sheet.exif or b"",
        xmp=sheet.extras.xmp or b"",
    )
    return buffer.getvalue(), ()


def _image(samples: np.ndarray) -> Image.Image:
    flat = samples[..., 0] if samples.shape[-1] == 1 else samples
    return Image.fromarray(np.ascontiguousarray(flat))
