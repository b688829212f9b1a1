"""BigGAN as its author's PyTorch code and DGP lay it out; both use the same names."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts.entries import Entries, counted, number, whole
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.store.files import Stored

# Where batch statistics lie: in the norm itself, in `mybn` and where several cards share them.
_STATISTICS = (
    ("stored_mean", "stored_var"),
    ("bn.stored_mean", "bn.stored_var"),
    ("bn.running_mean", "bn.running_var"),
)
# Largest singular values for the log, the instance norms that DGP fits anew to every image, and
# counters of batches.
_IGNORED = (".sv0", ".accumulation_counter", ".num_batches_tracked")
_REFITTED = (".in1.weight", ".in1.bias", ".in2.weight", ".in2.bias")

Tensors = dict[str, Tensor]


def _generator(found: Found) -> Stored:
    entries, settings = Entries(found), found.settings
    shared = "shared.weight" in entries
    tensors = _spectral(entries, "linear", "linear", axes=2)
    if shared:
        tensors["shared.weight"] = entries.take("shared.weight", 2)
    blocks = _blocks(entries)
    for index in range(blocks):
        ours, theirs = f"blocks.{index}", f"blocks.{index}.0"
        tensors |= _convolutions(entries, ours, theirs, shortcut=True)
        for norm in "12":
            tensors |= _norm(entries, f"{ours}.norm{norm}", f"{theirs}.bn{norm}", shared=shared)
        tensors |= _attention(entries, index)
    tensors |= _statistics(entries, "output.0", "output_layer.0")
    for name in ("gain", "bias"):
        tensors[f"output.0.{name}"] = entries.take(f"output_layer.0.{name}", 1)
    tensors |= _spectral(entries, "output.2", "output_layer.2", axes=4)
    config = {
        **_told(tensors, blocks, shared=shared),
        "channels": [_inputs(tensors, 0), *(_outputs(tensors, index) for index in range(blocks))],
        "attention": _attended(tensors, blocks),
        "bn_eps": number(settings, "BN_eps", 1e-5),
        "sn_eps": number(settings, "SN_eps", 1e-6),
    }
    return _stored("biggan", entries, tensors, config)


def _discriminator(found: Found) -> Stored:
    entries, settings = Entries(found), found.settings
    tensors = _spectral(entries, "linear", "linear", axes=2)
    if "embed.weight" in entries:
        tensors |= _spectral(entries, "embedding", "embed", axes=2, bias=False)
    blocks = _blocks(entries)
    for index in range(blocks):
        ours, theirs = f"blocks.{index}", f"blocks.{index}.0"
        shortcut = f"{theirs}.conv_sc.weight" in entries
        tensors |= _convolutions(entries, ours, theirs, shortcut=shortcut)
        tensors |= _attention(entries, index)
    halvings = _halvings(tensors, blocks)
    # As published the last features have 4 pixels; those of 32 pixels end in two blocks at 8.
    side = (4 if blocks - halvings < 2 else 8) << halvings
    config = {
        "side": whole(settings, "resolution", side),
        "channels": [_outputs(tensors, index) for index in range(blocks)],
        "halvings": halvings,
        "attention": _attended(tensors, blocks),
        "classes": len(tensors["embedding.weight"]) if "embedding.weight" in tensors else 0,
        "wide": all(_between(tensors, i) == _outputs(tensors, i) for i in range(blocks)),
        "overwrites": settings.get("D_nl") == "inplace_relu",
        "sn_eps": number(settings, "SN_eps", 1e-6),
    }
    return _stored("biggan-discriminator", entries, tensors, config)


def _blocks(entries: Entries) -> int:
    return counted(lambda index: f"blocks.{index}.0.conv1.weight" in entries, "blocks")


def _convolutions(entries: Entries, ours: str, theirs: str, *, shortcut: bool) -> Tensors:
    tensors = _spectral(entries, f"{ours}.conv1", f"{theirs}.conv1", axes=4)
    tensors |= _spectral(entries, f"{ours}.conv2", f"{theirs}.conv2", axes=4)
    if shortcut:
        tensors |= _spectral(entries, f"{ours}.shortcut", f"{theirs}.conv_sc", axes=4)
    return tensors


def _norm(entries: Entries, ours: str, theirs: str, *, shared: bool) -> Tensors:
    tensors = _statistics(entries, ours, theirs)
    for name in ("gain", "bias"):
        if shared:
            tensors |= _spectral(entries, f"{ours}.{name}", f"{theirs}.{name}", axes=2, bias=False)
        else:
            tensors[f"{ours}.{name}.weight"] = entries.take(f"{theirs}.{name}.weight", 2)
    return tensors


def _statistics(entries: Entries, ours: str, theirs: str) -> Tensors:
    known = (pair for pair in _STATISTICS if f"{theirs}.{pair[0]}" in entries)
    mean, var = next(known, _STATISTICS[0])
    return {
        f"{ours}.mean": entries.take(f"{theirs}.{mean}", 1),
        f"{ours}.var": entries.take(f"{theirs}.{var}", 1),
    }


def _attention(entries: Entries, index: int) -> Tensors:
    ours, theirs = f"blocks.{index}.attention", f"blocks.{index}.1"
    if f"{theirs}.gamma" not in entries:
        return {}
    tensors = {f"{ours}.gamma": entries.take(f"{theirs}.gamma", 0)}
    for name in ("theta", "phi", "g", "o"):
        tensors |= _spectral(entries, f"{ours}.{name}", f"{theirs}.{name}", axes=4, bias=False)
    return tensors


def _spectral(entries: Entries, ours: str, theirs: str, *, axes: int, bias: bool = True) -> Tensors:
    tensors = {
        f"{ours}.weight": entries.take(f"{theirs}.weight", axes),
        f"{ours}.u": entries.take(f"{theirs}.u0", 2),
    }
    if bias:
        tensors[f"{ours}.bias"] = entries.take(f"{theirs}.bias", 1)
    return tensors


def _told(tensors: Mapping[str, Tensor], blocks: int, *, shared: bool) -> dict[str, Any]:
    """What z and the class are made of; shapes say whether chunks of z go to the blocks."""
    chunk = tensors["linear.weight"].shape[1]
    table = tensors["blocks.0.norm1.gain.weight"].shape
    if not shared:
        return {"z_dim": chunk, "classes": table[0], "hierarchical": False, "shared": False}
    classes, embedding = tensors["shared.weight"].shape
    if table[1] not in (embedding, embedding + chunk):
        raise CheckpointError(
            f"its norms are told {table[1]} numbers, expected the {embedding} of a class, "
            f"or {chunk} of z as well"
        )
    hierarchical = table[1] > embedding
    z_dim = chunk * (blocks + 1) if hierarchical else chunk
    return {
        "z_dim": z_dim,
        "classes": classes,
        "embedding": embedding,
        "hierarchical": hierarchical,
    }


def _halvings(tensors: Mapping[str, Tensor], blocks: int) -> int:
    """How many blocks halve the size: they have a shortcut, the last one may for its width."""
    through = [f"blocks.{index}.shortcut.weight" not in tensors for index in range(blocks)]
    widens = _outputs(tensors, blocks - 1) != _inputs(tensors, blocks - 1)
    halves = [not straight for straight in through]
    halves[-1] = halves[-1] and not widens
    halvings = sum(halves)
    if not all(halves[:halvings]):
        raise CheckpointError("its blocks that halve the size are not the first ones")
    return halvings


def _attended(tensors: Mapping[str, Tensor], blocks: int) -> list[int]:
    return [index for index in range(blocks) if f"blocks.{index}.attention.gamma" in tensors]


def _inputs(tensors: Mapping[str, Tensor], index: int) -> int:
    return tensors[f"blocks.{index}.conv1.weight"].shape[1]


def _between(tensors: Mapping[str, Tensor], index: int) -> int:
    return tensors[f"blocks.{index}.conv1.weight"].shape[0]


def _outputs(tensors: Mapping[str, Tensor], index: int) -> int:
    return tensors[f"blocks.{index}.conv2.weight"].shape[0]


def _stored(kind: str, entries: Entries, tensors: Tensors, config: dict[str, Any]) -> Stored:
    entries.leave(name for name in entries.tensors if name.endswith((*_IGNORED, *_REFITTED)))
    entries.finish()
    stored = Stored(kind, config, tensors)
    build_stored(stored)  # raises where shapes contradict each other
    return stored


def _is_generator(found: Found) -> bool:
    return _has_blocks(found) and "blocks.0.0.bn1.gain.weight" in found.tensors


def _is_discriminator(found: Found) -> bool:
    return _has_blocks(found) and not any(".bn1." in name for name in found.tensors)


def _has_blocks(found: Found) -> bool:
    return {"linear.weight", "linear.u0", "blocks.0.0.conv1.weight"} <= found.tensors.keys()


GENERATOR = Layout("BigGAN of ajbrock and DGP", _is_generator, _generator)
DISCRIMINATOR = Layout("discriminator of ajbrock's BigGAN", _is_discriminator, _discriminator)
LAYOUTS = (GENERATOR, DISCRIMINATOR)
