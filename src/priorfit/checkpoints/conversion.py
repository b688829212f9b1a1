"""From what a file holds to one network of ours that takes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from priorfit.checkpoints import directions
from priorfit.checkpoints.directions import Direction
from priorfit.checkpoints.layouts import LAYOUTS, Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.store.files import Stored

# Which of several networks one means who names none: the averaged generator before the other.
_WANTED = (
    ("g_ema", "gs", "generator_ema", "generator_smooth", "netg_ema", "params_ema", "ema"),
    ("g", "generator", "netg", "params"),
)
# What code that was not written for hostile tensors may raise when it meets them.
_SURPRISES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


KNOWN: tuple[Layout, ...] = (*LAYOUTS, directions.LAYOUT)


def converted(
    found: Sequence[Found],
    part: str | None = None,
    settings: Mapping[str, Any] | None = None,
    layouts: Sequence[Layout] = KNOWN,
) -> Stored:
    """The network that is wanted, in our names; `source` says its layout and part.

    Args:
        found: what a file holds.
        part: which of several networks; None for the averaged generator, or the only one.
        settings: what the file does not say, before what it says.
        layouts: the known ones, the more particular first.

    Raises:
        CheckpointError: there is no such part, nobody knows its layout, its shapes contradict each
            other, or a number is none.
    """
    one = picked(found, part)
    one = Found(one.tensors, one.part, {**one.settings, **(settings or {})})
    layout = next((known for known in layouts if _recognised(known, one)), None)
    if layout is None:
        raise CheckpointError(_unknown(one))
    try:
        stored = layout.convert(one)
    except _SURPRISES as error:
        raise CheckpointError(f"does not fit the layout '{layout.name}': {error}") from error
    _check_numbers(stored)
    checked(stored)
    source = {**stored.source, "layout": layout.name, "part": one.part}
    return Stored(stored.kind, stored.config, stored.tensors, source)


def checked(stored: Stored) -> None:
    """Make sure that a network, or a direction, takes these tensors; their shapes decide.

    Raises:
        CheckpointError: it does not.
    """
    if stored.kind == directions.KIND:
        Direction.of(stored)
    else:
        build_stored(stored)


def picked(found: Sequence[Found], part: str | None) -> Found:
    """One of the networks of a file.

    Raises:
        CheckpointError: no such part, or several and none is a generator.
    """
    names = ", ".join(one.part or "one without a name" for one in found)
    if part is not None:
        chosen = [one for one in found if one.part.lower() == part.lower()]
        if len(chosen) != 1:
            raise CheckpointError(f"has no part '{part}', its parts are: {names}")
        return chosen[0]
    if len(found) == 1:
        return found[0]
    for wanted in _WANTED:
        chosen = [one for one in found if one.part.lower().rpartition("/")[2] in wanted]
        if len(chosen) == 1:
            return chosen[0]
    raise CheckpointError(f"holds several networks, name the part to import: {names}")


def _recognised(layout: Layout, found: Found) -> bool:
    try:
        return layout.recognises(found)
    except _SURPRISES:
        return False


def _unknown(found: Found) -> str:
    some = ", ".join(f"{name} {tuple(t.shape)}" for name, t in list(found.tensors.items())[:3])
    return f"has a layout that is not known: {len(found.tensors)} tensors such as {some}"


def _check_numbers(stored: Stored) -> None:
    for name, tensor in stored.tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} holds values that are no numbers, NaN or infinite")


def write_model(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, with no second copy of the whole in memory.

    Raises:
        CheckpointError: they cannot be written.
    """
    try:
        save_file(_apart(tensors), path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot be written to {path}: {error}") from error


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors that share no memory, copied only where they do: safetensors refuses the others."""
    apart: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        storage = own.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != own.nbytes:
            own = own.clone()
        seen.add(own.untyped_storage().data_ptr())
        apart[name] = own
    return apart
