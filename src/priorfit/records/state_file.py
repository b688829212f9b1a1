"""Runs that are interrupted and go on: their state in one file.

A state is nested dicts, lists and tuples of tensors, numbers, strings and None. It is one
safetensors file: the tensors as they are, the structure around them as JSON in its metadata, and
the hash of all that, by which damage is noticed. Nothing in it is ever executed.
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from priorfit.disk.regular import open_regular
from priorfit.errors import PriorfitError
from priorfit.images import write_atomically

_DEEPEST = 32
_LONGEST_HEADER = 1 << 26
_KEY, _ABOUT, _HASH = "priorfit.loop.state", "priorfit.about", "priorfit.sha256"
# What a file that passes for one of ours, and is none, leads to.
_DAMAGE = (
    SafetensorError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


def save_state(path: Path, state: Mapping[str, Any], about: str | None = None) -> None:
    """Write a nested state, at once or not at all; an older file of that name is replaced.

    Args:
        path: of the file.
        state: a tensor that is in it several times is written once.
        about: words that belong to it, in the same file, so that they never disagree.

    Raises:
        ImageFileError: the place cannot be written.
        TypeError: something in it is none of tensor, number, string, None, dict, list and tuple.
    """
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_packed(state, tensors, {}), allow_nan=False)
    words = {_KEY: structure} | ({} if about is None else {_ABOUT: about})
    words[_HASH] = _digest(words, tensors)
    write_atomically(path, save_tensors(tensors, words), overwrite=True, follow=False)


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        PriorfitError: no such file, or not one of these.
    """
    try:
        with open_regular(path) as file:
            data = file.read()
        words, tensors = _metadata(data), load_tensors(data)
        if words.pop(_HASH) != _digest(words, tensors):
            raise ValueError("the hash is another")
        state = _unpacked(json.loads(words[_KEY]), tensors, 0)
    except OSError as error:
        raise PriorfitError(f"{path}: cannot be read: {error.strerror or error}") from error
    except PriorfitError:
        raise
    except _DAMAGE as error:
        raise PriorfitError(f"{path}: is not the state of a run, or is damaged") from error
    if not isinstance(state, dict):
        raise PriorfitError(f"{path}: is not the state of a run")
    return state


def _digest(words: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of all that is in a file: what names, types and shapes are part of it."""
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_about(path: Path) -> str:
    """Read what `save_state` was told about a state, and nothing of the state itself.

    Raises:
        PriorfitError: no such file, or not one of these.
    """
    try:
        with open_regular(path) as file:
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
            left = os.fstat(file.fileno()).st_size - 8
            if length > min(_LONGEST_HEADER, left):
                raise ValueError("the header is longer than the file")
            about = json.loads(file.read(length))["__metadata__"][_ABOUT]
    except OSError as error:
        raise PriorfitError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise PriorfitError(f"{path}: is not the state of a run, or is damaged") from error
    return str(about)


def _metadata(data: bytes) -> dict[str, str]:
    """Strings in the header of a safetensors file, its length checked first."""
    (length,) = struct.unpack("<Q", data[:8].ljust(8, b"\xff"))
    if length > min(_LONGEST_HEADER, len(data) - 8):
        raise ValueError("the header is longer than the file")
    return json.loads(data[8 : 8 + length])["__metadata__"]


def _packed(value: Any, tensors: dict[str, Tensor], names: dict[int, str]) -> Any:
    """Structure of a value in JSON; a list tells by its first entry what it stands for."""
    if isinstance(value, Tensor):
        return _packed_tensor(value, tensors, names)
    if isinstance(value, dict):
        pairs = value.items()
        return ["dict", [[_packed(item, tensors, names) for item in pair] for pair in pairs]]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [_packed(item, tensors, names) for item in value]]
    if isinstance(value, float) and not math.isfinite(value):
        return ["float", str(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a state holds tensors, numbers and their collections, got {type(value)}")


def _packed_tensor(value: Tensor, tensors: dict[str, Tensor], names: dict[int, str]) -> list:
    # Stored in the order of its memory, so that it comes back with the same strides.
    strides = value.stride()
    order = sorted(range(value.ndim), key=lambda axis: -strides[axis])
    name = names.setdefault(id(value), str(len(tensors)))
    if name not in tensors:
        stored = value.detach().permute(order).contiguous().cpu()
        # The format wants memory of its own for each; most have it, and a copy takes a lot.
        alone = stored.untyped_storage().nbytes() == stored.nbytes
        known = {other.data_ptr() for other in tensors.values()}
        tensors[name] = stored if alone and stored.data_ptr() not in known else stored.clone()
    return ["tensor", name, order, str(value.device)]


def _unpacked(packed: Any, tensors: dict[str, Tensor], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if not isinstance(packed, list):
        if isinstance(packed, dict):
            raise ValueError("expected a list that begins with its kind")
        return packed
    return _COLLECTIONS[packed[0]](packed[1:], tensors, depth + 1)


def _unpacked_tensor(packed: list, tensors: dict[str, Tensor], depth: int) -> Tensor:
    name, order, device = packed
    axes = [order.index(axis) for axis in range(tensors[name].ndim)]
    tensor = tensors[name].permute(axes)
    return tensor if device == "cpu" else tensor.to(_device(device))


def _device(name: str) -> torch.device:
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise PriorfitError(f"the run was on '{name}', which is not here") from error


def _unpacked_dict(packed: list, tensors: dict[str, Tensor], depth: int) -> dict:
    pairs = [(_unpacked(k, tensors, depth), _unpacked(v, tensors, depth)) for k, v in packed[0]]
    return dict(pairs)


def _unpacked_list(packed: list, tensors: dict[str, Tensor], depth: int) -> list:
    return [_unpacked(item, tensors, depth) for item in packed[0]]


def _unpacked_tuple(packed: list, tensors: dict[str, Tensor], depth: int) -> tuple:
    return tuple(_unpacked_list(packed, tensors, depth))


def _unpacked_float(packed: list, tensors: dict[str, Tensor], depth: int) -> float:
    return float(packed[0])


_COLLECTIONS: dict[str, Callable[[list, dict[str, Tensor], int], Any]] = {
    "tensor": _unpacked_tensor,
    "dict": _unpacked_dict,
    "list": _unpacked_list,
    "tuple": _unpacked_tuple,
    "float": _unpacked_float,
}


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Have torch work with so many threads while the block runs: another number sums otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
