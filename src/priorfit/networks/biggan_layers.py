"""What BigGAN is put together from [brock2019]_."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.attention import attend_to
from priorfit.networks.biggan_norms import InstanceNorm
from priorfit.networks.sizes import size_of
from priorfit.networks.style_layers import sum_shifted
from priorfit.networks.weights import SpectralConv2d, fill, spectral

# Sides of the smaller features from which on sums of a filter pay, as measured on a CPU: where
# they are made once, and where in every step.
_SOME, _MANY = 8, 32


class Attention(nn.Module):
    """x + γ · o(attention of every pixel to the maxima of 2×2), as released [brock2019]_.

        attention = g · softmax(θᵀφ)ᵀ,   θ and φ of C / 8 channels, g of C / 2

    Args:
        channels: C.
        conv: makes a convolution of single pixels without bias, of channels in and out.
    """

    def __init__(self, channels: int, conv: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.theta, self.phi = conv(channels, narrow), conv(channels, narrow)
        self.g, self.o = conv(channels, half), conv(half, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        pooled = (F.max_pool2d(found, 2) for found in (self.phi(x), self.g(x)))
        rows = (found.flatten(2).mT for found in (self.theta(x), *pooled))
        mixed = attend_to(*rows).mT.unflatten(2, size_of(x))
        return torch.addcmul(x, self.o(mixed), self.gamma)

    def start(self, generator: torch.Generator) -> None:
        """Begin without attention."""
        nn.init.zeros_(self.gamma)


class UpBlock(nn.Module):
    """A residual block that doubles the size: (B, in, h, w) -> (B, out, 2h, 2w).

        norm → ReLU → ×2 → conv → norm → ReLU → conv,   + conv of 1 pixel(×2)

    Args:
        norms: of the input and of the result's width.
        inside: channels of the input.
        outside: channels of the output.
        side: h.
        attention: whether it ends in one.
        sn_eps: of the convolutions.
    """

    def __init__(
        self,
        norms: tuple[nn.Module, nn.Module],
        inside: int,
        outside: int,
        *,
        side: int,
        attention: bool,
        sn_eps: float,
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = norms
        self.conv1 = SpectralUpConv2d(inside, outside, side, eps=sn_eps)
        self.conv2 = SpectralConv2d(outside, outside, 3, eps=sn_eps)
        self.shortcut = SpectralConv2d(inside, outside, 1, eps=sn_eps)
        self.attention = Attention(outside, pixelwise(sn_eps)) if attention else None

    def forward(
        self,
        x: Tensor,
        c: tuple[Tensor, ...],
        norms: tuple[InstanceNorm, InstanceNorm] | None = None,
    ) -> Tensor:
        """Apply.

        Args:
            x: (B, in, h, w).
            c: what the norms are told, nothing where they want nothing.
            norms: what replaces them.
        """
        h = self._enlarge(norms[0](x) if norms else self.norm1(x, *c))
        return self._join(norms[1](h) if norms else self.norm2(h, *c), x)

    def swapped(
        self, x: Tensor, c: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[InstanceNorm, InstanceNorm]]:
        """The result with instance norms that have just been fitted, and these."""
        first = InstanceNorm.like(self.norm1(x, *c))
        h = self._enlarge(first(x))
        second = InstanceNorm.like(self.norm2(h, *c))
        return self._join(second(h), x), (first, second)

    def _enlarge(self, h: Tensor) -> Tensor:
        return self.conv1(h.relu_())

    def _join(self, h: Tensor, x: Tensor) -> Tensor:
        # The convolution of single pixels may as well come first: a quarter of the work.
        h = self.conv2(h.relu_()).add_(repeat_pixels(self.shortcut(x)))
        return h if self.attention is None else self.attention(h)


class DownBlock(nn.Module):
    """A residual block that may halve the size: (B, in, h, w) -> (B, out, h / 2, w / 2).

        ReLU → conv → ReLU → conv → mean of 2×2,   + mean of 2×2(conv of 1 pixel)

    Args:
        inside: channels of the input.
        outside: channels of the output.
        side: h.
        first: whether the input is an image, which no ReLU goes before.
        halve: whether the size is halved.
        wide: whether the first convolution widens, rather than the second.
        attention: whether it ends in one.
        sn_eps: of the convolutions.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        *,
        side: int,
        first: bool,
        halve: bool,
        wide: bool,
        attention: bool,
        sn_eps: float,
    ) -> None:
        super().__init__()
        self.first, self.halve = first, halve
        between = outside if wide else inside
        self.conv1 = SpectralConv2d(inside, between, 3, eps=sn_eps)
        self.conv2: SpectralConv2d
        if halve:
            self.conv2 = SpectralDownConv2d(between, outside, side, eps=sn_eps)
        else:
            self.conv2 = SpectralConv2d(between, outside, 3, eps=sn_eps)
        through = inside == outside and not halve
        self.shortcut = None if through else SpectralConv2d(inside, outside, 1, eps=sn_eps)
        self.attention = Attention(outside, pixelwise(sn_eps)) if attention else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(self.conv1(x if self.first else x.relu()).relu_())
        if self.halve:
            x = F.avg_pool2d(x, 2)
        return h.add_(x if self.shortcut is None else self.shortcut(x))


