"""Taking the entries of a published file one by one, so that none is missing and none left."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.layout import Found
from priorfit.errors import CheckpointError

LARGEST = 1e9


class Entries:
    """The tensors of one network, and which of them have been asked for.

    Args:
        found: as it lies in the file.
    """

    def __init__(self, found: Found) -> None:
        self.tensors = found.tensors
        self.taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def take(self, name: str, axes: int) -> Tensor:
        """A tensor of real numbers with so many axes, in float32 or float64.

        Raises:
            CheckpointError: there is none of that name, or it is no such tensor.
        """
        if name not in self.tensors:
            raise CheckpointError(f"entry {name} is missing")
        tensor = self.tensors[name]
        if tensor.ndim != axes or not tensor.is_floating_point() or not tensor.numel():
            got = f"{tuple(tensor.shape)} of {tensor.dtype}"
            raise CheckpointError(f"entry {name} is {got}, expected {axes} axes of real numbers")
        self.taken.add(name)
        return tensor if tensor.dtype == torch.float64 else tensor.float()

    def leave(self, names: Iterable[str]) -> None:
        """Count entries as asked for whose values do not matter."""
        self.taken.update(names)

    def finish(self) -> None:
        """Make sure that every entry has been asked for.

        Raises:
            CheckpointError: one has not: it is another network than it seems.
        """
        spare = sorted(self.tensors.keys() - self.taken)
        if spare:
            more = f" and {len(spare) - 1} more" if len(spare) > 1 else ""
            raise CheckpointError(f"unknown entry {spare[0]}{more}")


def counted(present: Callable[[int], bool], what: str) -> int:
    """How many there are, numbered from 0.

    Raises:
        CheckpointError: none, or more than there can be.
    """
    count = 0
    while present(count):
        count += 1
        if count > 64:
            raise CheckpointError(f"has more than 64 {what}")
    if not count:
        raise CheckpointError(f"has no {what}")
    return count


def number(settings: Mapping[str, Any], key: str, default: float) -> float:
    """A finite number of the settings; the default where it is left out or None.

    Raises:
        CheckpointError: it is something else.
    """
    value = settings.get(key)
    if value is None:
        return default
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not -LARGEST <= value <= LARGEST:
        raise CheckpointError(f"setting '{key}' is {value!r:.60}, expected a number")
    return float(value)


def whole(settings: Mapping[str, Any], key: str, default: int) -> int:
    """A whole number of the settings; the default where it is left out or None.

    Raises:
        CheckpointError: it is something else.
    """
    value = number(settings, key, default)
    if value != int(value):
        raise CheckpointError(f"setting '{key}' is {value}, expected a whole number")
    return int(value)


def group(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Settings within the settings; none where they are left out.

    Raises:
        CheckpointError: it is something else.
    """
    value = settings.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CheckpointError(f"setting '{key}' is {value!r:.60}, expected further settings")
    return value
