"""Arrays of NumPy in .npy and .npz files, with dictionaries and lists of them."""

import math
from typing import Any, BinaryIO, cast

import numpy as np

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers import pickles
from priorfit.checkpoints.readers.parts import with_sound_names
from priorfit.checkpoints.readers.plain import plain
from priorfit.checkpoints.readers.source import Source
from priorfit.checkpoints.readers.stand_ins import shown
from priorfit.checkpoints.readers.tensors import of_value, read_tensor
from priorfit.checkpoints.readers.zips import Archive
from priorfit.errors import CheckpointError, ImageFileError
from priorfit.images.numpy_file import read_header

_NESTED = 4
_MOST = 30_000
_ARRAY = "array"
"""Name of the only array of a file that names none."""


def read_npy(source: Source) -> Any:
    """An array of numbers, or the Python value that an array of objects holds.

    Raises:
        CheckpointError: it is damaged, or of something else.
    """
    try:
        shape, fortran, dtype = read_header(cast(BinaryIO, source))
    except ImageFileError as error:
        raise CheckpointError(str(error)) from error
    if dtype.hasobject:
        value = pickles.load(source)
        single = isinstance(value, np.ndarray) and value.dtype.hasobject and value.size == 1
        return value.item() if single else value
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise CheckpointError(f"holds an array of {dtype}, expected plain numbers")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise CheckpointError("is damaged: its header makes no sense")
    flat = read_tensor(source, math.prod(shape) * dtype.itemsize).numpy().view(dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def read_npz(archive: Archive) -> dict[str, Any]:
    """Arrays of an .npz file by their names.

    Raises:
        CheckpointError: it is damaged, or holds something else.
    """
    values = {}
    for name in archive.names:
        entry = archive.bytes_of(name)
        if not name.endswith(".npy") or not entry.startswith(b"\x93NUMPY"):
            raise CheckpointError(f"is a ZIP archive with {shown(name)} among its arrays")
        values[name.removesuffix(".npy")] = read_npy(Source.of(entry))
    return values


def found(value: Any) -> Found:
    """The network or direction that arrays are; nested names are joined by dots.

    Raises:
        CheckpointError: there are no arrays of numbers.
    """
    tensors, waiting = {}, [("", value, 0)]
    for _ in range(_MOST):
        if not waiting:
            break
        name, item, depth = waiting.pop()
        tensor = of_value(item)
        if tensor is not None:
            tensors[name or _ARRAY] = tensor
        elif depth < _NESTED:
            inside = [(f"{name}.{key}".lstrip("."), v, depth + 1) for key, v in _within(item)]
            waiting += reversed(inside)
    if waiting or not tensors:
        raise CheckpointError("holds no arrays of numbers, or too many other things")
    return Found(with_sound_names(tensors), "", _beside(value))


def _beside(value: Any) -> dict[str, Any]:
    """What a dictionary says besides its arrays."""
    entries = value.items() if isinstance(value, dict) else ()
    return plain({key: item for key, item in entries if not isinstance(item, np.ndarray)})


def _within(value: Any) -> list[tuple[str, Any]]:
    """What a dictionary or list holds, such as the weight and bias of a layer."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    entries = value.items() if isinstance(value, dict) else ()
    return [(str(key), item) for key, item in entries if isinstance(key, str | int)]
