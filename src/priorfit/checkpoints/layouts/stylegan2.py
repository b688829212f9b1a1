"""StyleGAN2 as Karras and others, NVlabs, mGANprior and genforce lay it out.

What differs is only how things are called, the order of axes, whether the filters that enlarge are
stored turned by 180°, and whether a style begins at 1 or 1 is added when it runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.entries import Entries, counted, group, number, whole
from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.store.files import Stored

SMOOTHING = (1.0, 3.0, 3.0, 1.0)


@dataclass(frozen=True)
class Dialect:
    """How one code base calls and lays out the parts of a StyleGAN2.

    Args:
        dense: names of weight and bias of layer {0} of the mapping.
        w_avg: name of the mean w.
        const: name of the constant; with or without an axis for the batch.
        conv: beginning of the names of a convolution, by its number.
        color: beginning of the names of what makes an image, by its scale.
        shortcut: name of the weight of a shortcut, by the scale that it leads to.
        noise: name of the noise of a convolution, by its number.
        style: endings of weight and bias of a style.
        dot: between beginnings and endings.
        channels_last: whether filters are (k, k, in, out), else (out, in, k, k).
        transposed: whether matrices are (in, out), else (out, in).
        turned: whether filters that enlarge are stored turned by 180°.
        shift: what is added to the bias of a style when it runs.
    """

    dense: tuple[str, str]
    w_avg: str
    const: str
    conv: Callable[[int], str]
    color: Callable[[int], str]
    shortcut: Callable[[int], str]
    noise: Callable[[int], str]
    style: tuple[str, str]
    dot: str = "."
    channels_last: bool = False
    transposed: bool = False
    turned: bool = True
    shift: float = 1.0

    def matrix(self, tensor: Tensor) -> Tensor:
        """A matrix as (out, in)."""
        return tensor.T if self.transposed else tensor

    def filter(self, tensor: Tensor, *, up: bool = False) -> Tensor:
        """A filter as torch's convolutions want it: (out, in, k, k), with `up` (in, out, k, k)."""
        tensor = tensor.permute(3, 2, 0, 1) if self.channels_last else tensor
        if up:
            tensor = tensor.transpose(0, 1)
        return tensor.flip(2, 3) if up and self.turned else tensor


def _side(scale: int) -> int:
    return 4 << scale


