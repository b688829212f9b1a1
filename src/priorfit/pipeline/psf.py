"""Point spread functions from files: smaller than a picture may be, and of any scale."""

from pathlib import Path
from tokenize import TokenError

import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from torch import Tensor

from priorfit.errors import ImageFileError

_LONGEST_SIDE = 1024
_FORMATS = ["PNG", "TIFF", "JPEG", "WEBP"]
_DAMAGE = (
    ValueError,
    EOFError,
    SyntaxError,
    MemoryError,
    RecursionError,
    TokenError,  # from the parser of .npy headers
    PillowImage.DecompressionBombError,
)


def read_psf(path: Path) -> Tensor:
    """Read a PSF, (h, w) in float64, from a .npy file or a picture whose colours are averaged.

    Raises:
        ImageFileError: unreadable, of other than two axes, or more than 1,024 pixels a side.
    """
    try:
        array = _from_array(path) if path.suffix.lower() == ".npy" else _from_picture(path)
    except OSError as error:
        reason = "is no picture" if isinstance(error, UnidentifiedImageError) else error.strerror
        raise ImageFileError(f"{path}: cannot be read as a PSF: {reason or error}") from error
    except _DAMAGE as error:
        raise ImageFileError(f"{path}: cannot be read as a PSF: it is damaged") from error
    if array.ndim != 2 or max(array.shape) > _LONGEST_SIDE or array.dtype.kind not in "iuf":
        raise ImageFileError(
            f"{path}: is no PSF: expected numbers (height, width), at most {_LONGEST_SIDE} a "
            f"side, got {array.dtype} {array.shape}"
        )
    return torch.from_numpy(np.array(array, np.float64))


def _from_array(path: Path) -> np.ndarray:
    # Mapped, so that a header cannot claim more memory than the file has bytes.
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _from_picture(path: Path) -> np.ndarray:
    with PillowImage.open(path, formats=_FORMATS) as picture:
        if max(picture.size) > _LONGEST_SIDE:
            raise ImageFileError(
                f"{path}: is no PSF: expected at most {_LONGEST_SIDE} pixels a side, "
                f"got {picture.width}×{picture.height}"
            )
        plain = picture.mode in ("L", "I", "I;16", "F", "RGB")
        array = np.asarray(picture if plain else picture.convert("RGB"))
    return array.mean(2) if array.ndim == 3 else array
