"""The in-domain encoder as its authors publish it, and as their code has trained it since."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from priorfit.checkpoints.layouts import grown
from priorfit.checkpoints.layouts.entries import Entries, counted, whole
from priorfit.checkpoints.layouts.grown import Form
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.store.files import Stored

_TORCH_NORM = {name: name for name in ("weight", "bias", "running_mean", "running_var")}
_TENSORFLOW_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def _pytorch(found: Found) -> Stored:
    """The released one. Its shapes do not tell whether its learning rate was equalised."""
    entries = Entries(found)
    blocks = counted(lambda n: f"block{n}.conv1.weight" in entries or n == 0, "blocks")
    normed = "block0.bn.bn.weight" in entries
    first = entries.take("block0.conv.weight", 4)
    channels = [len(first)]
    tensors = {"first.conv.weight": first}
    tensors |= _norm(entries, "first.norm", "block0.bn.bn.", _TORCH_NORM) if normed else {}
    for number in range(1, blocks):
        ours, theirs = f"blocks.{number - 1}", f"block{number}"
        steps = [(f"{ours}.shortcut", "")] if f"{theirs}.conv.weight" in entries else []
        steps += [(f"{ours}.steps.0", "1"), (f"{ours}.steps.1", "2")]
        for step, ending in steps:
            tensors[f"{step}.conv.weight"] = entries.take(f"{theirs}.conv{ending}.weight", 4)
            if ending:
                tensors[f"{step}.conv.bias"] = entries.take(f"{theirs}.wscale{ending}.bias", 1)
            if normed:
                beginning = f"{theirs}.bn{ending}.bn."
                tensors |= _norm(entries, f"{step}.norm", beginning, _TORCH_NORM)
        channels.append(len(tensors[f"{ours}.steps.1.conv.bias"]))
    tensors["last.weight"] = entries.take(f"block{blocks}.fc.weight", 2)
    tensors |= _norm(entries, "norm", f"block{blocks}.bn.bn.", _TORCH_NORM) if normed else {}
    equalised = found.settings.get("use_wscale") or False
    if not isinstance(equalised, bool):
        raise CheckpointError(f"setting 'use_wscale' is {equalised!r:.60}, expected true or false")
    config = {"variant": "released", "batch_norm": normed, "equalised": equalised}
    return _stored(entries, found, channels, tensors, config)


def _tensorflow(found: Found) -> Stored:
    entries = Entries(found)
    blocks = counted(lambda n: f"E_block_{n}/Conva/weight" in entries, "blocks")
    tensors = _filtered(entries, "first", "FromImg", 3, 5)
    channels = [len(tensors["first.conv.bias"])]
    for number in range(blocks):
        ours, theirs, inside = f"blocks.{number}", f"E_block_{number}", channels[-1]
        tensors |= _filtered(entries, f"{ours}.steps.0", f"{theirs}/Conva", inside, 3)
        hidden = len(tensors[f"{ours}.steps.0.conv.bias"])
        tensors |= _filtered(entries, f"{ours}.steps.1", f"{theirs}/Convb", hidden, 3)
        channels.append(len(tensors[f"{ours}.steps.1.conv.bias"]))
        if f"{theirs}/Shortcut/weight" in entries:
            form = Form(f"{theirs}/Shortcut/weight", "kkio")
            weight = grown.filters(entries, [form], (inside, channels[-1]), 1)
            tensors[f"{ours}.shortcut.conv.weight"] = weight
            beginning = f"{theirs}/Shortcut/batch_norm/"
            tensors |= _norm(entries, f"{ours}.shortcut.norm", beginning, _TENSORFLOW_NORM)
    tensors["last.weight"] = entries.take("Latent_out/weight", 2).T
    tensors["last.bias"] = entries.take("Latent_out/bias", 1)
    tensors |= _norm(entries, "norm", "Latent_out/batch_norm/", _TENSORFLOW_NORM)
    return _stored(entries, found, channels, tensors, {"variant": "current"})


def _filtered(
    entries: Entries, ours: str, theirs: str, inside: int, size: int
) -> dict[str, Tensor]:
    bias = entries.take(f"{theirs}/bias", 1)
    form = Form(f"{theirs}/weight", "kkio")
    return {
        f"{ours}.conv.weight": grown.filters(entries, [form], (inside, len(bias)), size),
        f"{ours}.conv.bias": bias,
        **_norm(entries, f"{ours}.norm", f"{theirs}/batch_norm/", _TENSORFLOW_NORM),
    }


def _norm(entries: Entries, ours: str, theirs: str, names: dict[str, str]) -> dict[str, Tensor]:
    norm = {f"{ours}.{mine}": entries.take(theirs + name, 1) for mine, name in names.items()}
    entries.leave([f"{theirs}num_batches_tracked"])  # it matters only without a momentum
    return {**norm, f"{ours}.num_batches_tracked": torch.tensor(0)}


def _stored(
    entries: Entries,
    found: Found,
    channels: list[int],
    tensors: dict[str, Tensor],
    settings: Mapping[str, object],
) -> Stored:
    """A code is as long as the layers of a StyleGAN for such images are many and w is wide."""
    layers, code = (
        whole(found.settings, "num_layers", 2 * len(channels)),
        len(tensors["last.weight"]),
    )
    if layers < 1 or code % layers:
        raise CheckpointError(f"makes codes of {code} numbers, which are no {layers} rows")
    config = {
        "channels": channels[::-1],
        "layers": layers,
        "w_dim": code // layers,
        "colors": tensors["first.conv.weight"].shape[1],
        **settings,
    }
    return grown.stored("in-domain-encoder", config, tensors, entries)


def _holds(*names: str) -> Callable[[Found], bool]:
    return lambda found: all(name in found.tensors for name in names)


PYTORCH = Layout(
    "In-domain encoder, PyTorch",
    _holds("block0.conv.weight", "block1.conv1.weight", "block1.wscale1.bias"),
    _pytorch,
)
TENSORFLOW = Layout(
    "In-domain encoder, TensorFlow",
    _holds("FromImg/weight", "E_block_0/Conva/weight", "Latent_out/weight"),
    _tensorflow,
)
LAYOUTS = (PYTORCH, TENSORFLOW)
