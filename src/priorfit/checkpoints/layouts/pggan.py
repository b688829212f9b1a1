"""PGGAN's generator as Karras and others, mGANprior and genforce lay it out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts import grown
from priorfit.checkpoints.layouts.entries import Entries, counted
from priorfit.checkpoints.layouts.grown import Form
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.store.files import Stored

_KNOWN = {
    "final_tanh": False,
    "label_size": 0,
    "normalize_latents": True,
    "tanh_at_end": False,
    "use_batchnorm": False,
    "use_leakyrelu": True,
    "use_pixelnorm": True,
    "use_wscale": True,
}


@dataclass(frozen=True)
class Dialect:
    """How one code base calls and lays out the parts of a PGGAN.

    Args:
        first: names of weight and bias of the first layer.
        conv: forms of the filter of another layer, by its number and the settings.
        biases: names that its bias may have.
        color: names of weight and bias of what makes an image, with a place for a number.
        order: of the axes of a filter.
        fine_first: whether the finest scale has the number 0 there.
    """

    first: tuple[str, str]
    conv: Callable[[int, Mapping[str, Any]], Sequence[Form]]
    biases: Callable[[int], Sequence[str]]
    color: tuple[str, str]
    order: str = "oikk"
    fine_first: bool = False


def _karras_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    separate = Form(f"{grown.karras(index, 'Conv0')}/weight", "kkio")
    if index % 2:
        return [separate]
    both = f"{grown.karras(index, 'Conv0_up')}/weight"
    return [separate, Form(both, "kkoi", turned=True), Form(both, "kkio", turned=True)]


def _mganprior_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    separate = Form(f"layer{index}.conv.weight", "oikk")
    if index % 2:
        return [separate]
    both = f"layer{index}.weight"
    return [separate, Form(both, "kkio", turned=True), Form(both, "kkoi", turned=True)]


def _genforce_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    """One name for both: the shape tells, and where it cannot the settings."""
    name = f"layer{index}.weight"
    separate = Form(name, "oikk")
    if index % 2:
        return [separate]
    both = Form(name, "iokk", turned=True)
    return [both] if grown.fused(settings, index // 2, default=False) else [separate, both]


_KARRAS = Dialect(
    first=("4x4/Dense/weight", "4x4/Dense/bias"),
    conv=_karras_conv,
    biases=lambda index: [f"{grown.karras(index, f)}/bias" for f in ("Conv0", "Conv0_up")],
    color=("ToRGB_lod{}/weight", "ToRGB_lod{}/bias"),
    order="kkio",
    fine_first=True,
)
_MGANPRIOR = Dialect(
    first=("layer0.conv.weight", "layer0.wscale.bias"),
    conv=_mganprior_conv,
    biases=lambda index: [f"layer{index}.wscale.bias"],
    color=("output{}.conv.weight", "output{}.wscale.bias"),
)
_GENFORCE = Dialect(
    first=("layer0.weight", "layer0.bias"),
    conv=_genforce_conv,
    biases=lambda index: [f"layer{index}.bias"],
    color=("output{}.weight", "output{}.bias"),
)


def _convert(found: Found, dialect: Dialect) -> Stored:
    grown.expect(found.settings, _KNOWN)
    entries = Entries(found)
    scales = counted(lambda n: dialect.color[0].format(n) in entries, "scales")
    tensors = _first(entries, dialect)
    widths = [len(tensors["first.bias"])]
    for index in range(1, 2 * scales):
        bias = entries.take(grown.any_of(entries, dialect.biases(index)), 1)
        forms = dialect.conv(index, found.settings)
        weight = grown.filters(entries, forms, (widths[-1], len(bias)), 3)
        tensors |= {f"convs.{index - 1}.weight": weight, f"convs.{index - 1}.bias": bias}
        widths.append(len(bias))
    for scale in range(scales):
        place = scales - 1 - scale if dialect.fine_first else scale
        color = entries.take(dialect.color[1].format(place), 1)
        form = Form(dialect.color[0].format(place), dialect.order)
        pair = widths[2 * scale + 1], len(color)
        tensors[f"outputs.{scale}.weight"] = grown.filters(entries, [form], pair, 1)
        tensors[f"outputs.{scale}.bias"] = color
    config = {
        "channels": widths[1::2],
        "z_dim": tensors["first.dense.weight"].shape[1],
        "colors": len(tensors["outputs.0.bias"]),
        "lod": grown.lod(entries, "lod", scales),
    }
    return grown.stored("pggan", config, tensors, entries)


def _first(entries: Entries, dialect: Dialect) -> dict[str, Tensor]:
    """From one pixel to 4×4: stored as a matrix, or as a filter of which the pixel sees 16 places.

    A convolution comes to its one pixel with the far end of the filter first.
    """
    name, bias = dialect.first
    if dialect.order == "kkio":
        weight = entries.take(name, 2).T
    else:
        weight = entries.take(name, 4)
        if weight.shape[2:] != (4, 4):
            raise CheckpointError(f"entry {name} is {tuple(weight.shape)}, expected 4×4 filters")
        weight = weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)
    return {"first.dense.weight": weight, "first.bias": entries.take(bias, 1)}


def _holds(*names: str) -> Callable[[Found], bool]:
    return lambda found: all(name in found.tensors for name in names)


KARRAS = Layout(
    "PGGAN of Karras and others, TensorFlow",
    _holds("4x4/Dense/weight", "4x4/Conv/weight", "ToRGB_lod0/weight"),
    partial(_convert, dialect=_KARRAS),
)
MGANPRIOR = Layout(
    "PGGAN of mGANprior and HiGAN",
    _holds("layer0.conv.weight", "layer0.wscale.bias", "output0.conv.weight"),
    partial(_convert, dialect=_MGANPRIOR),
)
GENFORCE = Layout(
    "PGGAN of genforce",
    _holds("layer0.weight", "layer0.bias", "output0.weight"),
    partial(_convert, dialect=_GENFORCE),
)
LAYOUTS = (KARRAS, MGANPRIOR, GENFORCE)
