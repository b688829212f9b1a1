"""What the published layouts of PGGAN, StyleGAN and their discriminators have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.entries import Entries
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.store.files import Stored

FUSED_FROM = 128
"""Pixels along a side from which networks that were "auto" double and filter in one step."""

_ORDERS = {"oikk": (0, 1, 2, 3), "iokk": (1, 0, 2, 3), "kkio": (3, 2, 0, 1), "kkoi": (2, 3, 0, 1)}


class Form(NamedTuple):
    """One way in which a filter may be stored.

    Args:
        name: of its entry.
        order: of its axes: k the filter's own, i in, o out.
        turned: whether by 180° against ours, as where doubling is part of the filter.
    """

    name: str
    order: str
    turned: bool = False


def filters(entries: Entries, forms: Sequence[Form], widths: tuple[int, int], size: int) -> Tensor:
    """A filter as (out, in, size, size), of the first form that there is and whose shape fits.

    Args:
        entries: of the file.
        forms: in which it may be stored.
        widths: channels of its input and of its output.
        size: of the filter.

    Raises:
        CheckpointError: there is no such form, or none fits.
    """
    present = [form for form in forms if form.name in entries] or [forms[0]]
    for form in present:
        weight = entries.take(form.name, 4).permute(_ORDERS[form.order])
        if weight.shape == (widths[1], widths[0], size, size):
            return weight.flip(2, 3) if form.turned else weight
    name = present[0].name
    wanted = f"{size}×{size} filters from {widths[0]} to {widths[1]} channels"
    raise CheckpointError(
        f"entry {name} is {tuple(entries.tensors[name].shape)}, expected {wanted}"
    )


def any_of(entries: Entries, names: Sequence[str]) -> str:
    """The first name that there is, else the first."""
    return next((name for name in names if name in entries), names[0])


def side(scale: int) -> int:
    """Pixels along a side of a scale."""
    return 4 << scale


def karras(index: int, first: str) -> str:
    """What Karras and others call a layer after the first, by its number.

    Args:
        index: from 1.
        first: of a scale's two layers, how the first is called.
    """
    name = "Conv" if index == 1 else "Conv1" if index % 2 else first
    return f"{side(index // 2)}x{side(index // 2)}/{name}"


def fused(settings: Mapping[str, Any], scale: int, default: bool | str) -> bool:
    """Whether a network doubled and filtered in one step at a scale, as its settings say.

    Raises:
        CheckpointError: they say something that nobody knows.
    """
    value = settings.get("fused_scale")
    value = default if value is None else value
    if value == "auto":
        return side(scale) >= FUSED_FROM
    if not isinstance(value, bool):
        raise CheckpointError(f"setting 'fused_scale' is {value!r:.60}, expected true or false")
    return value


def expect(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Make sure that a network was built as those here are.

    Args:
        settings: as the file has them.
        wanted: the only value known here, by setting; None and what is left out are all right.

    Raises:
        CheckpointError: one is another.
    """
    for key, known in wanted.items():
        value = settings.get(key)
        value = list(value) if isinstance(value, tuple) else value
        if value is not None and value != known:
            raise CheckpointError(f"setting '{key}' is {value!r:.60}, here it can only be {known}")


def lod(entries: Entries, name: str, scales: int) -> float:
    """How many scales a network had not grown yet; 0 where the file does not say.

    Raises:
        CheckpointError: as many as it has, or fewer than none.
    """
    if name not in entries:
        return 0.0
    value = entries.take(name, 0).item()
    if not 0 <= value < scales:
        raise CheckpointError(f"entry {name} is {value}, expected 0 to below {scales}")
    return value


def stored(
    kind: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor], entries: Entries
) -> Stored:
    """A network of all entries of a file, whose shapes agree.

    Raises:
        CheckpointError: they do not, or entries are left.
    """
    entries.finish()
    own = {name: t.clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    network = Stored(kind, config, own)
    build_stored(network)
    return network
