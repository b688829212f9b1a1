"""PyTorch's tensors as pickles describe them: a piece of memory, and how it is laid out."""

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priorfit.checkpoints.readers import pickles
from priorfit.checkpoints.readers.sniff import LEGACY_TORCH
from priorfit.checkpoints.readers.source import Source
from priorfit.checkpoints.readers.stand_ins import Made, Named, Persistent, is_named
from priorfit.errors import CheckpointError

_CHUNK = 1 << 20
_MOST_AXES = 16
_MOST_REPEATS = 1 << 24

_TYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
_NAMED = {str(dtype).removeprefix("torch."): dtype for dtype in _TYPES.values()}

# These begin with which memory, from where in it, of which size and in which steps.
_LAID_OUT = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3")
_FROM_BYTES = Named("torch.storage", "_load_from_bytes")
_SIZE = Named("torch", "Size")
_AROUND = ("_rebuild_parameter", "_rebuild_parameter_with_state")

Storage = Callable[[str, int], Tensor]
"""Gives the memory with this key and of so many bytes, as uint8."""


class Tensors:
    """Turns what a pickle says into tensors, each piece of memory read once.

    Args:
        storage: gives the memory that lies outside of the pickle.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._outside: dict[str, Tensor] = {}
        self._inside: dict[int, tuple[Made, Tensor]] = {}
        self._repeats = _MOST_REPEATS

    def tensor(self, value: Any) -> Tensor | None:
        """A tensor, if the value stands for one of PyTorch's or NumPy's.

        Raises:
            CheckpointError: it stands for one whose sizes contradict each other.
        """
        if isinstance(value, np.ndarray | np.generic):
            return of_value(value)
        if not isinstance(value, Made) or not isinstance(value.callable, Named):
            return None
        module, name = value.callable.module, value.callable.name
        try:
            if module == "torch._utils" and name in _AROUND:
                return self._inner(value.args[0])
            if (module, name) == ("torch._tensor", "_rebuild_from_type_v2"):
                return self._inner(Made(value.args[0], value.args[2]))
            if module == "torch._utils" and name in _LAID_OUT:
                return self._laid_out(value)
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError("is damaged: a tensor does not fit its memory") from error
        return None

    def _inner(self, value: Any) -> Tensor | None:
        # One wrapping and no more, or the wrappings would be as deep as a hostile file likes.
        named = isinstance(value, Made) and isinstance(value.callable, Named)
        if not named or value.callable.name not in _LAID_OUT:
            raise ValueError
        return self._laid_out(value)

    def _laid_out(self, value: Made) -> Tensor:
        stored, offset, size, stride = value.args[:4]
        memory = self._memory(stored)
        if value.callable.name == "_rebuild_tensor_v3":
            memory = memory.view(torch.uint8).view(_NAMED[value.args[6].name])
        size, stride = _whole(size), _whole(stride)
        (offset,) = _whole((offset,))
        # Repeating costs nothing here, but whoever makes the tensor whole pays for it.
        self._repeats -= max(0, math.prod(size) - len(memory))
        if self._repeats < 0:
            raise ValueError
        return _cut(memory, offset, size, stride)

    def _memory(self, stored: Any) -> Tensor:
        if isinstance(stored, Persistent):
            key, dtype, count, view = storage_of(stored)
            if key not in self._outside:
                self._outside[key] = self._storage(key, count * dtype.itemsize)
            memory = self._outside[key].view(dtype)
            return memory if view is None else memory[view[0] :][: view[1]]
        if id(stored) not in self._inside:
            if not isinstance(stored, Made) or not is_named(stored.callable, _FROM_BYTES):
                raise ValueError
            self._inside[id(stored)] = stored, _alone(*stored.args)
            stored.args = ()  # the bytes are read, their memory is wanted elsewhere
        return self._inside[id(stored)][1]


def of_value(value: Any) -> Tensor | None:
    """An array of numbers as a tensor, which may share its memory; None for anything else."""
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        return None
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return torch.from_numpy(native if native.flags.writeable else native.copy())


def legacy(source: Source) -> tuple[Any, Tensors]:
    """A file of torch.save's first form: the value, and what makes its tensors.

    Raises:
        CheckpointError: it is damaged, or of a machine with the other order of bytes.
    """
    if LEGACY_TORCH not in source.read(40):
        raise CheckpointError("is damaged: holds tensors that torch.save has not written")
    source.seek(0)
    _number, _version, system = (pickles.load(source) for _ in range(3))
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("was written by a machine with the other order of bytes")
    mentioned: list[Persistent] = []
    value, keys = pickles.load(source, mentioned), pickles.load(source)
    try:
        return value, Tensors(_Memories(source, keys, mentioned))
    except (LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            "is cut short or damaged: pieces of its memory are missing"
        ) from error


class _Memories:
    """The memory that follows the pickles: one piece after the other, each after its length."""

    def __init__(self, source: Source, keys: list[str], mentioned: list[Persistent]) -> None:
        self._source = source
        self._places: dict[str, tuple[int, int]] = {}
        sizes: dict[str, tuple[torch.dtype, int]] = {}
        for stored in mentioned:
            if stored.id[0] == "module":  # a class, with its source for people to compare
                continue
            key, dtype, count, _ = storage_of(stored)
            if sizes.setdefault(key, (dtype, count)) != (dtype, count):
                raise ValueError
        for key in keys:
            dtype, count = sizes[key]
            if int.from_bytes(source.read(8), "little") != count:
                raise ValueError
            self._places[key] = source.tell(), count * dtype.itemsize
            source.seek(count * dtype.itemsize, os.SEEK_CUR)

    def __call__(self, key: str, size: int) -> Tensor:
        start, length = self._places[key]
        if size != length:
            raise ValueError
        self._source.seek(start)
        return read_tensor(self._source, size)


def storage_of(stored: Persistent) -> tuple[str, torch.dtype, int, tuple[int, ...] | None]:
    """Key, kind, number of elements and, if it is a part of another, from where and how many."""
    word, kind, key, _, count, *more = stored.id
    if word not in ("storage", b"storage") or type(key) is not str or len(more) > 1:
        raise ValueError
    if not isinstance(kind, Named) or kind.name not in _TYPES:
        raise ValueError
    (count,) = _whole((count,))
    view = _whole(tuple(more[0][1:3])) if more and more[0] is not None else None
    return key, _TYPES[kind.name], count, view


def _alone(data: Any) -> Tensor:
    """Memory that a pickle holds as bytes, which are a file of torch.save themselves."""
    if type(data) is not bytes:
        raise TypeError
    stored, tensors = legacy(Source.of(data))
    if not isinstance(stored, Persistent):
        raise ValueError
    return tensors._memory(stored)


def read_tensor(source: Source, size: int) -> Tensor:
    """So many next bytes, as uint8.

    Raises:
        CheckpointError: there are not so many.
    """
    if size > source.left:
        raise CheckpointError(f"is cut short: expected {size:,} more bytes, got {source.left:,}")
    memory = torch.empty(size, dtype=torch.uint8)
    view = memory.numpy()
    for start in range(0, size, _CHUNK):
        piece = source.read(min(_CHUNK, size - start))
        view[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
    return memory


def _whole(numbers: Any) -> tuple[int, ...]:
    if isinstance(numbers, Made) and is_named(numbers.callable, _SIZE):
        (numbers,) = numbers.args
    sound = type(numbers) in (tuple, list) and len(numbers) <= _MOST_AXES
    if not sound or not all(type(n) is int and 0 <= n < 1 << 48 for n in numbers):
        raise ValueError
    return tuple(numbers)


def _cut(memory: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 in size:
        return memory.new_empty(size)
    if last >= len(memory):
        raise ValueError
    return memory.as_strided(size, stride, offset)
