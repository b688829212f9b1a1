"""TIFF, through tifffile; imagecodecs unpacks compressed ones.

tifffile is patient with damage: it logs, and fills what is missing. Here a picture is whole or
refused, so what a page claims is checked against the file before anything is unpacked.
"""

import logging
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.codecs import INSTALL
from priorfit.images.convert import from_cmyk, from_lab
from priorfit.images.exif import (
    ORIENTATION,
    Directory,
    byte_order,
    pack_directory,
    read_directory,
)
from priorfit.images.jpeg_metadata import check_scans, frame_of
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.scale import check_samples
from priorfit.images.tiff_metadata import described, directory_of
from priorfit.images.tiff_samples import (
    TRUE_IS_WHITE,
    WHITE_IS_ZERO,
    inverted,
    looked_up,
    straight,
    whole,
)

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB, _ICC_LAB = (
    0,
    1,
    2,
    3,
    5,
    6,
    8,
    9,
)
_COLOURS = {
    **dict.fromkeys([_WHITE_IS_ZERO, _BLACK_IS_ZERO, _PALETTE], 1),
    **dict.fromkeys([_RGB, _YCBCR, _LAB, _ICC_LAB], 3),
    _CMYK: 4,
}
_PREMULTIPLIED, _STRAIGHT = 1, 2
_INKS, _CMYK_INKS = 332, 1

# Compressions whose unpacked size is known beforehand: none, three of fax machines, LZW, deflate
# (two numbers), PackBits, LZMA, Zstandard. A JPEG inside has a size of its own, which may lie.
_UNCOMPRESSED, _JPEG = 1, 7
_COMPRESSIONS = frozenset([_UNCOMPRESSED, 2, 3, 4, 5, 8, 32946, 32773, 34925, 50000, _JPEG])

