"""Pictures to image files."""

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from priorfit.errors import ImageFileError
from priorfit.images.atomic import exists_already, write_atomically
from priorfit.images.carry import Meta, carried
from priorfit.images.formats import FORMATS, SUFFIXES, WRITTEN, Format
from priorfit.images.picture import Notes, Picture, Sheet, array_of
from priorfit.images.scale import Scale


def write(
    path: str | PathLike[str], image: Tensor, like: Picture, *, overwrite: bool = False
) -> Notes:
    """Write an image the way the picture it came from was stored.

    The suffix of `path` decides the format. Samples, alpha, colour profile, EXIF and all other
    metadata are those of `like` wherever the format holds them; an alpha of another size is
    resized. The file appears as a whole or not at all.

    Args:
        path: Where to; its folder must exist.
        image: (1, C, H, W) or (C, H, W) in [0, 1].
        like: The picture that was read; size and number of colours may differ.
        overwrite: Replace an existing file.

    Returns:
        Notes on what could not be kept.

    Raises:
        ImageFileError: an unknown suffix, a format that cannot hold the image, a file that exists,
            a folder that cannot be written.
        ProblemError: not one image, or infinite pixels.
    """
    ensure_writable(path, like, channels=image.shape[-3], overwrite=overwrite)
    data, notes = encode_for(path, image, like)
    write_atomically(path, data, overwrite=overwrite)
    return notes


def encode_for(path: str | PathLike[str], image: Tensor, like: Picture) -> tuple[bytes, Notes]:
    """Give what `write` would write, and its notes.

    Args:
        path: Where it will go; its suffix decides the format.
        image: As for `write`.
        like: As for `write`.

    Raises:
        ImageFileError: an unknown suffix, or a format that cannot hold the image.
        ProblemError: not one image, or infinite pixels.
    """
    try:
        return _encoded(image, like, FORMATS[format_of(path)])
    except ImageFileError as error:
        raise ImageFileError(f"{path}: cannot be written, {error}") from error


def encode(image: Tensor, like: Picture, format: str) -> bytes:
    """Give the bytes of the file that `write` would make.

    Args:
        image: (1, C, H, W) or (C, H, W) in [0, 1].
        like: The picture whose samples, alpha, profile and EXIF to keep.
        format: A name in `FORMATS`.

    Raises:
        ImageFileError: the format cannot hold the image.
        ProblemError: not one image, or infinite pixels.
    """
    return _encoded(image, like, FORMATS[format])[0]


def format_of(path: str | PathLike[str]) -> str:
    """Name the format that a file name ending stands for.

    Raises:
        ImageFileError: it stands for none.
    """
    suffix = Path(path).suffix.lower()
    if suffix in SUFFIXES and suffix not in WRITTEN:
        title = FORMATS[SUFFIXES[suffix]].title
        raise ImageFileError(
            f"{path}: cannot be written, {title} is read but not written: choose .png"
        )
    if suffix not in SUFFIXES:
        known = ", ".join(WRITTEN)
        raise ImageFileError(f"{path}: cannot be written, expected a name ending in one of {known}")
    return SUFFIXES[suffix]


def ensure_writable(
    path: str | PathLike[str],
    like: Picture,
    *,
    channels: int | None = None,
    overwrite: bool = False,
) -> Notes:
    """Find out before hours of work whether its result could be written.

    Args:
        path: As for `write`.
        like: As for `write`.
        channels: Colours of the image to come; those of `like` if None.
        overwrite: As for `write`.

    Returns:
        Notes on what will not be kept.

    Raises:
        ImageFileError: as `write`, as far as can be known.
    """
    form = FORMATS[format_of(path)]
    try:
        _check_place(Path(path))
        notes = _losses(form, like, channels or like.shape[0])
    except ImageFileError as error:
        raise ImageFileError(f"{path}: cannot be written, {error}") from error
    except OSError as error:  # a name that is too long, say
        raise ImageFileError(f"{path}: cannot be written, {error.strerror}") from error
    if not overwrite and os.path.lexists(path):
        raise ImageFileError(exists_already(path))
    return notes


def _check_place(path: Path) -> None:
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise ImageFileError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImageFileError(f"the folder {folder} is read-only")
    if path.is_dir():
        raise ImageFileError("it is a folder")


