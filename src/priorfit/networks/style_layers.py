"""What PGGAN, StyleGAN and its discriminator are put together from [karras2018]_ [karras2019]_."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.sizes import size_of
from priorfit.networks.weights import EqualisedConv2d, EqualisedLinear, fill, normal

SLOPE = 0.2
GAIN = math.sqrt(2)
EPS = 1e-8


def pixel_norm(x: Tensor) -> Tensor:
    """Divide by the root of the mean square over the channels, (B, C, ...) -> (B, C, ...)."""
    return _PixelNorm.apply(x)


class _PixelNorm(torch.autograd.Function):
    """One pass over memory for each sum, a third of the time of the same written in tensors."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x * _reciprocal_root(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        factor = _reciprocal_root(x)
        along = torch.linalg.vecdot(x, gradient, dim=1).unsqueeze(1) * factor.square()
        return torch.addcmul(gradient, x, along, value=-1 / x.shape[1]) * factor


def _reciprocal_root(x: Tensor) -> Tensor:
    return torch.rsqrt(torch.linalg.vecdot(x, x, dim=1).unsqueeze(1) / x.shape[1] + EPS)


def restyle(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Give every channel of every image a new deviation and mean, (B, C, h, w), (B, C), (B, C)."""
    batch, channels, *size = x.shape
    last = x.is_contiguous(memory_format=torch.channels_last)
    if batch > 1 and last and x.device.type == "cpu":  # image by image: the memory stays as it is
        rows = zip(x.split(1), scale, shift, strict=True)
        return torch.cat([_normalise(image, a, b) for image, a, b in rows])
    flat = x.reshape(1, batch * channels, *size)
    return _normalise(flat, scale.flatten(), shift.flatten()).view(x.shape)


def _normalise(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    wide = torch.promote_types(x.dtype, torch.float32)  # what it demands under autocast
    scale, shift = scale.to(wide), shift.to(wide)
    return F.batch_norm(x, None, None, scale, shift, training=True, momentum=0.0, eps=EPS)


def rows(w: Tensor, layers: int, w_dim: int) -> Tensor:
    """A w with a row for each layer, (B, L, W), of one that may have a single row.

    Raises:
        ProblemError: it has neither one row nor L, or rows of another width.
    """
    if w.ndim != 3 or w.shape[1] not in (1, layers) or w.shape[2] != w_dim:
        expected = f"(B, 1 or {layers}, {w_dim})"
        raise ProblemError(f"expected a w of shape {expected}, got {tuple(w.shape)}")
    return w.expand(-1, layers, -1)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU, in place."""
    return F.leaky_relu_(x, SLOPE)


def blurred(x: Tensor, bias: Tensor | None = None) -> Tensor:
    """Smooth every channel with (1 2 1)/4 along both axes; zeros lie outside; add the bias."""
    return F.conv2d(x, _binomial(x), bias, padding=1, groups=x.shape[1])


def _binomial(like: Tensor) -> Tensor:
    """Kernel of `blurred` for (B, C, h, w), (C, 1, 3, 3)."""
    kernel = like.new_full((like.shape[1], 1, 3, 3), 1 / 16)
    kernel[:, :, 1] *= 2
    kernel[..., 1] *= 2
    return kernel


def repeat(x: Tensor, factor: int) -> Tensor:
    """Repeat every pixel `factor` times along both axes."""
    return x if factor == 1 else F.interpolate(x, scale_factor=float(factor), mode="nearest")


class EqualisedUpConv2d(EqualisedConv2d):
    """Pixels repeated along both axes, then a 3×3 convolution: (B, in, h, w) -> (B, out, 2h, 2w).

    Computed as one transposed convolution with the 4×4 sums of the filter, 4/9 of the work. The
    networks released as "fused" use the same sums of a filter turned by 180°.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        blur: whether the result is blurred before the bias is added.
    """

    def __init__(self, inside: int, outside: int, *, blur: bool = False) -> None:
        super().__init__(inside, outside, 3)
        self.blur = blur

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.blur else self.bias
        x = F.conv_transpose2d(x, self._kernel(), bias, stride=2, padding=1)
        return blurred(x, self.bias) if self.blur else x

    def frozen(self) -> nn.Module:
        inside, outside = self.in_channels, self.out_channels
        up = nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=not self.blur, device="meta")
        fill(up, self._kernel(), None if self.blur else self.bias)
        if not self.blur:
            return up
        smooth = nn.Conv2d(outside, outside, 3, padding=1, groups=outside, device="meta")
        fill(smooth, _binomial(self.weight.transpose(0, 1)), self.bias)
        return nn.Sequential(up, smooth)

    def _kernel(self) -> Tensor:
        return sum_shifted(self.weight.flip(2, 3) * self.scale).transpose(0, 1)


class EqualisedDownConv2d(EqualisedConv2d):
    """A 3×3 convolution, then the mean of 2×2 pixels: (B, in, h, w) -> (B, out, h / 2, w / 2).

    Computed as one convolution of stride 2 with the 4×4 sums of the filter, 4/9 of the work.

    Args:
        inside: channels of the input.
        outside: channels of the output.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self._kernel(), self.bias, stride=2, padding=1)

    def frozen(self) -> nn.Conv2d:
        plain = nn.Conv2d(self.in_channels, self.out_channels, 4, 2, 1, device="meta")
        fill(plain, self._kernel(), self.bias)
        return plain

    def _kernel(self) -> Tensor:
        return sum_shifted(self.weight * (self.scale / 4))


def sum_shifted(weight: Tensor) -> Tensor:
    """The filter moved by none or one along both axes, added: (…, 3, 3) -> (…, 4, 4)."""
    weight = F.pad(weight, [1, 0, 0, 0]) + F.pad(weight, [0, 1, 0, 0])
    return F.pad(weight, [0, 0, 1, 0]) + F.pad(weight, [0, 0, 0, 1])


class Shift(nn.Module):
    """Adds a bias to every channel.

    Args:
        channels: how many there are.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]

    def start(self, generator: torch.Generator) -> None:
        """Begin with zeros."""
        nn.init.zeros_(self.bias)


class StyleLayer(nn.Module):
    """One layer of StyleGAN's synthesis, (B, in, h, w) -> (B, out, H, W).

        convolution → + bias → + noise · strength → leaky ReLU → instance normalisation
        → x · (s + 1) + b,   (s, b) = style(w)

    Args:
        conv: the convolution with its bias.
        channels: of its output.
        side: H and W.
        w_dim: W.
    """

    def __init__(self, conv: nn.Module, channels: int, side: int, w_dim: int) -> None:
        super().__init__()
        self.conv = conv
        self.noise_strength = nn.Parameter(torch.zeros(channels))
        self.style = EqualisedLinear(w_dim, 2 * channels)
        self.register_buffer("noise", torch.zeros(1, 1, side, side))

    noise: Tensor

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Apply.

        Args:
            x: (B, in, h, w).
            w: (B, W).
            noise: instead of the stored one, (B or 1, 1, H, W).
        """
        noise = self.noise if noise is None else noise
        x = self.conv(x).addcmul_(noise, self.noise_strength[:, None, None])
        scale, shift = self.style(w).chunk(2, 1)
        return restyle(activate(x), scale + 1, shift)

    def start(self, generator: torch.Generator) -> None:
        """Begin with noise N(0, 1) that is not seen yet."""
        nn.init.zeros_(self.noise_strength)
        normal(self.noise, 1.0, generator)


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
