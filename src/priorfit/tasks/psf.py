"""Point spread functions from files: smaller than a picture may be, and of any scale."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from priorfit.errors import ImageFileError
from priorfit.images import as_typed, no_file

_LONGEST_SIDE = 1024
_FORMATS = ["PNG", "TIFF", "JPEG", "WEBP"]
_DESCRIPTION, _DEPTH = 270, 32997  # tags of TIFF


def read_psf(path: Path) -> Tensor:
    """Read a PSF, (h, w) in float64, from a .npy file or a picture whose colours are averaged.

    Raises:
        ImageFileError: unreadable, of other than two axes, more than 1,024 pixels a side, or of
            values that no blur has.
    """
    try:
        why = no_file(path)
        if why is not None:
            raise ImageFileError(f"{as_typed(path)}: {why}")
        with _silence():
            array = _from_array(path) if path.suffix.lower() == ".npy" else _from_picture(path)
    except ImageFileError:
        raise
    except OSError as error:
        reason = "is no picture" if isinstance(error, UnidentifiedImageError) else error.strerror
        raise ImageFileError(f"{path}: cannot be read as a PSF: {reason or error}") from error
    except Exception as error:  # of damaged files Pillow and NumPy raise all kinds
        raise ImageFileError(f"{path}: cannot be read as a PSF: it is damaged") from error
    if array.ndim != 2 or max(array.shape) > _LONGEST_SIDE or array.dtype.kind not in "iuf":
        raise ImageFileError(
            f"{path}: is no PSF: expected numbers (height, width), at most {_LONGEST_SIDE} a "
            f"side, got {array.dtype} {array.shape}"
        )
    psf = np.array(array, np.float64)
    if not np.isfinite(psf).all() or (psf < 0).any() or not psf.any():
        raise ImageFileError(
            f"{path}: is no PSF: expected finite values, none negative and not all zero"
        )
    return torch.from_numpy(psf)


def _from_array(path: Path) -> np.ndarray:
    # Mapped, so that a header cannot claim more memory than the file has bytes.
    return np.lib.format.open_memmap(path, mode="r")  # no archive, no pickle


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what libtiff and Pillow say of a damaged file off the user's screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            before = os.dup(2)
        except OSError:  # standard error is closed
            yield
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            os.close(nothing)


def _from_picture(path: Path) -> np.ndarray:
    with PillowImage.open(path, formats=_FORMATS) as picture:
        if max(picture.size) > _LONGEST_SIDE:
            raise ImageFileError(
                f"{path}: is no PSF: expected at most {_LONGEST_SIDE} pixels a side, "
                f"got {picture.width}×{picture.height}"
            )
        _check_single(path, picture)
        plain = picture.mode in ("L", "I", "I;16", "I;16B", "F", "RGB")
        array = np.asarray(picture if plain else picture.convert("RGB"))
    return array.mean(2) if array.ndim == 3 else array


def _check_single(path: Path, picture: PillowImage.Image) -> None:
    """Refuse a stack, of which Pillow would show the first picture.

    Raises:
        ImageFileError: several pages or frames, or one page that holds several planes.
    """
    pages = [getattr(picture, "n_frames", 1)]
    if isinstance(picture, TiffImageFile):
        pages.append(picture.tag_v2.get(_DEPTH, 1))
        planes = re.search(
            r"^images=(\d+)", str(picture.tag_v2.get(_DESCRIPTION, "")), re.MULTILINE
        )
        pages += [int(planes[1])] if planes else []  # ImageJ keeps a large stack in one page
    if max(pages) > 1:
        raise ImageFileError(
            f"{path}: is no PSF: expected a single picture (height, width), got a stack of "
            f"{max(pages)}: save the one that is meant"
        )
