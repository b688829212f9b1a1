"""StyleGAN2 as its papers write it, one image and one filter at a time, without any layer of ours.

It reads the tensors of a network by their names and its config; nothing else is shared.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8


def normalised(x: Tensor) -> Tensor:
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-8)


def activated(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)


def smoothed(x: Tensor, before: int, after: int) -> Tensor:
    """Four times (1 3 3 1) / 8 along both axes, after zeros around: what follows zero-insertion."""
    x = F.pad(x, (before, after, before, after)).unfold(-2, 4, 1).unfold(-2, 4, 1)
    return 4 * torch.einsum("...ij,i,j", x, TAPS, TAPS)


def spread(x: Tensor) -> Tensor:
    """A zero after every pixel, along both axes: (C, h, w) -> (C, 2h, 2w)."""
    out = x.new_zeros(x.shape[0], 2 * x.shape[1], 2 * x.shape[2])
    out[:, ::2, ::2] = x
    return out


def correlated(x: Tensor, weight: Tensor) -> Tensor:
    """What deep learning calls a convolution, without padding: (C, h, w), (O, C, k, k)."""
    side = weight.shape[-1]
    return torch.einsum("chwij,ocij->ohw", x.unfold(1, side, 1).unfold(2, side, 1), weight)


class Reference:
    """The formulas for one network in float64."""

    def __init__(self, network: StyleGan2) -> None:
        self.state = {name: t.detach().double() for name, t in network.state_dict().items()}
        self.config: StyleGan2Config = network.config

    def __call__(self, w: Tensor) -> Tensor:
        """Images of w, (B, L, W)."""
        return torch.stack([self.image(rows) for rows in w.double()])

    def w(self, z: Tensor, c: Tensor | None) -> Tensor:
        """w, (B, W), of z and the embedding of a class."""
        config, x = self.config, z
        if c is not None and config.joined:
            x = torch.cat([z, c], 1)
        x = normalised(x)
        if c is not None and not config.joined:
            x = torch.cat([x, normalised(c)], 1)
        for index in range(config.mapping_depth):
            weight = self.state[f"mapping.layers.{index}.weight"]
            bias = self.state[f"mapping.layers.{index}.bias"]
            rate = config.mapping_rate
            x = activated(x @ weight.T * (rate / math.sqrt(weight.shape[1])) + bias * rate)
        return x

    def image(self, rows: Tensor) -> Tensor:
        """The image of one w, (L, W)."""
        x, image = self.state["const"][0], None
        scales, architecture = len(self.config.channels), self.config.architecture
        x = self.layer(x, 0, rows[0])
        for scale in range(scales):
            if scale:
                before = x
                x = self.layer(x, 2 * scale - 1, rows[2 * scale - 1])
                x = self.layer(x, 2 * scale, rows[2 * scale])
                if architecture == "resnet":
                    x = x + self.shortcut(before, scale - 1)
                if image is not None:
                    image = smoothed(spread(image), 2, 1)
            if architecture == "skip" or scale == scales - 1:
                place = scale if architecture == "skip" else 0
                color = self.color(x, place, rows[2 * scale + 1])
                image = color if image is None else image + color
        assert image is not None
        return image

    def layer(self, x: Tensor, index: int, w: Tensor) -> Tensor:
        name, up = f"synthesis.{index}", index % 2 == 1
        weight = self.state[f"{name}.weight"]
        weight = weight.transpose(0, 1) if up else weight
        if self.config.scaled:
            weight = weight / math.sqrt(weight[0].numel())
        weight = weight * self.style(name, w)[:, None, None]
        weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            # Zeros between pixels, then the filter as mathematicians convolve, that is turned.
            x = correlated(F.pad(spread(x), (2, 1, 2, 1)), weight.flip(2, 3))
            x = smoothed(x, 1, 1)
        else:
            x = correlated(F.pad(x, (1, 1, 1, 1)), weight)
        if self.config.noise:
            x = x + self.state[f"{name}.noise"][0] * self.state[f"{name}.noise_strength"]
        half = index > 0 and not up and self.config.architecture == "resnet"
        gain = math.sqrt(0.5) if half else 1.0
        x = activated(x + self.state[f"{name}.bias"][:, None, None]) * gain
        return self.limited(x, gain)

    def color(self, x: Tensor, place: int, w: Tensor) -> Tensor:
        name = f"outputs.{place}"
        weight = self.state[f"{name}.weight"][..., 0, 0] / math.sqrt(len(x))
        image = torch.einsum("chw,oc->ohw", x, weight * self.style(name, w))
        return self.limited(image + self.state[f"{name}.bias"][:, None, None], 1.0)

    def shortcut(self, x: Tensor, place: int) -> Tensor:
        weight = self.state[f"shortcuts.{place}.weight"] / math.sqrt(len(x))
        return smoothed(spread(correlated(x, weight)), 2, 1) * math.sqrt(0.5)

    def style(self, name: str, w: Tensor) -> Tensor:
        weight, bias = self.state[f"{name}.style.weight"], self.state[f"{name}.style.bias"]
        return weight @ w / math.sqrt(len(w)) + bias

    def limited(self, x: Tensor, gain: float) -> Tensor:
        clamp = self.config.clamp
        return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)