def _losses(form: Format, like: Picture, channels: int) -> Notes:
    """What a format cannot keep of a picture: an error if it is seen, a note if it is not.

    Raises:
        ImageFileError: colours or an alpha channel that the format has no place for.
    """
    stored = _stored_channels(form, channels)
    if like.alpha is not None and not form.alpha:
        raise ImageFileError(f"{form.title} holds no alpha channel, choose PNG or TIFF")
    own, native = FORMATS[like.format], like.dtype.newbyteorder("=")
    notes: Notes = ()
    if own.encode is None:
        notes += (f"{own.title} is read but not written, stored as {form.title}",)
    elif form is not own and like.alpha is not None and not own.alpha:
        notes += (f"{own.title} is not written with alpha, stored as {form.title}",)
    elif form is not own and own.dtypes == (np.dtype(np.uint8),) and native not in own.dtypes:
        bits = 8 * like.dtype.itemsize
        notes += (f"{own.title} is not written in {bits} bits, stored as {form.title}",)
    if native not in form.dtypes:
        became = form.dtypes[-1]
        notes += (
            f"{like.dtype.name} samples stored as {became.name}, all that {form.title} holds",
        )
    if stored != channels:
        notes += (f"grey stored as RGB, all that {form.title} holds",)
    if like.icc and stored != like.shape[0]:
        notes += ("colour profile dropped, it is for another number of colours",)
    return notes + carried(_meta(like, stored), form.places, form.title)[1]


def _meta(like: Picture, stored: int) -> Meta:
    """What travels; a profile is for so many colours."""
    icc = like.icc if stored == like.shape[0] else None
    return Meta(icc, like.exif, like.chunks, like.extras)


def _stored_channels(form: Format, channels: int) -> int:
    if channels in form.channels:
        return channels
    if channels == 1 and 3 in form.channels:
        return 3
    better = "PNG or TIFF" if channels in (1, 3) else "TIFF"
    raise ImageFileError(f"{form.title} cannot hold {channels} channels, choose {better}")


def _encoded(image: Tensor, like: Picture, form: Format) -> tuple[bytes, Notes]:
    pixels = array_of(image)
    channels, *size = pixels.shape
    notes = _losses(form, like, channels)
    if max(size) > form.longest_side:
        raise ImageFileError(f"{form.title} holds at most {form.longest_side} pixels a side")
    # A fit leaves its picture in any order of memory; formats want one, and the same bytes.
    samples = np.ascontiguousarray(_samples(pixels, like, form).transpose(1, 2, 0))
    stored = _stored_channels(form, channels)
    alpha = None if like.alpha is None else _recast(like.alpha, samples.dtype)
    if alpha is not None and alpha.shape != tuple(size):
        alpha, notes = resized(alpha, size), (*notes, "alpha resized with the image")
    meta, _ = carried(_meta(like, stored), form.places, form.title)
    sheet = Sheet(
        np.broadcast_to(samples, (*size, stored)),
        alpha,
        meta.icc,
        meta.exif,
        jpeg=like.jpeg,
        chunks=meta.chunks,
        channel_axis=like.channel_axis,
        extras=meta.extras,
    )
    if form.encode is None:
        raise ImageFileError(f"{form.title} is read but not written: choose PNG")
    try:
        data, more = form.encode(sheet)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise ImageFileError(f"{form.title} cannot hold it: {error}") from error
    return data, notes + more


def _samples(pixels: np.ndarray, like: Picture, form: Format) -> np.ndarray:
    """(C, H, W) samples in the dtype of `like`, or over the full range of the format's own."""
    native = like.dtype.newbyteorder("=")
    if native in form.dtypes:
        samples = like.samples(pixels)
        return samples if form is FORMATS["npy"] else samples.astype(native, copy=False)
    dtype = form.dtypes[-1]
    return Scale(0.0, float(np.iinfo(dtype).max)).samples(pixels, dtype)


def _recast(alpha: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Alpha on the full range of another dtype."""
    if alpha.dtype == dtype:
        return alpha
    unit = alpha / _opaque(alpha.dtype)
    stored = unit * _opaque(dtype)
    return stored.astype(dtype) if dtype.kind == "f" else np.rint(stored).astype(dtype)


def _opaque(dtype: np.dtype) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def resized(alpha: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Interpolate an alpha channel linearly: its edges stay between what they separated.

    Args:
        alpha: (H, W).
        size: (height, width) to have.
    """
    if alpha.shape == tuple(size):
        return alpha
    planes = torch.from_numpy(alpha.astype(np.float64))[None, None]
    resized = F.interpolate(planes, size, mode="bilinear", antialias=True)[0, 0].numpy()
    return (resized if alpha.dtype.kind == "f" else np.rint(resized)).astype(alpha.dtype)
