"""StyleGAN's generator as Karras and others, mGANprior, InterFaceGAN and genforce lay it out.

Also that of in-domain inversion, with a w of its own for every layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from priorfit.checkpoints.layouts import grown
from priorfit.checkpoints.layouts.entries import Entries, counted, number, whole
from priorfit.checkpoints.layouts.grown import Form
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.store.files import Stored

_KNOWN = {
    "blur_filter": [1, 2, 1],
    "const_input_layer": True,
    "mapping_nonlinearity": "lrelu",
    "nonlinearity": "lrelu",
    "normalize_latents": True,
    "use_instance_norm": True,
    "use_pixel_norm": False,
    "use_styles": True,
    "use_wscale": True,
}


@dataclass(frozen=True)
class Dialect:
    """How one code base calls and lays out the parts of a StyleGAN.

    Args:
        dense: names of weight and bias of a layer of the mapping, with a place for its number.
        labels: name of the embeddings of classes.
        w_avg: name of the mean w.
        layer: beginning of the names of a layer of the synthesis, by its number.
        const: ending of the constant.
        conv: forms of the filter of a layer, by its number and the settings.
        bias: ending of its bias.
        strength: ending of its noise's strength.
        noise: name of its noise, by its number.
        style: endings of weight and bias of its style.
        color: names of weight and bias of what makes an image, with a place for a number.
        lod: name of what was not grown yet.
        blur: ending of a stored blur.
        tensorflow: whether axes are TensorFlow's, and the finest scale has the number 0.
    """

    dense: tuple[str, str]
    labels: str
    w_avg: str
    layer: Callable[[int], str]
    const: str
    conv: Callable[[int, Mapping[str, Any]], Sequence[Form]]
    bias: str
    strength: str
    noise: Callable[[int], str]
    style: tuple[str, str]
    color: tuple[str, str]
    lod: str
    blur: str = ".blur.kernel"
    tensorflow: bool = False

    def matrix(self, entries: Entries, name: str) -> Tensor:
        """A matrix as (out, in)."""
        matrix = entries.take(name, 2)
        return matrix.T if self.tensorflow else matrix


def _karras_layer(index: int) -> str:
    return "G_synthesis/" + (grown.karras(index, "Conv0_up") if index else "4x4/Const")


def _karras_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    turned = index % 2 == 0 and grown.fused(settings, index // 2, default="auto")
    return [Form(f"{_karras_layer(index)}/weight", "kkio", turned)]


def _mganprior_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    separate = Form(f"synthesis.layer{index}.conv.weight", "oikk")
    both = Form(f"synthesis.layer{index}.weight", "kkio", turned=True)
    return [separate] if index % 2 else [separate, both]


def _genforce_conv(index: int, settings: Mapping[str, Any]) -> list[Form]:
    """Settings tell, and where they are silent the default: the shape is mostly the same."""
    name = f"synthesis.layer{index}.weight"
    turned = index % 2 == 0 and grown.fused(settings, index // 2, default="auto")
    usual = Form(name, "oikk", turned)
    return [usual] if index % 2 else [usual, Form(name, "iokk", turned=True)]


_KARRAS = Dialect(
    dense=("G_mapping/Dense{}/weight", "G_mapping/Dense{}/bias"),
    labels="G_mapping/LabelConcat/weight",
    w_avg="dlatent_avg",
    layer=_karras_layer,
    const="/const",
    conv=_karras_conv,
    bias="/bias",
    strength="/Noise/weight",
    noise="G_synthesis/noise{}".format,
    style=("/StyleMod/weight", "/StyleMod/bias"),
    color=("G_synthesis/ToRGB_lod{}/weight", "G_synthesis/ToRGB_lod{}/bias"),
    lod="G_synthesis/lod",
    tensorflow=True,
)
_MGANPRIOR = Dialect(
    dense=("mapping.dense{}.fc.weight", "mapping.dense{}.wscale.bias"),
    labels="mapping.label_weight",
    w_avg="truncation.w_avg",
    layer="synthesis.layer{}".format,
    const=".const",
    conv=_mganprior_conv,
    bias=".epilogue.bias",
    strength=".epilogue.apply_noise.weight",
    noise="synthesis.layer{}.epilogue.apply_noise.noise".format,
    style=(".epilogue.style_mod.dense.fc.weight", ".epilogue.style_mod.dense.wscale.bias"),
    color=("synthesis.output{}.conv.weight", "synthesis.output{}.bias"),
    lod="synthesis.lod",
)
_INTERFACEGAN = Dialect(
    **{
        **vars(_MGANPRIOR),
        "dense": ("mapping.dense{}.linear.weight", "mapping.dense{}.wscale.bias"),
        "const": ".first_layer",
        "style": (
            ".epilogue.style_mod.dense.linear.weight",
            ".epilogue.style_mod.dense.wscale.bias",
        ),
    }
)
_GENFORCE = Dialect(
    dense=("mapping.dense{}.weight", "mapping.dense{}.bias"),
    labels="mapping.label_weight",
    w_avg="truncation.w_avg",
    layer="synthesis.layer{}".format,
    const=".const",
    conv=_genforce_conv,
    bias=".bias",
    strength=".apply_noise.weight",
    noise="synthesis.layer{}.apply_noise.noise".format,
    style=(".style.weight", ".style.bias"),
    color=("synthesis.output{}.weight", "synthesis.output{}.bias"),
    lod="synthesis.lod",
)


def _convert(found: Found, dialect: Dialect) -> Stored:
    grown.expect(found.settings, _KNOWN)
    entries = Entries(found)
    scales = counted(lambda n: dialect.color[0].format(n) in entries, "scales")
    tensors = _synthesis(entries, dialect, scales, found.settings)
    w_dim = tensors["synthesis.0.style.weight"].shape[1]
    tensors |= _mapping(entries, dialect)
    depth = sum(name.startswith("mapping.") for name in tensors) // 2
    wide = len(tensors[f"mapping.{depth - 1}.bias"])
    rows = 1 if wide == w_dim else 2 * scales
    tensors["w_avg"] = _mean(entries, dialect.w_avg, rows, w_dim)
    config = {
        "channels": [len(tensors[f"synthesis.{2 * n}.noise_strength"]) for n in range(scales)],
        "z_dim": tensors["mapping.0.weight"].shape[1],
        "w_dim": w_dim,
        "mapping_width": len(tensors["mapping.0.bias"]) if depth > 1 else w_dim,
        "mapping_depth": depth,
        "mapping_rate": number(found.settings, "mapping_lrmul", 0.01),
        "repeat_w": rows == 1,
        "final_tanh": rows != 1,  # in-domain inversion's, and no other, ends in one
        "colors": len(tensors["outputs.0.bias"]),
        "lod": grown.lod(entries, dialect.lod, scales),
        **_truncation(entries, found.settings, 2 * scales),
    }
    if dialect.labels in entries:
        tensors["labels"] = entries.take(dialect.labels, 2)
        config["classes"], config["z_dim"] = tensors["labels"].shape
    return grown.stored("stylegan", config, tensors, entries)


def _mapping(entries: Entries, dialect: Dialect) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    weights, biases = dialect.dense
    for index in range(counted(lambda n: weights.format(n) in entries, "layers of a mapping")):
        tensors[f"mapping.{index}.weight"] = dialect.matrix(entries, weights.format(index))
        tensors[f"mapping.{index}.bias"] = entries.take(biases.format(index), 1)
    return tensors


def _synthesis(
    entries: Entries, dialect: Dialect, scales: int, settings: Mapping[str, Any]
) -> dict[str, Tensor]:
    tensors = {"const": entries.take(dialect.layer(0) + dialect.const, 4)}
    for index in range(2 * scales):
        ours, theirs = f"synthesis.{index}.", dialect.layer(index)
        bias = entries.take(theirs + dialect.bias, 1)
        if index:
            before = len(tensors[f"synthesis.{index - 1}.conv.bias"])
            forms = dialect.conv(index, settings)
            tensors[f"{ours}conv.weight"] = grown.filters(entries, forms, (before, len(bias)), 3)
        tensors |= {
            f"{ours}conv.bias": bias,
            f"{ours}noise_strength": entries.take(theirs + dialect.strength, 1),
            f"{ours}noise": _noise(entries, dialect.noise(index), index),
            f"{ours}style.weight": dialect.matrix(entries, theirs + dialect.style[0]),
            f"{ours}style.bias": entries.take(theirs + dialect.style[1], 1),
        }
        _check_blur(entries, theirs + dialect.blur)
    order = "kkio" if dialect.tensorflow else "oikk"
    for scale in range(scales):
        place = scales - 1 - scale if dialect.tensorflow else scale
        color = entries.take(dialect.color[1].format(place), 1)
        widths = len(tensors[f"synthesis.{2 * scale}.conv.bias"]), len(color)
        form = Form(dialect.color[0].format(place), order)
        tensors[f"outputs.{scale}.weight"] = grown.filters(entries, [form], widths, 1)
        tensors[f"outputs.{scale}.bias"] = color
    return tensors


def _noise(entries: Entries, name: str, index: int) -> Tensor:
    """The stored noise, or some where the network drew it anew for every picture."""
    if name in entries:
        return entries.take(name, 4)
    side = grown.side(index // 2)
    generator = torch.Generator().manual_seed(index)
    return torch.empty(1, 1, side, side).normal_(generator=generator)


def _check_blur(entries: Entries, name: str) -> None:
    """There is one way to blur here, that of every release."""
    if name not in entries:
        return
    kernel = entries.take(name, 4).squeeze(1)
    taps = torch.tensor([0.25, 0.5, 0.25], dtype=kernel.dtype)
    if kernel.shape[1:] != (3, 3) or not torch.allclose(kernel, torch.outer(taps, taps)):
        raise CheckpointError(f"entry {name} does not blur with (1 2 1)/4")


def _mean(entries: Entries, name: str, rows: int, w_dim: int) -> Tensor:
    """The mean w, a row for each that is mapped; some files have one row for all."""
    mean = entries.take(name, 1)
    if mean.numel() not in (w_dim, rows * w_dim):
        wanted = f"{w_dim} or {rows * w_dim}" if rows > 1 else str(w_dim)
        raise CheckpointError(f"entry {name} has {mean.numel()} values, expected {wanted}")
    return mean.view(-1, w_dim).expand(rows, -1)


def _truncation(entries: Entries, settings: Mapping[str, Any], layers: int) -> dict[str, Any]:
    """How far, and how many layers, w is moved to its mean: as stored, as set, or as released."""
    if "truncation.truncation" in entries:
        return _factors(entries.take("truncation.truncation", 3).flatten().tolist())
    psi, cutoff = number(settings, "truncation_psi", 0.7), whole(settings, "truncation_cutoff", 8)
    if "truncation_psi" in settings and settings["truncation_psi"] is None:
        psi = 1.0
    if "truncation_cutoff" in settings and settings["truncation_cutoff"] is None:
        cutoff = layers
    return {"truncation_psi": psi, "truncation_layers": cutoff}


def _factors(factors: Sequence[float]) -> dict[str, Any]:
    """Likewise, out of one factor for each layer."""
    psi = factors[0]
    count = sum(factor == psi for factor in factors)
    if list(factors) != [psi] * count + [1.0] * (len(factors) - count):
        raise CheckpointError("truncates by more than one factor")
    return {"truncation_psi": psi, "truncation_layers": count}


def _holds(*names: str) -> Callable[[Found], bool]:
    return lambda found: all(name in found.tensors for name in names)


KARRAS = Layout(
    "StyleGAN of Karras and others, TensorFlow",
    _holds("G_synthesis/4x4/Const/const", "G_synthesis/4x4/Const/StyleMod/weight"),
    partial(_convert, dialect=_KARRAS),
)
MGANPRIOR = Layout(
    "StyleGAN of mGANprior, HiGAN and in-domain inversion",
    _holds("synthesis.layer0.const", "synthesis.layer0.epilogue.style_mod.dense.fc.weight"),
    partial(_convert, dialect=_MGANPRIOR),
)
INTERFACEGAN = Layout(
    "StyleGAN of InterFaceGAN",
    _holds(
        "synthesis.layer0.first_layer",
        "synthesis.layer0.epilogue.style_mod.dense.linear.weight",
    ),
    partial(_convert, dialect=_INTERFACEGAN),
)
GENFORCE = Layout(
    "StyleGAN of genforce",
    _holds("synthesis.layer0.const", "synthesis.layer0.style.weight"),
    partial(_convert, dialect=_GENFORCE),
)
LAYOUTS = (KARRAS, MGANPRIOR, INTERFACEGAN, GENFORCE)
