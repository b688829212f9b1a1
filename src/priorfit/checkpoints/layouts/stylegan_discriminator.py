"""The discriminators of StyleGAN and PGGAN as Karras and others lay them out."""

from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts import grown
from priorfit.checkpoints.layouts.entries import Entries, counted, whole
from priorfit.checkpoints.layouts.grown import Form
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.store.files import Stored

_KNOWN = {
    "blur_filter": [1, 2, 1],
    "mbstd_num_features": 1,
    "nonlinearity": "lrelu",
    "use_wscale": True,
}


def _karras(found: Found) -> Stored:
    grown.expect(found.settings, _KNOWN)
    entries = Entries(found)
    scales = counted(lambda n: f"FromRGB_lod{n}/weight" in entries, "scales")
    if grown.lod(entries, "lod", scales):
        raise CheckpointError("is a discriminator that has not grown up, which cannot be taken")
    entries.leave(f"FromRGB_lod{n}/{end}" for n in range(1, scales) for end in ("weight", "bias"))
    image = entries.take("FromRGB_lod0/weight", 4)
    tensors = _conv(entries, "from_image", "FromRGB_lod0", image.shape[2], 1)
    channels = [len(tensors["from_image.bias"])]
    for index, scale in enumerate(range(scales - 1, 0, -1)):
        side = grown.side(scale)
        inner, down = f"{side}x{side}/Conv0", f"{side}x{side}/Conv1_down"
        down = down if f"{down}/weight" in entries else f"{side}x{side}/Conv1"
        tensors |= _conv(entries, f"blocks.{index}.conv", inner, channels[-1])
        tensors |= _conv(entries, f"blocks.{index}.down", down, channels[-1])
        channels.append(len(tensors[f"blocks.{index}.down.bias"]))
    compared = entries.take("4x4/Conv/weight", 4).shape[2] - channels[-1]
    if compared not in (0, 1):
        raise CheckpointError(f"has {compared} features that compare images, expected none or one")
    tensors |= _conv(entries, "conv", "4x4/Conv", channels[-1] + compared)
    for ours, theirs in (("dense", "4x4/Dense0"), ("out", "4x4/Dense1")):
        tensors[f"{ours}.weight"] = entries.take(f"{theirs}/weight", 2).T
        tensors[f"{ours}.bias"] = entries.take(f"{theirs}/bias", 1)
    return grown.stored(
        "stylegan-discriminator",
        {
            "channels": channels[::-1],
            "dense": len(tensors["dense.bias"]),
            "group": whole(found.settings, "mbstd_group_size", 4) if compared else 1,
            "colors": image.shape[2],
            **_ending(found, len(tensors["out.bias"])),
        },
        tensors,
        entries,
    )


def _conv(
    entries: Entries, ours: str, theirs: str, inside: int, size: int = 3
) -> dict[str, Tensor]:
    bias = entries.take(f"{theirs}/bias", 1)
    form = Form(f"{theirs}/weight", "kkio")
    weight = grown.filters(entries, [form], (inside, len(bias)), size)
    return {f"{ours}.weight": weight, f"{ours}.bias": bias}


def _ending(found: Found, scores: int) -> dict[str, Any]:
    """Whose it is, for only StyleGAN's blurs: by name, else by what StyleGAN alone calls so."""
    names = found.tensors.keys()
    separate = any(name.endswith("/Conv1/weight") for name in names)
    blur = not separate and "D_paper" not in str(found.settings.get("build_func_name"))
    if scores > 1 and not blur:
        raise CheckpointError("is a PGGAN's discriminator that guesses classes, not taken here")
    return {"blur": blur, "classes": scores if scores > 1 else 0}


KARRAS = Layout(
    "Discriminator of Karras and others, TensorFlow",
    lambda found: {"FromRGB_lod0/weight", "4x4/Dense1/weight"} <= found.tensors.keys(),
    _karras,
)
LAYOUTS = (KARRAS,)
