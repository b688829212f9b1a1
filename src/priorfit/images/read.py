"""Image files to pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import BinaryIO, NamedTuple

import numpy as np

from priorfit.disk.regular import open_regular
from priorfit.errors import ImageFileError
from priorfit.images.enlarge import GEOREFERENCE
from priorfit.images.exif import orientation_of, read_exif, turned, upright, without
from priorfit.images.exif_edit import packed_anew
from priorfit.images.extras import Extras
from priorfit.images.formats import FORMATS
from priorfit.images.picture import Notes, Picture, Sheet, TooManyPixelsError
from priorfit.images.places import as_typed, no_file
from priorfit.images.scale import check_samples, pixels_of, scale_of
from priorfit.images.sniff import HEAD, identify
from priorfit.images.tiff_samples import TRUE_IS_WHITE, WHITE_IS_ZERO

MAX_PIXELS = 200_000_000
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_RINGING = 16 / 255  # what compression makes of black and white beside an edge


def read(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read one image from a file of a format in `FORMATS`.

    What the file is, its content says, not its name. An EXIF orientation is applied; palettes,
    fewer than 8 bits and the like are expanded, which the picture's `notes` tell. NaN pixels stay.

    Args:
        path: Of the file.
        max_pixels: Refuse larger images, before any memory is taken for them.

    Raises:
        ImageFileError: the file is missing, damaged, truncated, too large or too small, of a
            kind that is not read, or holds infinite values.
    """
    with _opened(path) as file:
        name = identify(file.read(HEAD))
        file.seek(0)
        return picture_of(FORMATS[name].decode(file, max_pixels), name)


def format_in(path: str | PathLike[str]) -> str:
    """Name the format of an image file, by its content alone.

    Raises:
        ImageFileError: the file is missing, or of no kind that is read.
    """
    with _opened(path) as file:
        return identify(file.read(HEAD))


def picture_of(sheet: Sheet, format: str) -> Picture:
    """Put a decoded sheet upright and on the scale of [0, 1].

    Raises:
        ImageFileError: samples that are no numbers, infinite ones, nothing but NaN.
    """
    check_samples(sheet.samples.dtype)
    orientation = sheet.orientation or orientation_of(sheet.exif)
    scale = scale_of(sheet.samples)
    pixels, stored = pixels_of(turned(sheet.samples, orientation), scale)
    alpha = None if sheet.alpha is None else np.ascontiguousarray(turned(sheet.alpha, orientation))
    notes = sheet.notes if orientation == 1 else (*sheet.notes, "orientation applied")
    extras, more = _turned_with(sheet.extras, orientation)
    return Picture(
        pixels,
        alpha,
        scale,
        sheet.samples.dtype,
        format,
        icc=sheet.icc,
        exif=upright(sheet.exif),
        jpeg=sheet.jpeg,
        notes=notes + more,
        chunks=sheet.chunks,
        channel_axis=sheet.channel_axis,
        stored=stored,
        extras=extras,
    )


def _turned_with(extras: Extras, orientation: int) -> tuple[Extras, Notes]:
    """Metadata of a picture that was put upright."""
    if orientation >= 5 and extras.density is not None:
        extras = replace(extras, density=extras.density.turned)
    placed = read_exif(extras.tags or b"").keys() & GEOREFERENCE
    if orientation == 1 or not placed or extras.tags is None:
        return extras, ()
    tags = packed_anew(extras.tags, lambda directory, _: without(directory, placed))
    return replace(extras, tags=tags), ("georeference dropped, the picture was turned",)


class Mask(NamedTuple):
    """A mask as it was read.

    Args:
        white: (H, W) from 0 for black to 1 for white.
        notes: Which way round black and white are, where the file leaves a doubt.
    """

    white: np.ndarray
    notes: Notes = ()


def read_mask(path: str | PathLike[str], size: tuple[int, int]) -> np.ndarray:
    """Read a mask, see `mask_of`, without its notes."""
    return mask_of(path, size).white


def mask_of(path: str | PathLike[str], size: tuple[int, int]) -> Mask:
    """Read a mask: how white the file is, as if painted on black.

    Colours count by their luma, alpha by how much of the black it covers. Numbers that go no
    further than 1, and booleans in .npy, are already a mask. What compression has left of black
    and of white is taken for them.

    Args:
        path: Of any image file.
        size: (H, W) that it has to have; a larger one is refused before memory is taken for it.

    Raises:
        ImageFileError: as `read`, and if the size differs or a pixel is NaN.
    """
    with _opened(path) as file:
        name = identify(file.read(HEAD))
        file.seek(0)
        try:
            sheet = FORMATS[name].decode(file, size[0] * size[1])
        except TooManyPixelsError as error:
            raise ImageFileError(_other_size((error.height, error.width), size)) from error
        orientation = sheet.orientation or orientation_of(sheet.exif)
        white = turned(_whiteness(sheet), orientation)
        if white.shape != tuple(size):
            raise ImageFileError(_other_size(white.shape, size))
        if FORMATS[name].lossy:
            white = np.where(white < _RINGING, 0.0, np.where(white > 1 - _RINGING, 1.0, white))
        notes = tuple(note for note in sheet.notes if note in (WHITE_IS_ZERO, TRUE_IS_WHITE))
        return Mask(white.round(6), notes)  # the weights of the colours do not quite make 1


def _other_size(got: tuple[int, ...], wanted: tuple[int, int]) -> str:
    got_said, wanted_said = (f"{size[1]}×{size[0]}" for size in (got, wanted))
    return f"is a mask of {got_said} pixels, expected {wanted_said} as the image"


def _whiteness(sheet: Sheet) -> np.ndarray:
    """(H, W) from 0 for black or transparent to 1 for white."""
    samples = sheet.samples
    if np.isnan(samples).any():
        raise ImageFileError("holds NaN, expected a mask of black and white")
    weights = _LUMA if samples.shape[-1] == 3 else np.full(samples.shape[-1], 1 / samples.shape[-1])
    white = samples / _white(samples) @ weights
    return white if sheet.alpha is None else white * (sheet.alpha / _white(sheet.alpha))


def _white(samples: np.ndarray) -> float:
    largest = float(samples.max())
    if largest <= 1:
        return 1.0
    full_range = samples.dtype.kind == "u" and samples.dtype.itemsize <= 2
    return float(np.iinfo(samples.dtype).max) if full_range else largest


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """Open a regular file; whatever goes wrong with it inside the block names it."""
    try:
        why = no_file(path)
        if why is not None:
            raise ImageFileError(why)
        with open_regular(path) as file:
            yield file
    except TooManyPixelsError as error:
        size = error.width, error.height, error.most
        raise TooManyPixelsError(*size, str(as_typed(path))) from error
    except ImageFileError as error:
        raise ImageFileError(f"{as_typed(path)}: {error}") from error
    except OSError as error:
        raise ImageFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise ImageFileError(f"{path}: needs more memory than there is") from error
