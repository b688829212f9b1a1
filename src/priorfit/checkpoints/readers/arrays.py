"""NumPy's arrays as pickles describe them, made from bytes that were measured before."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from priorfit.checkpoints.readers.stand_ins import Made, Named, is_named, shown
from priorfit.errors import CheckpointError

_NUMBERS = {"b1", "?", *(f"{k}{n}" for k in "iu" for n in (1, 2, 4, 8)), "f2", "f4", "f8"}
_OBJECTS = {"O", "O4", "O8"}
_MOST_AXES = 32
_NDARRAY, _DTYPE = Named("numpy", "ndarray"), Named("numpy", "dtype")


class Budget:
    """Bytes that may still be copied, so that repeating a short order cannot fill the memory."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, amount: int) -> None:
        """Take so many.

        Raises:
            CheckpointError: there are not so many left.
        """
        self.left -= amount
        if self.left < 0:
            raise CheckpointError("holds a pickle that asks for far more memory than its own size")


class Workbench:
    """Arrays of one pickle, those that wait for their content among them."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._empty: dict[int, np.ndarray] = {}

    def empty(self, kind: Any, _shape: Any = None, _code: Any = None) -> np.ndarray:
        """An array that `fill` gives its content."""
        if not is_named(kind, _NDARRAY):
            raise TypeError
        array = np.empty(0, np.uint8)
        self._empty[id(array)] = array
        return array

    def fill(self, array: Any, state: Any) -> None:
        """Give an empty array its shape and numbers: (version, shape, dtype, Fortran order, data).

        Arrays of Python's objects get the values that were read, whatever they stand for.
        """
        if self._empty.pop(id(array), None) is None or len(state) != 5:
            raise TypeError
        _, shape, described, fortran, data = state
        dtype = dtype_of(described)
        count = math.prod(_shape(shape))
        if dtype.hasobject:
            if type(data) is not list or len(data) != count:
                raise ValueError
        else:
            data = self._bytes(data, count * dtype.itemsize)
        # NumPy's own way from these five to an array; of long data it makes no copy.
        array.__setstate__((1, shape, dtype, bool(fortran), data))

    def scalar(self, described: Any, data: Any) -> np.generic:
        """One number."""
        dtype = dtype_of(described)
        if dtype.hasobject:
            raise TypeError
        return np.frombuffer(self._bytes(data, dtype.itemsize), dtype)[0]

    def from_buffer(self, data: Any, described: Any, shape: Any, order: Any) -> np.ndarray:
        """An array whose bytes lie in the pickle itself, of protocol 5."""
        array = self.empty(_NDARRAY)
        self.fill(array, (1, shape, described, order == "F", data))
        return array

    def raw(self, data: Any = b"") -> bytes:
        """Bytes that are called for with bytes."""
        if type(data) is not bytes:
            raise TypeError
        return data

    def encoded(self, text: Any, encoding: Any = None) -> bytes:
        """Bytes as Python 3 writes them in protocols 0 to 2."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise TypeError
        self._budget.spend(len(text))
        return text.encode("latin-1")

    def _bytes(self, data: Any, expected: int) -> bytes:
        """Data of an array; text is how bytes look that Python 2 has written."""
        if type(data) not in (bytes, bytearray, str) or len(data) != expected:
            raise ValueError
        self._budget.spend(expected)
        return data.encode("latin-1") if type(data) is str else bytes(data)


def dtype_of(described: Any) -> np.dtype:
    """Kind of number that a pickle describes.

    Raises:
        CheckpointError: it is none.
    """
    if isinstance(described, Named) and described.module == "numpy":
        return _dtype(np.dtype(described.name.rstrip("_")).str[1:], "=")
    if not isinstance(described, Made) or not is_named(described.callable, _DTYPE):
        raise TypeError
    state = described.state
    return _dtype(described.args[0], state[1] if type(state) is tuple else "=")


def _dtype(code: Any, order: Any) -> np.dtype:
    if type(code) is not str:
        raise TypeError
    if code not in _NUMBERS | _OBJECTS:
        raise CheckpointError(f"holds an array of '{shown(code)}', expected plain numbers")
    if type(order) is not str or order not in "<>=|" or len(order) != 1:
        raise ValueError
    return np.dtype("O" if code in _OBJECTS else order + code)


def _shape(shape: Any) -> tuple[int, ...]:
    sound = type(shape) is tuple and len(shape) <= _MOST_AXES
    if not sound or not all(type(side) is int and 0 <= side < 1 << 40 for side in shape):
        raise ValueError
    return shape


MADE: dict[tuple[str, str], Callable[..., Any]] = {
    ("_codecs", "encode"): Workbench.encoded,
    ("builtins", "bytes"): Workbench.raw,
    ("builtins", "bytearray"): Workbench.raw,
    ("numpy._core.multiarray", "_reconstruct"): Workbench.empty,
    ("numpy._core.multiarray", "scalar"): Workbench.scalar,
    ("numpy._core.numeric", "_frombuffer"): Workbench.from_buffer,
}