def _karras_conv(index: int) -> str:
    side = _side((index + 1) // 2)
    layer = "Conv" if index == 0 else ("Conv1", "Conv0_up")[index % 2]
    return f"G_synthesis/{side}x{side}/{layer}"


def _nvlabs_conv(index: int) -> str:
    return f"synthesis.b{_side((index + 1) // 2)}.conv{1 - index % 2}"


_KARRAS = Dialect(
    dense=("G_mapping/Dense{0}/weight", "G_mapping/Dense{0}/bias"),
    w_avg="dlatent_avg",
    const="G_synthesis/4x4/Const/const",
    conv=_karras_conv,
    color=lambda scale: f"G_synthesis/{_side(scale)}x{_side(scale)}/ToRGB",
    shortcut=lambda scale: f"G_synthesis/{_side(scale)}x{_side(scale)}/Skip/weight",
    noise=lambda index: f"G_synthesis/noise{index}",
    style=("mod_weight", "mod_bias"),
    dot="/",
    channels_last=True,
    transposed=True,
)

_NVLABS = Dialect(
    dense=("mapping.fc{0}.weight", "mapping.fc{0}.bias"),
    w_avg="mapping.w_avg",
    const="synthesis.b4.const",
    conv=_nvlabs_conv,
    color=lambda scale: f"synthesis.b{_side(scale)}.torgb",
    shortcut=lambda scale: f"synthesis.b{_side(scale)}.skip.weight",
    noise=lambda index: f"{_nvlabs_conv(index)}.noise_const",
    style=("affine.weight", "affine.bias"),
    turned=False,
    shift=0.0,
)

_MGANPRIOR = Dialect(
    dense=("mapping.dense{0}.fc.weight", "mapping.dense{0}.bias"),
    w_avg="truncation.w_avg",
    const="synthesis.early_layer.const",
    conv="synthesis.layer{0}".format,
    color="synthesis.output{0}".format,
    shortcut=lambda scale: f"synthesis.skip_layer{scale - 1}.weight",
    noise="synthesis.layer{0}.noise".format,
    style=("style.fc.weight", "style.bias"),
    channels_last=True,
)

_GENFORCE = Dialect(
    dense=("mapping.dense{0}.weight", "mapping.dense{0}.bias"),
    w_avg="truncation.w_avg",
    const="synthesis.early_layer.const",
    conv="synthesis.layer{0}".format,
    color="synthesis.output{0}".format,
    shortcut=lambda scale: f"synthesis.skip_layer{scale - 1}.weight",
    noise="synthesis.layer{0}.noise".format,
    style=("style.weight", "style.bias"),
)


def _genforce(found: Found, dialect: Dialect) -> Stored:
    entries = Entries(found)
    tensors = _network(entries, dialect)
    config: dict[str, Any] = {"joined": "mapping.label_weight" in entries}
    if config["joined"]:
        tensors["mapping.embed.weight"] = entries.take("mapping.label_weight", 2).T
    if "truncation.truncation" in entries:
        config |= _truncation(entries.take("truncation.truncation", 3).flatten())
    return _stored(entries, tensors, config)


def _karras(found: Found) -> Stored:
    entries, settings = Entries(found), found.settings
    tensors = _network(entries, _KARRAS)
    joined = "G_mapping/LabelConcat/weight" in entries
    if joined:
        tensors["mapping.embed.weight"] = entries.take("G_mapping/LabelConcat/weight", 2).T
    elif "G_mapping/LabelEmbed/weight" in entries:
        tensors["mapping.embed.weight"] = entries.take("G_mapping/LabelEmbed/weight", 2).T
        tensors["mapping.embed.bias"] = entries.take("G_mapping/LabelEmbed/bias", 1)
    entries.leave(name for name in entries.tensors if name.rpartition("/")[2] == "lod")
    _lrelu(settings, "mapping_nonlinearity", "nonlinearity")
    cutoff = settings.get("truncation_cutoff")
    config = {
        "joined": joined,
        "mapping_rate": number(settings, "mapping_lrmul", 0.01),
        "truncation_psi": number(settings, "truncation_psi", 0.5),
        "truncation_layers": None if cutoff is None else whole(settings, "truncation_cutoff", 0),
    }
    return _stored(entries, tensors, config)


def from_nvlabs(found: Found, *, scaled: bool = False) -> Stored:
    """A network in the layout of NVlabs.

    Args:
        found: as it lies there.
        scaled: see `StyleGan2Config`.

    Raises:
        CheckpointError: its parts contradict each other.
    """
    entries, settings = Entries(found), found.settings
    tensors = _network(entries, _NVLABS)
    if "mapping.embed.weight" in entries:
        tensors["mapping.embed.weight"] = entries.take("mapping.embed.weight", 2)
        tensors["mapping.embed.bias"] = entries.take("mapping.embed.bias", 1)
    mapping, synthesis = group(settings, "mapping_kwargs"), group(settings, "synthesis_kwargs")
    synthesis = {**settings, **synthesis}  # nested since ADA, side by side in StyleGAN3's release
    _lrelu(mapping, "activation")
    _lrelu(synthesis, "activation")
    clamp = number(synthesis, "conv_clamp", 0.0)
    config = {
        "scaled": scaled,
        "mapping_rate": number(mapping, "lr_multiplier", 0.01),
        "clamp": clamp or None,
        "truncation_psi": 1.0,
    }
    return _stored(entries, tensors, config)


def _network(entries: Entries, dialect: Dialect) -> dict[str, Tensor]:
    """Everything but classes, by our names."""
    scales = counted(lambda n: _named(dialect, dialect.conv(2 * n), "weight") in entries, "scales")
    tensors = _mapping(entries, dialect)
    tensors["const"] = _batched(entries, dialect.const)
    for index in range(2 * scales - 1):
        ours, theirs = f"synthesis.{index}", dialect.conv(index)
        tensors |= _layer(entries, dialect, ours, theirs, up=index % 2 == 1)
        tensors |= _noise(entries, dialect, index)
    colored = [n for n in range(scales) if _named(dialect, dialect.color(n), "weight") in entries]
    if colored not in ([scales - 1], [*range(scales)]):
        raise CheckpointError("makes images of neither all its scales nor of the last one alone")
    for place, scale in enumerate(colored):
        tensors |= _layer(entries, dialect, f"outputs.{place}", dialect.color(scale))
    for scale in range(1, scales if dialect.shortcut(1) in entries else 0):
        shortcut = entries.take(dialect.shortcut(scale), 4)
        tensors[f"shortcuts.{scale - 1}.weight"] = dialect.filter(shortcut)
    return tensors


def _mapping(entries: Entries, dialect: Dialect) -> dict[str, Tensor]:
    weights, biases = dialect.dense
    depth = counted(lambda n: weights.format(n) in entries, "layers of a mapping")
    tensors = {"mapping.w_avg": entries.take(dialect.w_avg, 1)}
    for index in range(depth):
        weight = dialect.matrix(entries.take(weights.format(index), 2))
        tensors[f"mapping.layers.{index}.weight"] = weight
        tensors[f"mapping.layers.{index}.bias"] = entries.take(biases.format(index), 1)
    return tensors


def _layer(
    entries: Entries, dialect: Dialect, ours: str, theirs: str, *, up: bool = False
) -> dict[str, Tensor]:
    weight, bias, *style = (
        _named(dialect, theirs, ending) for ending in ("weight", "bias", *dialect.style)
    )
    return {
        f"{ours}.weight": dialect.filter(entries.take(weight, 4), up=up),
        f"{ours}.bias": entries.take(bias, 1),
        f"{ours}.style.weight": dialect.matrix(entries.take(style[0], 2)),
        f"{ours}.style.bias": entries.take(style[1], 1) + dialect.shift,
    }


def _noise(entries: Entries, dialect: Dialect, index: int) -> dict[str, Tensor]:
    strength, noise = _named(dialect, dialect.conv(index), "noise_strength"), dialect.noise(index)
    if strength not in entries and noise not in entries:
        return {}
    return {
        f"synthesis.{index}.noise_strength": entries.take(strength, 0),
        f"synthesis.{index}.noise": _batched(entries, noise),
    }


def _named(dialect: Dialect, beginning: str, ending: str) -> str:
    return f"{beginning}{dialect.dot}{ending}"


def _batched(entries: Entries, name: str) -> Tensor:
    """A tensor with as many axes of length 1 before it as make four."""
    shape = tuple(entries.tensors[name].shape) if name in entries else ()
    tensor = entries.take(name, min(max(len(shape), 2), 4))
    return tensor.reshape((1,) * (4 - tensor.ndim) + tuple(tensor.shape))


def _truncation(factors: Tensor) -> dict[str, Any]:
    """psi and the number of layers out of one factor for each layer."""
    values = factors.tolist()
    psi = values[0]
    layers = sum(value == psi for value in values)
    if values != [psi] * layers + [1.0] * (len(values) - layers):
        raise CheckpointError("truncates by more than one factor")
    return {"truncation_psi": psi, "truncation_layers": None if layers == len(values) else layers}


def _lrelu(settings: Mapping[str, Any], *keys: str) -> None:
    for key in keys:
        if settings.get(key) not in (None, "lrelu"):
            raise CheckpointError(f"setting '{key}' is {settings[key]!r:.60}, expected lrelu")


def _stored(entries: Entries, tensors: dict[str, Tensor], settings: Mapping[str, Any]) -> Stored:
    for name in entries.tensors:
        if name.rpartition(".")[2] in ("resample_filter", "kernel"):
            _check_filter(name, entries.tensors[name])
            entries.leave([name])
    entries.finish()
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    stored = Stored("stylegan2", _shape(tensors) | dict(settings), tensors)
    build_stored(stored)  # raises where shapes contradict each other
    return stored


def _check_filter(name: str, tensor: Tensor) -> None:
    """There is one way to smooth here, that of every release."""
    taps = torch.tensor(SMOOTHING, dtype=torch.float64)
    if tensor.is_floating_point() and tensor.squeeze().shape == (4, 4):
        kernel = tensor.squeeze().double()
        if torch.allclose(kernel / kernel.sum() * 64, torch.outer(taps, taps), rtol=1e-5):
            return
    raise CheckpointError(f"entry {name} does not smooth with (1 3 3 1)")


def _shape(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the shapes say of how a network is built."""

    def shape(name: str) -> torch.Size:
        return tensors[name].shape

    depth = counted(lambda n: f"mapping.layers.{n}.weight" in tensors, "layers of a mapping")
    scales = counted(lambda n: f"synthesis.{2 * n}.weight" in tensors, "scales")
    w_dim, _ = shape(f"mapping.layers.{depth - 1}.weight")
    embedding, classes = (
        shape("mapping.embed.weight") if "mapping.embed.weight" in tensors else (0, 0)
    )
    skips = scales == 1 or "outputs.1.weight" in tensors
    architecture = "resnet" if "shortcuts.0.weight" in tensors else "skip" if skips else "origin"
    return {
        "channels": [shape(f"synthesis.{2 * n}.bias")[0] for n in range(scales)],
        "z_dim": shape("mapping.layers.0.weight")[1] - embedding,
        "w_dim": w_dim,
        "mapping_width": shape("mapping.layers.0.weight")[0],
        "mapping_depth": depth,
        "architecture": architecture,
        "noise": "synthesis.0.noise" in tensors,
        "classes": classes,
        "embedding": embedding,
        "colors": shape("outputs.0.weight")[0],
    }


def _holds(*names: str) -> Callable[[Found], bool]:
    return lambda found: all(name in found.tensors for name in names)


KARRAS = Layout(
    "StyleGAN2 of Karras and others, TensorFlow",
    _holds("G_synthesis/4x4/Const/const", "G_synthesis/4x4/Conv/mod_weight"),
    _karras,
)
NVLABS = Layout(
    "StyleGAN2-ADA of NVlabs, PyTorch",
    _holds("synthesis.b4.const", "synthesis.b4.conv1.affine.weight"),
    from_nvlabs,
)
MGANPRIOR = Layout(
    "StyleGAN2 of mGANprior",
    _holds("synthesis.early_layer.const", "synthesis.layer0.style.fc.weight"),
    partial(_genforce, dialect=_MGANPRIOR),
)
GENFORCE = Layout(
    "StyleGAN2 of genforce",
    _holds("synthesis.early_layer.const", "synthesis.layer0.style.weight"),
    partial(_genforce, dialect=_GENFORCE),
)
LAYOUTS = (KARRAS, NVLABS, MGANPRIOR, GENFORCE)
