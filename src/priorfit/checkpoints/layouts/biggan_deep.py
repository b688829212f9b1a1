"""BigGAN-deep as Hugging Face's pytorch-pretrained-BigGAN lays it out."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts.entries import Entries, counted, number
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.store.files import Stored

# The weight and its two vectors, as torch's hook calls them and as its parametrization does.
_DIVIDED = (
    ("weight_orig", "weight_u", "weight_v"),
    (
        "parametrizations.weight.original",
        "parametrizations.weight.0._u",
        "parametrizations.weight.0._v",
    ),
)

Tensors = dict[str, Tensor]


def _generator(found: Found) -> Stored:
    entries, settings = Entries(found), found.settings
    tensors = {"shared.weight": entries.take("embeddings.weight", 2).T.contiguous()}
    tensors |= _divided(entries, "linear", "generator.gen_z", axes=2)
    layers = counted(
        lambda index: _is_attention(entries, index) or _is_block(entries, index), "layers"
    )
    places = [index for index in range(layers) if _is_attention(entries, index)]
    if len(places) > 1 or places == [layers - 1]:
        raise CheckpointError(f"has attention as its layers {places}, expected one before a block")
    blocks = [index for index in range(layers) if index not in places]
    for index in range(layers):
        part = _attention if index in places else _block
        tensors |= part(entries, f"blocks.{index}", f"generator.layers.{index}")
    tensors |= _statistics(entries, "norm", "generator.bn")
    tensors["norm.gain"] = entries.take("generator.bn.weight", 1)
    tensors["norm.bias"] = entries.take("generator.bn.bias", 1)
    tensors |= _divided(entries, "output", "generator.conv_to_rgb", axes=4)
    entries.finish()
    config = {
        **_shape(tensors, blocks),
        "doubling": _doubling(settings, len(blocks)),
        "attention": places[0] if places else None,
        "eps": number(settings, "eps", 1e-4),
    }
    stored = Stored("biggan-deep", config, tensors)
    build_stored(stored)  # raises where shapes contradict each other
    return stored


def _is_attention(entries: Entries, index: int) -> bool:
    return f"generator.layers.{index}.gamma" in entries


def _is_block(entries: Entries, index: int) -> bool:
    return f"generator.layers.{index}.conv_0.bias" in entries


def _block(entries: Entries, ours: str, theirs: str) -> Tensors:
    tensors: Tensors = {}
    for index in range(4):
        conv, norm = f"{theirs}.conv_{index}", f"{theirs}.bn_{index}"
        tensors |= _divided(entries, f"{ours}.convs.{index}", conv, axes=4)
        tensors |= _statistics(entries, f"{ours}.norms.{index}", norm)
        for name, called in (("gain", "scale"), ("bias", "offset")):
            told = f"{ours}.norms.{index}.{name}"
            tensors |= _divided(entries, told, f"{norm}.{called}", axes=2, bias=False)
    return tensors


def _attention(entries: Entries, ours: str, theirs: str) -> Tensors:
    tensors = {f"{ours}.gamma": entries.take(f"{theirs}.gamma", 1)}
    if tensors[f"{ours}.gamma"].numel() == 1:
        tensors[f"{ours}.gamma"] = tensors[f"{ours}.gamma"].reshape(())
    for name, called in (("theta", "theta"), ("phi", "phi"), ("g", "g"), ("o", "o_conv")):
        conv = f"{theirs}.snconv1x1_{called}"
        tensors |= _divided(entries, f"{ours}.{name}", conv, axes=4, bias=False)
    return tensors


def _statistics(entries: Entries, ours: str, theirs: str) -> Tensors:
    return {
        f"{ours}.means": entries.take(f"{theirs}.running_means", 2),
        f"{ours}.vars": entries.take(f"{theirs}.running_vars", 2),
    }


def _divided(entries: Entries, ours: str, theirs: str, *, axes: int, bias: bool = True) -> Tensors:
    known = (names for names in _DIVIDED if f"{theirs}.{names[0]}" in entries)
    weight, u, v = next(known, _DIVIDED[0])
    tensors = {
        f"{ours}.weight": entries.take(f"{theirs}.{weight}", axes),
        f"{ours}.u": entries.take(f"{theirs}.{u}", 1),
        f"{ours}.v": entries.take(f"{theirs}.{v}", 1),
    }
    if bias:
        tensors[f"{ours}.bias"] = entries.take(f"{theirs}.bias", 1)
    return tensors


def _shape(tensors: Mapping[str, Tensor], blocks: Sequence[int]) -> dict[str, Any]:
    inputs = [tensors[f"blocks.{index}.convs.0.weight"].shape[1] for index in blocks]
    last = tensors[f"blocks.{blocks[-1]}.convs.3.weight"].shape[0]
    classes, embedding = tensors["shared.weight"].shape
    return {
        "channels": [*inputs, last],
        "z_dim": tensors["linear.weight"].shape[1] - embedding,
        "classes": classes,
        "embedding": embedding,
        "drawn": tensors["output.weight"].shape[0],
        "entries": len(tensors["norm.means"]),
    }


def _doubling(settings: Mapping[str, Any], blocks: int) -> list[int]:
    """Blocks that double the size: what the settings say, or every second one as published."""
    layers = settings.get("layers")
    if layers is None:
        return [*range(1, blocks, 2)]
    rows = layers if isinstance(layers, Sequence) else []
    wide = [row[0] for row in rows if isinstance(row, Sequence) and len(row) == 3]
    if len(wide) != blocks or not all(isinstance(double, bool) for double in wide):
        raise CheckpointError("setting 'layers' does not say of each block whether it doubles")
    return [index for index, double in enumerate(wide) if double]


def _is_generator(found: Found) -> bool:
    return {"embeddings.weight", "generator.gen_z.bias"} <= found.tensors.keys()


GENERATOR = Layout("BigGAN-deep of Hugging Face", _is_generator, _generator)
LAYOUTS = (GENERATOR,)
