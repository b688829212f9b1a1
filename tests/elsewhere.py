"""An accelerator that is not there: what would lie on it is told from what was left on the host.

Everything is computed by the processor, which answers to cpu and to cpu:0; the second is taken for
the accelerator. Tensors are on it that were made there, moved there or made from such. An operation
that joins one of these with one left behind fails, as it would there, and so does a view of one as
an array.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode

ACCELERATOR = torch.device("cpu", 0)

_ARRAYS = {"numpy", "__array__"}
_INDEXING = {"__getitem__", "__setitem__"}
_ACROSS = {"to", "cpu", "copy_", "__get__", "__set__", "_has_compatible_shallow_copy_type"}


class Elsewhere(TorchFunctionMode):
    """Fail where tensors of two devices meet."""

    def __init__(self) -> None:
        super().__init__()
        self._storages: dict[int, StorageWeakRef] = {}

    def holds(self, tensor: Tensor) -> bool:
        """Whether a tensor is taken to be on the accelerator."""
        if tensor.device.type == "meta":
            return False
        known = self._storages.get(tensor.untyped_storage()._cdata)
        return known is not None and not known.expired()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        name = getattr(func, "__name__", "")
        given = list(_tensors([*args, *named.values()]))
        held = [tensor for tensor in given if self.holds(tensor)]
        if held and name in _ARRAYS:
            raise AssertionError(f"{name} of a tensor on the accelerator")
        if held and name not in _ACROSS:
            self._same_device(name, given)
        made = func(*args, **named)
        if getattr(func, "__self__", None) is Tensor.device:
            return ACCELERATOR if held else made
        if name == "cpu":
            return made.clone()
        if name == "__set__" and len(given) == 2 and held:
            self._hold(given[0])
        if held or _there(name, args, named):
            made = made.clone() if name == "to" and made is given[0] and not held else made
            for tensor in _tensors([made]):
                if tensor.device.type != "meta":
                    self._hold(tensor)
        return made

    def _hold(self, tensor: Tensor) -> None:
        reference = StorageWeakRef(tensor.untyped_storage())
        self._storages[reference.cdata] = reference

    def _same_device(self, name: str, given: list[Tensor]) -> None:
        by_index = name in _INDEXING and self.holds(given[0])  # indices may lie on the host
        for tensor in given:
            if tensor.ndim and not by_index and not self.holds(tensor):
                raise AssertionError(f"{name}: {list(tensor.shape)} was left on the host")


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _there(name: str, args: tuple[Any, ...], named: dict[str, Any]) -> bool:
    device = named.get("device")
    if device is None and name == "to":
        device = next((value for value in args if isinstance(value, torch.device)), None)
    return device is not None and torch.device(device) == ACCELERATOR
