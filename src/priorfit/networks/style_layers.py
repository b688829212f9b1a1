"""What PGGAN, StyleGAN and its discriminator are put together from [karras2018]_ [karras2019]_."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.sizes import size_of
from priorfit.networks.weights import EqualisedConv2d, EqualisedLinear

SLOPE = 0.2
GAIN = math.sqrt(2)
EPS = 1e-8


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root of the mean square over the channels, (B, C, ...) -> (B, C, ...)."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPS)


def activated(x: Tensor) -> Tensor:
    """Leaky ReLU, in place."""
    return F.leaky_relu_(x, SLOPE)


def blurred(x: Tensor) -> Tensor:
    """Smooth every channel with (1 2 1)/4 along both axes; zeros lie outside."""
    taps = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype, device=x.device) / 4
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def repeated(x: Tensor, factor: int) -> Tensor:
    """Repeat every pixel `factor` times along both axes."""
    return x if factor == 1 else F.interpolate(x, scale_factor=float(factor), mode="nearest")


class EqualisedUpConv2d(EqualisedConv2d):
    """Pixels repeated along both axes, then a 3×3 convolution: (B, in, h, w) -> (B, out, 2h, 2w).

    Computed as one transposed convolution with the 4×4 sums of the filter, 4/9 of the work. The
    networks released as "fused" use the same sums of a filter turned by 180°.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = _summed(self.weight.flip(2, 3) * self.scale).transpose(0, 1)
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


class EqualisedDownConv2d(EqualisedConv2d):
    """A 3×3 convolution, then the mean of 2×2 pixels: (B, in, h, w) -> (B, out, h / 2, w / 2).

    Computed as one convolution of stride 2 with the 4×4 sums of the filter, 4/9 of the work.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = _summed(self.weight * (self.scale / 4))
        return F.conv2d(x, kernel, self.bias, stride=2, padding=1)


def _summed(weight: Tensor) -> Tensor:
    """The filter moved by none or one along both axes, added: (…, 3, 3) -> (…, 4, 4)."""
    weight = F.pad(weight, [1, 0, 0, 0]) + F.pad(weight, [0, 1, 0, 0])
    return F.pad(weight, [0, 0, 1, 0]) + F.pad(weight, [0, 0, 0, 1])


class StyleLayer(nn.Module):
    """One layer of StyleGAN's synthesis, (B, in, h, w) -> (B, out, H, W).

        convolution, in doubling layers with blur → + noise · strength → + bias → leaky ReLU
        → instance normalisation → x · (s + 1) + b,   (s, b) = style(w)

    Args:
        inside: channels of the input.
        outside: channels of the output.
        side: H and W.
        w_dim: W.
        before: what happens to the input first; "nothing" in the layer of the constant.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        side: int,
        w_dim: int,
        before: Literal["nothing", "convolution", "doubling"],
    ) -> None:
        super().__init__()
        self.doubles = before == "doubling"
        self.conv: nn.Module = nn.Identity()
        if before != "nothing":
            conv = EqualisedUpConv2d if self.doubles else EqualisedConv2d
            self.conv = conv(inside, outside, 3, bias=False)
        self.noise_strength = nn.Parameter(torch.zeros(outside))
        self.bias = nn.Parameter(torch.zeros(outside))
        self.style = EqualisedLinear(w_dim, 2 * outside)
        self.register_buffer("noise", torch.zeros(1, 1, side, side))

    noise: Tensor

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Apply.

        Args:
            x: (B, in, h, w).
            w: (B, W).
            noise: instead of the stored one, (B or 1, 1, H, W).
        """
        x = self.conv(x)
        x = blurred(x) if self.doubles else x
        noise = self.noise if noise is None else noise
        x = x + (noise * self.noise_strength[:, None, None] + self.bias[:, None, None])
        scale, shift = self.style(w)[..., None, None].chunk(2, 1)
        return F.instance_norm(activated(x), eps=EPS) * (scale + 1) + shift

    def start(self, generator: torch.Generator) -> None:
        """Begin with noise N(0, 1) that is not seen yet."""
        nn.init.zeros_(self.noise_strength)
        nn.init.zeros_(self.bias)
        values = torch.empty(self.noise.shape, device=generator.device)
        self.noise.copy_(values.normal_(generator=generator))


def with_deviation(x: Tensor, group: int) -> Tensor:
    """Append how much the images of a group differ, (B, C, h, w) -> (B, C + 1, h, w).

    The standard deviation of each feature over a group, averaged over all features [karras2018]_.

    Args:
        x: features.
        group: images in a group; fewer where the batch cannot be divided so.
    """
    size = max(n for n in range(1, group + 1) if len(x) % n == 0)
    groups = x.unflatten(0, (size, -1))  # every (B / size)-th image is of the same group
    variance = (groups - groups.mean(0)).square().mean(0)
    deviation = (variance + EPS).sqrt().mean((1, 2, 3))
    height, width = size_of(x)
    plane = deviation.repeat(size)[:, None, None, None].expand(-1, 1, height, width)
    return torch.cat([x, plane], 1)
