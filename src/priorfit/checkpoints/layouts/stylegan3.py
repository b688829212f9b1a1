"""StyleGAN3 as NVlabs lays it out; the names of its layers tell their size and channels."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts.entries import Entries, counted, group, number, whole
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.networks.stylegan3_layers import LayerPlan
from priorfit.store.files import Stored

_LAYER = re.compile(r"synthesis\.(L(\d{1,3})_(\d{1,5})_(\d{1,5}))\.weight")


def _recognised(found: Found) -> bool:
    return "synthesis.input.freqs" in found.tensors and "mapping.fc0.weight" in found.tensors


def _converted(found: Found) -> Stored:
    entries = Entries(found)
    names = _names(entries)
    tensors = _mapping(entries) | _input(entries)
    for index, name in enumerate(names):
        last = index == len(names) - 1
        tensors |= _layer(entries, name, "output" if last else f"synthesis.{index}")
    entries.finish()
    settings = {**found.settings, **group(found.settings, "synthesis_kwargs")}
    config = _config(names, tensors, settings)
    config["mapping_rate"] = number(group(found.settings, "mapping_kwargs"), "lr_multiplier", 0.01)
    _check_sides(names, config)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    stored = Stored("stylegan3", config, tensors)
    build_stored(stored)  # raises where shapes contradict each other
    return stored


def _names(entries: Entries) -> list[str]:
    """Names of the layers, in order."""
    found = {int(match[2]): match[1] for match in map(_LAYER.fullmatch, entries.tensors) if match}
    count = counted(lambda n: n in found, "layers")
    return [found[index] for index in range(count)]


def _mapping(entries: Entries) -> dict[str, Tensor]:
    depth = counted(lambda n: f"mapping.fc{n}.weight" in entries, "layers of a mapping")
    tensors = {"mapping.w_avg": entries.take("mapping.w_avg", 1)}
    for index in range(depth):
        for ending, axes in (("weight", 2), ("bias", 1)):
            tensor = entries.take(f"mapping.fc{index}.{ending}", axes)
            tensors[f"mapping.layers.{index}.{ending}"] = tensor
    if "mapping.embed.weight" in entries:
        tensors["mapping.embed.weight"] = entries.take("mapping.embed.weight", 2)
        tensors["mapping.embed.bias"] = entries.take("mapping.embed.bias", 1)
    return tensors


def _input(entries: Entries) -> dict[str, Tensor]:
    theirs = {
        "weight": ("weight", 2),
        "style_weight": ("affine.weight", 2),
        "style_bias": ("affine.bias", 1),
        "transform": ("transform", 2),
        "freqs": ("freqs", 2),
        "phases": ("phases", 1),
    }
    return {
        f"input.{ours}": entries.take(f"synthesis.input.{name}", axes)
        for ours, (name, axes) in theirs.items()
    }


def _layer(entries: Entries, name: str, ours: str) -> dict[str, Tensor]:
    theirs = f"synthesis.{name}"
    tensors = {
        f"{ours}.weight": entries.take(f"{theirs}.weight", 4),
        f"{ours}.bias": entries.take(f"{theirs}.bias", 1),
        f"{ours}.style.weight": entries.take(f"{theirs}.affine.weight", 2),
        f"{ours}.style.bias": entries.take(f"{theirs}.affine.bias", 1),
        f"{ours}.magnitude": entries.take(f"{theirs}.magnitude_ema", 0),
    }
    for taps, axes in (("up_filter", (1,)), ("down_filter", (1, 2))):
        entry = f"{theirs}.{taps}"
        if entry in entries:
            tensor = entries.tensors[entry]
            count = tensor.ndim if tensor.ndim in axes else axes[0]
            tensors[f"{ours}.activation.{taps}"] = entries.take(entry, count)
    return tensors


def _config(
    names: list[str], tensors: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What shapes, names and settings say of how it is built."""
    if settings.get("activation") not in (None, "lrelu"):
        raise CheckpointError(f"setting 'activation' is {settings['activation']!r:.60}")
    depth = counted(lambda n: f"mapping.layers.{n}.weight" in tensors, "layers of a mapping")
    embedding, classes = (
        tensors["mapping.embed.weight"].shape if "mapping.embed.weight" in tensors else (0, 0)
    )
    known = LayerPlan(int(names[-1].split("_")[1]))
    first = tensors.get("synthesis.0.activation.down_filter")
    width, inside = tensors["mapping.layers.0.weight"].shape
    return {
        "resolution": known.resolution,
        "channels": [int(name.split("_")[2]) for name in names],
        "z_dim": inside - embedding,
        "w_dim": tensors["mapping.w_avg"].shape[0],
        "mapping_width": width,
        "mapping_depth": depth,
        "filter_side": tensors[_first(names)].shape[2],
        "radial": first is not None and first.ndim == 2,
        "critical": whole(settings, "num_critical", known.critical),
        "first_cutoff": number(settings, "first_cutoff", known.first_cutoff),
        "first_stopband": number(settings, "first_stopband", known.first_stopband),
        "last_stopband": number(settings, "last_stopband_rel", known.last_stopband),
        "margin": whole(settings, "margin_size", known.margin),
        "taps": whole(settings, "filter_size", 6),
        "raising": whole(settings, "lrelu_upsampling", 2),
        "clamp": _clamp(settings),
        "output_scale": number(settings, "output_scale", 0.25),
        "classes": classes,
        "embedding": embedding,
    }


def _clamp(settings: Mapping[str, Any]) -> float | None:
    """None says that there is no limit; nothing said, that there is the usual one."""
    said = "conv_clamp" in settings and settings["conv_clamp"] is None
    return None if said else number(settings, "conv_clamp", 256.0)


def _first(names: list[str]) -> str:
    return "synthesis.0.weight" if len(names) > 1 else "output.weight"


def _check_sides(names: list[str], config: Mapping[str, Any]) -> None:
    plan = LayerPlan(
        config["resolution"],
        len(names) - 1,
        config["critical"],
        config["first_cutoff"],
        config["first_stopband"],
        config["last_stopband"],
        config["margin"],
    )
    try:
        sides = [band.side for band in plan.bands()]
    except (ArithmeticError, TypeError, ValueError) as error:
        raise CheckpointError(f"no frequencies can be planned like that: {error}") from error
    for name, side in zip(names, sides, strict=True):
        if int(name.split("_")[1]) != side:
            raise CheckpointError(
                f"layer {name} should be {side} pixels wide: frequencies were planned otherwise"
            )


LAYOUTS = (Layout("StyleGAN3 of NVlabs, PyTorch", _recognised, _converted),)
