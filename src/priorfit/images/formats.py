"""The image files that are read and written, and what each of them can hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from priorfit.images import numpy_file, pillow, png, tiff
from priorfit.images.extras import Kept
from priorfit.images.picture import Notes, Sheet

_USUAL = frozenset([Kept.PROFILE, Kept.EXIF, Kept.XMP])
_NUMBERS = tuple(np.dtype(code) for code in "u1 i1 u2 i2 f2 u4 i4 f4 u8 i8 f8".split())


@dataclass(frozen=True)
class Format:
    """One kind of image file.

    Args:
        title: Its name in messages.
        suffixes: File name endings, lower case; the first is the usual one.
        decode: (file, most pixels) -> Sheet, from the beginning of the file.
        encode: Sheet -> (bytes, notes).
        dtypes: Samples it holds; the last is what any other becomes.
        channels: Numbers of colours it holds.
        alpha: Whether it holds an alpha channel.
        places: Kinds of metadata that it holds.
        longest_side: In pixels.
    """

    title: str
    suffixes: tuple[str, ...]
    decode: Callable[[BinaryIO, int], Sheet]
    encode: Callable[[Sheet], tuple[bytes, Notes]]
    dtypes: tuple[np.dtype, ...] = (np.dtype(np.uint8),)
    channels: range = range(1, 4, 2)
    alpha: bool = True
    places: frozenset[Kept] = frozenset()
    longest_side: int = 2**31 - 1


FORMATS: dict[str, Format] = {
    "png": Format(
        "PNG",
        (".png",),
        png.decode,
        png.encode,
        dtypes=(np.dtype(np.uint8), np.dtype(np.uint16)),
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
    ),
    "webp": Format(
        "WebP",
        (".webp",),
        pillow.decode_webp,
        pillow.encode_webp,
        channels=range(3, 4),
        places=_USUAL,
        longest_side=16383,
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
