"""StyleGAN2 of rosinality's stylegan2-pytorch (MIT), in which many generators were trained."""

import re
from dataclasses import replace

import torch
from torch import Tensor

from priorfit.checkpoints.layouts.layout import Found, Layout
from priorfit.checkpoints.layouts.stylegan2 import from_nvlabs
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import build_stored
from priorfit.networks.stylegan2 import StyleGan2
from priorfit.store.files import Stored

SAMPLES = 4096
"""How many w their mean is taken of; the file leaves it out, and the authors' script does so."""

_DENSE = re.compile(r"style\.(\d{1,2})\.(weight|bias)")
_LAYER = re.compile(r"(conv1|to_rgb1|(convs|to_rgbs)\.(\d{1,2}))\.(.+)")
_NOISE = re.compile(r"noises\.noise_(\d{1,2})")
_ENDINGS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "conv.blur.kernel": "resample_filter",
    "upsample.kernel": "resample_filter",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}


def _recognised(found: Found) -> bool:
    return "input.input" in found.tensors and "conv1.conv.modulation.weight" in found.tensors


def _converted(found: Found) -> Stored:
    tensors = {_renamed(name): _reshaped(name, t) for name, t in found.tensors.items()}
    if len(tensors) < len(found.tensors):
        raise CheckpointError("holds the same parameter under two names")
    tensors.setdefault("mapping.w_avg", _no_mean(found))
    stored = from_nvlabs(Found(tensors, found.part), scaled=True)
    if "latent_avg" in found.tensors:
        return stored
    mean = _mean(stored).to(stored.tensors["mapping.w_avg"])
    return replace(stored, tensors={**stored.tensors, "mapping.w_avg": mean})


def _renamed(name: str) -> str:
    """The name that NVlabs gave the same parameter; unknown ones stay, to be complained of."""
    if name == "input.input":
        return "synthesis.b4.const"
    if name == "latent_avg":
        return "mapping.w_avg"
    if match := _DENSE.fullmatch(name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"
    if match := _NOISE.fullmatch(name):
        return f"{_conv(int(match[1]))}.noise_const"
    match = _LAYER.fullmatch(name)
    if match is None or match[4] not in _ENDINGS:
        return name
    if match[1] in ("conv1", "to_rgb1"):
        place = _conv(0) if match[1] == "conv1" else "synthesis.b4.torgb"
    else:
        number = int(match[3])
        place = _conv(number + 1) if match[2] == "convs" else f"synthesis.b{8 << number}.torgb"
    return f"{place}.{_ENDINGS[match[4]]}"


def _conv(index: int) -> str:
    return f"synthesis.b{4 << (index + 1) // 2}.conv{1 - index % 2}"


def _reshaped(name: str, tensor: Tensor) -> Tensor:
    """Without the axes of length 1 that NVlabs does without."""
    if name.endswith("conv.weight") and tensor.ndim == 5:
        return tensor.flatten(0, 1)
    if name.endswith("noise.weight") and tensor.shape == (1,):
        return tensor[0]
    if _NOISE.fullmatch(name) and tensor.ndim == 4:
        return tensor.flatten(0, 2)
    if name.startswith("to_rgb") and name.endswith(".bias") and tensor.ndim == 4:
        return tensor.flatten()
    return tensor[0] if name == "latent_avg" and tensor.ndim == 2 else tensor


def _no_mean(found: Found) -> Tensor:
    """In the place of a mean w that is yet to be taken."""
    styles = found.tensors.get("conv1.conv.modulation.weight")
    if styles is None or styles.ndim != 2:
        raise CheckpointError("entry conv1.conv.modulation.weight is missing, or is no matrix")
    return torch.zeros(styles.shape[1])


def _mean(stored: Stored) -> Tensor:
    """Mean of the w of many z, always the same ones."""
    network = build_stored(stored)
    assert isinstance(network, StyleGan2)
    generator = torch.Generator().manual_seed(0)
    return network.map(torch.randn(SAMPLES, network.z_dim, generator=generator))[:, 0].mean(0)


LAYOUTS = (Layout("StyleGAN2 of rosinality, PyTorch", _recognised, _converted),)
