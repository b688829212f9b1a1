"""One way in which people have laid out the numbers of a network in a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from priorfit.store.files import Stored


@dataclass(frozen=True)
class Found:
    """One network as it lies in a published file; nothing in it is trusted.

    Args:
        tensors: by the names they have there.
        part: which network of several, `G_ema` or `Gs` say; empty where the file holds one.
        settings: what the file says besides, in plain values: how the network was built.
    """

    tensors: Mapping[str, Tensor]
    part: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


class Layout(NamedTuple):
    """A known layout: how to tell it, and how to make it ours.

    Args:
        name: for people: whose code wrote it, and what it holds.
        recognises: whether a network lies there in this layout; looks at names and shapes alone.
        convert: gives it our names; raises CheckpointError where shapes contradict each other.
    """

    name: str
    recognises: Callable[[Found], bool]
    convert: Callable[[Found], Stored]