_COLOUR_PROFILE, _DNG_VERSION = 34675, 50706
_REDUCED = 1  # bit of NewSubfileType: a smaller copy of another page
_MOST_COPIES = 32
_MOST_PIECES = 250_000  # strips or tiles: a row each, of the largest picture
_MOST_PROFILE = 1 << 24
_LARGEST_CLASSIC = 4_000_000_000


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing through that tifffile logs."""
    logger = logging.getLogger("tifffile")
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turn what tifffile raises for damaged files into one error.

    It documents no set of exceptions; its own is a ValueError, those of imagecodecs are
    RuntimeErrors, and what a senseless directory leads to is any of the others.
    """
    try:
        yield
    except (OSError, ValueError, RuntimeError, struct.error) as error:
        raise ImageFileError("is damaged or truncated: its pixels cannot be decoded") from error
    except (TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        raise ImageFileError("is damaged: its directory makes no sense") from error


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a TIFF of one page from its beginning.

    Raises:
        ImageFileError: damaged or truncated, several pages, too large or too small, a kind of
            image that is not read, or tifffile is not installed.
    """
    if find_spec("tifffile") is None:
        raise ImageFileError(f"is a TIFF, which needs tifffile: {INSTALL}")
    from tifffile import TiffFile

    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    with _quiet(), _damage_named():
        tiff = TiffFile(file)
        page = tiff.pages.first
        notes = _check_single(tiff, page)
        _check_kind(page)
        _check_claims(page, end, max_pixels)
        _check_jpegs(file, page)
        stored = page.asarray(squeeze=False, maxworkers=1)  # (S, depth, H, W, s), S or s is 1
        samples = stored[:, 0].transpose(1, 2, 0, 3).reshape(*stored.shape[2:4], -1)
        colour, alpha, colour_notes = _split(page, samples)
        colour, icc, profile_notes = _as_rgb(page, colour)
        exif, extras, more = described(file, page.offset, tiff.byteorder, big=tiff.is_bigtiff)
        return Sheet(
            colour,
            alpha,
            icc,
            exif,
            orientation=_orientation(page),
            notes=notes + colour_notes + profile_notes + more,
            extras=extras,
        )


def _check_single(tiff: "TiffFile", page: "TiffPage") -> Notes:
    """Refuse stacks; smaller copies of the one page are left out with a note."""
    planes = (tiff.imagej_metadata or {}).get("images", 1) if tiff.is_imagej else 1
    if planes != 1 or page.imagedepth != 1:
        raise ImageFileError("is a stack of images, expected a single one")
    for copies in range(_MOST_COPIES + 1):
        try:
            other = tiff.pages[copies + 1].aspage()
        except IndexError:
            return ("smaller copies in the file dropped",) if copies else ()
        if not other.subfiletype & _REDUCED:
            break
    raise ImageFileError("is a TIFF of several pages, expected a single one")


def _check_kind(page: "TiffPage") -> None:
    if _DNG_VERSION in page.tags or page.subfiletype & _REDUCED:
        raise ImageFileError("is a raw file of a camera, which is not read: develop it first")
    if page.photometric not in _COLOURS:
        kind = getattr(page.photometric, "name", page.photometric)
        raise ImageFileError(
            f"is a TIFF of the kind {kind}, expected grey, RGB, palette, CMYK or L*a*b*"
        )
    _check_colours(page)
    if page.compression not in _COMPRESSIONS:
        kind = getattr(page.compression, "name", page.compression)
        raise ImageFileError(f"is compressed as {kind}, which is not read: use LZW or deflate")
    if page.dtype is None or not isinstance(page.bitspersample, int):
        raise ImageFileError("holds samples of an unknown or mixed type")
    if page.dtype.kind != "b":
        check_samples(page.dtype)
    packed = page.compression != _UNCOMPRESSED or page.bitspersample % 8
    if packed and find_spec("imagecodecs") is None:
        raise ImageFileError(f"is a compressed TIFF, which needs imagecodecs: {INSTALL}")


def _check_colours(page: "TiffPage") -> None:
    """Refuse the rarer ways to store colours."""
    if page.photometric == _YCBCR and page.compression != _JPEG:
        raise ImageFileError("is a TIFF of YCbCr without JPEG, which is not read: save it as RGB")
    if page.photometric in (_CMYK, _LAB, _ICC_LAB):
        if page.dtype is None or page.dtype not in (np.uint8, np.uint16):
            raise ImageFileError("holds CMYK or L*a*b* of other than 8 or 16 bits: save it as RGB")
        if page.compression == _JPEG:
            raise ImageFileError("holds CMYK or L*a*b* packed as JPEG: save it as RGB")
    if page.photometric == _CMYK and page.tags.valueof(_INKS, _CMYK_INKS) != _CMYK_INKS:
        raise ImageFileError("holds inks other than CMYK, which is not read: save it as RGB")


def _check_claims(page: "TiffPage", end: int, max_pixels: int) -> None:
    """Hold the sizes that a page claims against the limit, each other and the file."""
    check_size(page.imagewidth, page.imagelength, max_pixels)
    samples = page.imagewidth * page.imagelength * page.samplesperpixel
    if samples > 4 * max_pixels:
        raise ImageFileError(f"claims {page.samplesperpixel} samples a pixel, too many to hold")
    least = _COLOURS[page.photometric]
    most = 1 if page.photometric == _PALETTE else page.samplesperpixel
    if not least <= page.samplesperpixel <= most:
        raise ImageFileError(f"is damaged: {page.samplesperpixel} samples do not fit its colours")
    if math.prod(page.chunks) > 4 * samples + (1 << 24):
        raise ImageFileError("is damaged: its tiles are far larger than the image")
    if page.compression == _UNCOMPRESSED and samples * page.bitspersample > 8 * end:
        raise ImageFileError("is truncated: it holds less data than its size needs")
    if len(page.dataoffsets) > _MOST_PIECES:
        raise ImageFileError(f"is damaged: it holds its pixels in {len(page.dataoffsets):,} pieces")
    starts = np.asarray(page.dataoffsets, dtype=np.float64)
    counts = np.asarray(page.databytecounts, dtype=np.float64)
    if not len(starts) == len(counts) >= math.prod(page.chunked):
        raise ImageFileError("is damaged or truncated: parts of its pixels are missing")
    if (starts < 8).any() or (counts <= 0).any() or (starts + counts > end).any():
        raise ImageFileError("is damaged or truncated: parts of its pixels are missing")


def _check_jpegs(file: BinaryIO, page: "TiffPage") -> None:
    """Hold what every JPEG inside claims against the strip or tile that it stands for."""
    if page.compression != _JPEG:
        return
    # tifffile's chunks: (height, width, samples), or (height, width) in planes
    height, width = page.chunks[:2] if len(page.chunks) > 1 else (page.chunks[0], 1)
    for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(start)
        data = file.read(count)
        frame = frame_of(data)
        if frame is None or frame.height > height or frame.width > width:
            raise ImageFileError("is damaged: a JPEG inside is larger than its strip or tile")
        check_scans(data, frame.width * frame.height)


def _as_rgb(page: "TiffPage", colour: np.ndarray) -> tuple[np.ndarray, bytes | None, Notes]:
    """Colours that can be restored, their profile, and what had to be changed for it."""
    icc = _profile(page)
    if page.photometric == _CMYK:
        rest = colour[..., 4:]
        rgb, notes = from_cmyk(colour[..., :4], icc)
        return np.concatenate([rgb, rest], axis=-1), None, notes
    if page.photometric in (_LAB, _ICC_LAB):
        rgb, notes = from_lab(colour[..., :3], signed=page.photometric == _LAB)
        return np.concatenate([rgb, colour[..., 3:]], axis=-1), None, notes
    return colour, icc, ()


def _split(page: "TiffPage", samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, Notes]:
    """Colour and alpha of samples as stored, and what had to be changed for it."""
    if page.photometric == _PALETTE:
        return looked_up(samples[..., 0], page.colormap), None, ("palette expanded",)
    samples, notes = whole(samples, page.bitspersample)
    kinds = [int(kind) for kind in page.extrasamples]
    alphas = [i for i, kind in enumerate(kinds) if kind in (_PREMULTIPLIED, _STRAIGHT)][:1]
    at = [_COLOURS[page.photometric] + i for i in alphas]
    colour, alpha = np.delete(samples, at, axis=-1), samples[..., at[0]] if at else None
    if page.photometric == _WHITE_IS_ZERO:
        # tifffile stores an array of booleans so, and gives it back as it was.
        of_array = page.is_shaped and page.bitspersample == 1
        colour = colour if of_array else inverted(colour)
        notes = (*notes, TRUE_IS_WHITE if of_array else WHITE_IS_ZERO)
    if alpha is not None and kinds[alphas[0]] == _PREMULTIPLIED:
        colour, notes = straight(colour, alpha), (*notes, "premultiplied alpha made straight")
    return colour, alpha, notes


def _profile(page: "TiffPage") -> bytes | None:
    tag = page.tags.get(_COLOUR_PROFILE)
    if tag is None or tag.count > _MOST_PROFILE:
        return None
    return bytes(tag.value)


def _orientation(page: "TiffPage") -> int:
    value = page.tags.valueof(ORIENTATION, 1)
    return value if value in range(1, 9) else 1


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a TIFF of any samples, with straight alpha; deflated where that can be undone.

    Returns:
        The file, and notes on what was not kept.

    Raises:
        ImageFileError: tifffile is not installed.
    """
    if find_spec("tifffile") is None:
        raise ImageFileError(f"writing TIFF needs tifffile: {INSTALL}")
    from tifffile import imwrite

    packed = find_spec("imagecodecs") is not None  # or nobody here could read it again
    samples, extra = sheet.samples, []
    colours = 3 if samples.shape[-1] == 3 else 1
    extra += ["unspecified"] * (samples.shape[-1] - colours)
    if sheet.alpha is not None:
        samples = np.concatenate([samples, sheet.alpha[..., None]], axis=-1)
        extra.append("unassalpha")
    order = byte_order(sheet.exif or sheet.extras.tags or b"")
    buffer = BytesIO()
    with _quiet():
        imwrite(
            buffer,
            samples if samples.shape[-1] > 1 else samples[..., 0],
            byteorder=order,
            photometric="rgb" if colours == 3 else "minisblack",
            planarconfig="contig" if samples.shape[-1] > 1 else None,
            extrasamples=extra or None,
            compression="zlib" if packed else None,
            predictor=packed and samples.dtype.kind in "iu" and samples.itemsize <= 2,
            iccprofile=sheet.icc,
            metadata=None,
            software=False,
        )
    directory = directory_of(sheet, order)
    if not directory:
        return buffer.getvalue(), ()
    if buffer.tell() > _LARGEST_CLASSIC:
        return buffer.getvalue(), ("EXIF and the like dropped, the file is too large for them",)
    return _described(buffer.getvalue(), directory), ()


def _described(tiff: bytes, description: Directory) -> bytes:
    """Move the directory of a TIFF to its end and add what describes the picture."""
    order = byte_order(tiff)
    start = struct.unpack_from(order + "I", tiff, 4)[0]
    directory = read_directory(BytesIO(tiff), start, order, room=len(tiff)) | description
    end = len(tiff) + len(tiff) % 2
    body = tiff[8:].ljust(end - 8, b"\0")
    return b"".join(
        [tiff[:4], struct.pack(order + "I", end), body, pack_directory(directory, end, order)]
    )