class SpectralUpConv2d(SpectralConv2d):
    """Pixels repeated along both axes, then a 3×3 convolution: (B, in, h, w) -> (B, out, 2h, 2w).

    Args:
        inside: channels of the input.
        outside: channels of the output.
        side: h.
        eps: least norm in the power iteration.
    """

    def __init__(self, inside: int, outside: int, side: int, *, eps: float) -> None:
        super().__init__(inside, outside, 3, eps=eps)
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return up(x, spectral(self), self.bias, self.side)

    def frozen(self) -> nn.Module:
        return frozen_up(spectral(self), self.bias, self.side)


class SpectralDownConv2d(SpectralConv2d):
    """A 3×3 convolution, then the mean of 2×2 pixels: (B, in, h, w) -> (B, out, h / 2, w / 2).

    Computed as one convolution of stride 2 with the 4×4 sums of the filter where there are many
    pixels, as in `up`.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        side: h.
        eps: least norm in the power iteration.
    """

    def __init__(self, inside: int, outside: int, side: int, *, eps: float) -> None:
        super().__init__(inside, outside, 3, eps=eps)
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        weight = spectral(self)
        if self.side < 2 * _MANY:
            return F.avg_pool2d(F.conv2d(x, weight, self.bias, padding=1), 2)
        return F.conv2d(x, sum_shifted(weight / 4), self.bias, stride=2, padding=1)

    def frozen(self) -> nn.Module:
        if self.side < 2 * _SOME:
            return nn.Sequential(super().frozen(), nn.AvgPool2d(2))
        down = nn.Conv2d(self.in_channels, self.out_channels, 4, 2, 1, device="meta")
        return fill(down, sum_shifted(spectral(self) / 4), self.bias)


def up(x: Tensor, weight: Tensor, bias: Tensor | None, side: int) -> Tensor:
    """Pixels repeated along both axes, then a 3×3 convolution: (B, in, h, w) -> (B, out, 2h, 2w).

    Where there are many pixels it is computed as one transposed convolution with the 4×4 sums of
    the filter, 4/9 of the work; where there are few, making the sums and reading them costs more.

    Args:
        x: (B, in, h, w).
        weight: (out, in, 3, 3).
        bias: (out,).
        side: h.
    """
    if side < _MANY:
        return F.conv2d(repeat_pixels(x), weight, bias, padding=1)
    return F.conv_transpose2d(x, _up_kernel(weight), bias, stride=2, padding=1)


def frozen_up(weight: Tensor, bias: Tensor | None, side: int) -> nn.Module:
    """`up` as layers that share no memory with weight and bias."""
    outside, inside = weight.shape[:2]
    given = bias is not None
    if side < _SOME:
        conv = nn.Conv2d(inside, outside, 3, padding=1, bias=given, device="meta")
        return nn.Sequential(Doubled(), fill(conv, weight, bias))
    joined = nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=given, device="meta")
    return fill(joined, _up_kernel(weight), bias)


def pixelwise(sn_eps: float) -> Callable[[int, int], SpectralConv2d]:
    """Makes convolutions of single pixels for an `Attention`."""
    return lambda inside, outside: SpectralConv2d(inside, outside, 1, bias=False, eps=sn_eps)


class Doubled(nn.Module):
    """Repeats every pixel twice along both axes."""

    def forward(self, x: Tensor) -> Tensor:
        return repeat_pixels(x)


def repeat_pixels(x: Tensor) -> Tensor:
    """Repeat every pixel twice along both axes."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _up_kernel(weight: Tensor) -> Tensor:
    return sum_shifted(weight.flip(2, 3)).transpose(0, 1)
