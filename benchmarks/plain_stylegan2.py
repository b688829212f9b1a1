"""StyleGAN2 written as in a textbook: weights styled and normalised for each image, as groups.

It takes the state of our network by our names; filters that enlarge lie as transposed convolutions
want them there.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

State = Mapping[str, Tensor]


def stylegan2(state: State, w: Tensor) -> Tensor:
    """The image of w, (B, L, W), with the architecture "skip" and the stored noise."""
    x = state["const"].repeat(len(w), 1, 1, 1)
    x = layer(state, "synthesis.0.", x, w[:, 0])
    image = color(state, "outputs.0.", x, w[:, 1])
    scales = sum(name.startswith("outputs.") and name.endswith("style.bias") for name in state)
    for scale in range(1, scales):
        for index in (2 * scale - 1, 2 * scale):
            x = layer(state, f"synthesis.{index}.", x, w[:, index], up=index % 2 == 1)
        image = filtered(spread(image), 2, 1)
        image = image + color(state, f"outputs.{scale}.", x, w[:, 2 * scale + 1])
    return image


def layer(state: State, name: str, x: Tensor, w: Tensor, *, up: bool = False) -> Tensor:
    """One convolution with noise, bias and activation."""
    x = convolved(x, state[f"{name}weight"], style(state, name, w), up=up, normalise=True)
    x = x + state[f"{name}noise"] * state[f"{name}noise_strength"]
    return F.leaky_relu(x + state[f"{name}bias"].view(1, -1, 1, 1), 0.2) * math.sqrt(2)


def color(state: State, name: str, x: Tensor, w: Tensor) -> Tensor:
    """Features as an image."""
    x = convolved(x, state[f"{name}weight"], style(state, name, w), up=False, normalise=False)
    return x + state[f"{name}bias"].view(1, -1, 1, 1)


def style(state: State, name: str, w: Tensor) -> Tensor:
    """How much each channel that comes in counts, (B, in)."""
    weight = state[f"{name}style.weight"]
    return w @ (weight / math.sqrt(weight.shape[1])).T + state[f"{name}style.bias"]


def convolved(x: Tensor, weight: Tensor, style: Tensor, *, up: bool, normalise: bool) -> Tensor:
    """Each image with weights of its own: W·s / ‖W·s‖."""
    batch, channels = x.shape[:2]
    inside = 1 if up else 2
    weight = weight / math.sqrt(channels * weight.shape[-1] ** 2)
    weight = weight[None] * (style[:, :, None] if up else style[:, None])[..., None, None]
    if normalise:
        norm = weight.square().sum((inside, 3, 4), keepdim=True)
        weight = weight * torch.rsqrt(norm + 1e-8)
    groups, x = weight.flatten(0, 1), x.reshape(1, -1, *x.shape[2:])
    if up:
        x = F.conv_transpose2d(x, groups, stride=2, groups=batch)
        return filtered(x.view(batch, -1, *x.shape[2:]), 1, 1)
    x = F.conv2d(x, groups, padding=weight.shape[-1] // 2, groups=batch)
    return x.view(batch, -1, *x.shape[2:])


def spread(x: Tensor) -> Tensor:
    """A zero after every pixel, along both axes."""
    batch, channels, height, width = x.shape
    x = F.pad(x.view(batch, channels, height, 1, width, 1), [0, 1, 0, 0, 0, 1])
    return x.reshape(batch, channels, 2 * height, 2 * width)


def filtered(x: Tensor, before: int, after: int) -> Tensor:
    """Four times (1 3 3 1) / 8 along both axes, after zeros around."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype) / 4
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, [before, after, before, after]), kernel, groups=x.shape[1])
