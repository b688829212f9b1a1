"""The image files that are read and written, and what each of them can hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from priorfit.images import bmp, heif, jpeg2000, jpegxl, netpbm, numpy_file, pillow, png, tiff
from priorfit.images.extras import Kept
from priorfit.images.picture import Notes, Sheet

_USUAL = frozenset([Kept.PROFILE, Kept.EXIF, Kept.XMP])
_INTEGERS = (np.dtype(np.uint8), np.dtype(np.uint16))
_NUMBERS = tuple(np.dtype(code) for code in "u1 i1 u2 i2 f2 u4 i4 f4 u8 i8 f8".split())


@dataclass(frozen=True)
class Format:
    """One kind of image file.

    Args:
        title: Its name in messages.
        suffixes: File name endings, lower case; the first is the usual one.
        decode: (file, most pixels) -> Sheet, from the beginning of the file.
        encode: Sheet -> (bytes, notes); None where it is only read.
        dtypes: Samples it holds; the last is what any other becomes.
        channels: Numbers of colours it holds.
        alpha: Whether it holds an alpha channel.
        places: Kinds of metadata that it holds.
        longest_side: In pixels.
        lossy: Whether its pixels are those that were stored only about.
    """

    title: str
    suffixes: tuple[str, ...]
    decode: Callable[[BinaryIO, int], Sheet]
    encode: Callable[[Sheet], tuple[bytes, Notes]] | None
    dtypes: tuple[np.dtype, ...] = (np.dtype(np.uint8),)
    channels: range = range(1, 4, 2)
    alpha: bool = True
    places: frozenset[Kept] = frozenset()
    longest_side: int = 2**31 - 1
    lossy: bool = False


FORMATS: dict[str, Format] = {
    "png": Format(
        "PNG",
        (".png",),
        png.decode,
        png.encode,
        dtypes=_INTEGERS,
        places=_USUAL | {Kept.TEXTS, Kept.DENSITY},
    ),
    "tiff": Format(
        "TIFF",
        (".tif", ".tiff"),
        tiff.decode,
        tiff.encode,
        dtypes=_NUMBERS,
        channels=range(1, 1 << 16),
        places=_USUAL | {Kept.IPTC, Kept.TAGS, Kept.DENSITY},
    ),
    "jpeg": Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe"),
        pillow.decode_jpeg,
        pillow.encode_jpeg,
        alpha=False,
        places=_USUAL | {Kept.IPTC, Kept.COMMENT, Kept.DENSITY},
        longest_side=65500,
        lossy=True,
    ),
    "webp": Format(
        "WebP",
        (".webp",),
        pillow.decode_webp,
        pillow.encode_webp,
        channels=range(3, 4),
        places=_USUAL,
        longest_side=16383,
        lossy=True,
    ),
    "bmp": Format(
        "BMP",
        (".bmp", ".dib"),
        bmp.decode,
        bmp.encode,
        alpha=False,
        places=frozenset([Kept.DENSITY]),
        longest_side=1 << 16,
    ),
    "ppm": Format(
        "PPM",
        (".ppm", ".pnm"),
        netpbm.decode,
        netpbm.encode,
        dtypes=_INTEGERS,
        channels=range(3, 4),
        alpha=False,
        places=frozenset([Kept.COMMENT]),
    ),
    "pgm": Format(
        "PGM",
        (".pgm",),
        netpbm.decode,
        netpbm.encode,
        dtypes=_INTEGERS,
        channels=range(1, 2),
        alpha=False,
        places=frozenset([Kept.COMMENT]),
    ),
    "jp2": Format(
        "JPEG 2000",
        (".jp2", ".jpf", ".jpx"),
        jpeg2000.decode,
        jpeg2000.encode,
        dtypes=_INTEGERS,
        alpha=False,
        places=_USUAL | {Kept.IPTC, Kept.DENSITY},
        lossy=True,
    ),
    "jxl": Format(
        "JPEG XL",
        (".jxl",),
        jpegxl.decode,
        jpegxl.encode,
        dtypes=_INTEGERS,
        places=frozenset([Kept.EXIF, Kept.XMP]),
        lossy=True,
    ),
    "avif": Format(
        "AVIF",
        (".avif",),
        heif.decode_avif,
        heif.encode_avif,
        places=_USUAL,
        longest_side=1 << 16,
        lossy=True,
    ),
    "heic": Format(
        "HEIC",
        (".heic", ".heif", ".hif"),
        heif.decode_heic,
        None,
        lossy=True,
    ),
    "npy": Format(
        ".npy",
        (".npy",),
        numpy_file.decode,
        numpy_file.encode,
        dtypes=_NUMBERS,
        channels=range(1, 5),
        alpha=False,
    ),
}
"""Every format by its name in `Picture.format`."""

SUFFIXES = {suffix: name for name, form in FORMATS.items() for suffix in form.suffixes}
"""Name of the format that a file name ending stands for."""

WRITTEN = tuple(suffix for suffix, name in SUFFIXES.items() if FORMATS[name].encode is not None)
"""File name endings of the formats that are written."""
