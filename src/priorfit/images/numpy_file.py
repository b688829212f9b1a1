""".npy files: one array of numbers, never a pickle."""

import math
import os
import warnings
from io import BytesIO
from tokenize import TokenError
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from priorfit.errors import ImageFileError
from priorfit.images.picture import Notes, Sheet, check_size

# What NumPy's parser of the header, Python's own, raises for nonsense; the last two for too many
# brackets.
_DAMAGE = (
    ValueError,
    TypeError,
    ArithmeticError,
    SyntaxError,
    TokenError,
    RecursionError,
    MemoryError,
)
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_array(file: BinaryIO, max_pixels: int) -> np.ndarray:
    """Read an array of (H, W) or (H, W, C) numbers, C from 1 to 4.

    Raises:
        ImageFileError: damaged or truncated, a stack, too large or too small, not numbers.
    """
    shape, fortran, dtype = read_header(file)
    if len(shape) not in (2, 3) or not all(1 <= channels <= 4 for channels in shape[2:]):
        raise ImageFileError(
            f"holds an array of shape {shape}, expected (H, W) or (H, W, C) with C up to 4;"
            " stacks and channels-first arrays are not read"
        )
    if dtype.kind not in "biuf":
        raise ImageFileError(f"holds an array of {dtype}, expected numbers")
    check_size(shape[1], shape[0], max_pixels)
    start, end = file.tell(), file.seek(0, os.SEEK_END)
    size = math.prod(shape) * dtype.itemsize
    if end - start < size:
        raise ImageFileError(f"is truncated: expected {size:,} bytes of data, got {end - start:,}")
    file.seek(start)
    flat = np.frombuffer(file.read(size), dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read what comes before the numbers: shape, whether in Fortran's order, kind of number.

    Raises:
        ImageFileError: damaged or of an unknown version.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header written by Python 2
            return _HEADERS[npy.read_magic(file)](file)
    except KeyError as error:
        raise ImageFileError("is a .npy file of an unknown version") from error
    except _DAMAGE as error:
        raise ImageFileError("is damaged: its header makes no sense") from error


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a .npy file as an image."""
    array = read_array(file, max_pixels)
    if array.ndim == 2:
        return Sheet(array[..., None])
    return Sheet(array, channel_axis=-1)


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write (H, W, C) samples; (H, W) where C is 1 and no axis was asked for it.

    Returns:
        The file, and notes (none).
    """
    flat = sheet.samples.shape[-1] == 1 and sheet.channel_axis is None
    samples = sheet.samples[..., 0] if flat else sheet.samples
    buffer = BytesIO()
    np.save(buffer, samples, allow_pickle=False)
    return buffer.getvalue(), ()
