"""What BigGAN is put together from [brock2019]_."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.attention import attended
from priorfit.networks.sizes import size_of
from priorfit.networks.style_layers import summed
from priorfit.networks.weights import SpectralConv2d, SpectralLinear, filled, spectral

MOMENTUM = 0.1
EPS = 1e-5
# Sides of the smaller features from which on sums of a filter pay, as measured on a CPU: where
# they are made once, and where in every step.
_SOME, _MANY = 8, 32


class Table(nn.Embedding):
    """A row for each class that begins orthogonal and is not divided by its singular value."""

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, as BigGAN is trained."""
        values = torch.empty(self.weight.shape, dtype=self.weight.dtype)
        self.weight.copy_(nn.init.orthogonal_(values, generator=generator))


class Mixture(Table):
    """A sum of the rows of a table, (B, entries) -> (B, width)."""

    def forward(self, portions: Tensor) -> Tensor:
        return portions @ self.weight


class Statistics(nn.Module):
    """Batch normalisation whose gain and bias come from elsewhere.

    Args:
        channels: C.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    mean: Tensor
    var: Tensor

    def scaled(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """x normalised, times gain, plus bias; x is (B, C, h, w), the others (B or 1, C).

        Training uses the statistics of the batch and moves the stored ones by a tenth.
        """
        if self.training:
            x = F.batch_norm(x, self.mean, self.var, None, None, True, MOMENTUM, self.eps)
        else:
            gain = gain * torch.rsqrt(self.var + self.eps)
            bias = bias - self.mean * gain
        return affine(x, gain, bias)

    def start(self, generator: torch.Generator) -> None:
        """Begin with statistics of N(0, 1)."""
        nn.init.zeros_(self.mean)
        nn.init.ones_(self.var)


class ConditionalNorm(Statistics):
    """Batch normalisation with gain 1 + gain(c) and bias(c), of (B, C, h, w) and (B, E).

    Args:
        channels: C.
        condition: E.
        table: whether c holds the portions of the classes, and each class has a row of its own,
            instead of linear layers of an embedding.
        eps: added to the variance.
        sn_eps: of the linear layers.
    """

    def __init__(
        self, channels: int, condition: int, *, table: bool, eps: float, sn_eps: float
    ) -> None:
        super().__init__(channels, eps)

        def layer() -> nn.Module:
            if table:
                return Mixture(condition, channels)
            return SpectralLinear(condition, channels, bias=False, eps=sn_eps)

        self.gain, self.bias = layer(), layer()

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.scaled(x, 1 + self.gain(c), self.bias(c))

    def frozen(self) -> "FrozenNorm":
        """Both as one layer of c, the stored statistics included."""
        gain, bias = (_matrix_of(layer) for layer in (self.gain, self.bias))
        factor = torch.rsqrt(self.var + self.eps)
        weight = torch.cat([gain.T * factor, bias.T - gain.T * factor * self.mean], 1).T
        return FrozenNorm(weight.contiguous(), torch.cat([factor, -self.mean * factor]))


class FrozenNorm(nn.Module):
    """A conditional norm whose statistics stand still: x · gain(c) + bias(c).

    Args:
        weight: of the gains, then of the biases, (2C, E).
        bias: likewise, (2C,).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.told = filled(nn.Linear(weight.shape[1], len(weight), device="meta"), weight, bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return affine(x, *self.told(c).chunk(2, 1))


class PlainNorm(Statistics):
    """Batch normalisation with a gain and a bias for each channel, whatever is drawn.

    Args:
        channels: C.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = EPS) -> None:
        super().__init__(channels, eps)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.scaled(x, self.gain[None], self.bias[None])

    def start(self, generator: torch.Generator) -> None:
        """Begin as if there were no gain and no bias."""
        super().start(generator)
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)


@dataclass(frozen=True)
class InstanceNorm:
    """Normalisation of each channel of each image by its own statistics, then gain and bias.

    Args:
        gain: (B or 1, C).
        bias: (B or 1, C).
    """

    gain: Tensor
    bias: Tensor

    @classmethod
    def like(cls, x: Tensor) -> "InstanceNorm":
        """One whose results have the deviations (of a sample, as released) and means of x."""
        return cls(x.std((2, 3)), x.mean((2, 3)))

    def __call__(self, x: Tensor) -> Tensor:
        return affine(F.instance_norm(x, eps=EPS), self.gain, self.bias)


def affine(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """x · gain + bias of (B, C, h, w) and (B or 1, C)."""
    return (x * gain[:, :, None, None]).add_(bias[:, :, None, None])


class Attention(nn.Module):
    """x + γ · o(attention of every pixel to the maxima of 2×2), as released [brock2019]_.

        attention = g · softmax(θᵀφ)ᵀ,   θ and φ of C / 8 channels, g of C / 2

    Args:
        channels: C.
        sn_eps: of the convolutions.
    """

    def __init__(self, channels: int, sn_eps: float) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)

        def conv(inside: int, outside: int) -> SpectralConv2d:
            return SpectralConv2d(inside, outside, 1, bias=False, eps=sn_eps)

        self.theta, self.phi = conv(channels, narrow), conv(channels, narrow)
        self.g, self.o = conv(channels, half), conv(half, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        pooled = (F.max_pool2d(found, 2) for found in (self.phi(x), self.g(x)))
        rows = (found.flatten(2).mT for found in (self.theta(x), *pooled))
        mixed = attended(*rows).mT.unflatten(2, size_of(x))
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
        self.attention = Attention(outside, sn_eps) if attention else None

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
        h = self._enlarged(norms[0](x) if norms else self.norm1(x, *c))
        return self._joined(norms[1](h) if norms else self.norm2(h, *c), x)

    def swapped(
        self, x: Tensor, c: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[InstanceNorm, InstanceNorm]]:
        """The result with instance norms that have just been fitted, and these."""
        first = InstanceNorm.like(self.norm1(x, *c))
        h = self._enlarged(first(x))
        second = InstanceNorm.like(self.norm2(h, *c))
        return self._joined(second(h), x), (first, second)

    def _enlarged(self, h: Tensor) -> Tensor:
        return self.conv1(h.relu_())

    def _joined(self, h: Tensor, x: Tensor) -> Tensor:
        # The convolution of single pixels may as well come first: a quarter of the work.
        h = self.conv2(h.relu_()).add_(doubled(self.shortcut(x)))
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
        self.attention = Attention(outside, sn_eps) if attention else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(self.conv1(x if self.first else x.relu()).relu_())
        if self.halve:
            x = F.avg_pool2d(x, 2)
        return h.add_(x if self.shortcut is None else self.shortcut(x))


class SpectralUpConv2d(SpectralConv2d):
    """Pixels repeated along both axes, then a 3×3 convolution: (B, in, h, w) -> (B, out, 2h, 2w).

    Where there are many pixels it is computed as one transposed convolution with the 4×4 sums of
    the filter, 4/9 of the work; where there are few, making the sums and reading them costs more.

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
        if self.side < _MANY:
            return F.conv2d(doubled(x), weight, self.bias, padding=1)
        return F.conv_transpose2d(x, _up_kernel(weight), self.bias, stride=2, padding=1)

    def frozen(self) -> nn.Module:
        if self.side < _SOME:
            return nn.Sequential(Doubled(), super().frozen())
        up = nn.ConvTranspose2d(self.in_channels, self.out_channels, 4, 2, 1, device="meta")
        return filled(up, _up_kernel(spectral(self)), self.bias)


class SpectralDownConv2d(SpectralConv2d):
    """A 3×3 convolution, then the mean of 2×2 pixels: (B, in, h, w) -> (B, out, h / 2, w / 2).

    Computed as one convolution of stride 2 with the 4×4 sums of the filter where there are many
    pixels, as in `SpectralUpConv2d`.

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
        return F.conv2d(x, summed(weight / 4), self.bias, stride=2, padding=1)

    def frozen(self) -> nn.Module:
        if self.side < 2 * _SOME:
            return nn.Sequential(super().frozen(), nn.AvgPool2d(2))
        down = nn.Conv2d(self.in_channels, self.out_channels, 4, 2, 1, device="meta")
        return filled(down, summed(spectral(self) / 4), self.bias)


class Doubled(nn.Module):
    """Repeats every pixel twice along both axes."""

    def forward(self, x: Tensor) -> Tensor:
        return doubled(x)


def doubled(x: Tensor) -> Tensor:
    """Repeat every pixel twice along both axes."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _matrix_of(layer: nn.Module) -> Tensor:
    """M of a layer that makes M · c of c, (width, E)."""
    if isinstance(layer, Mixture):
        return layer.weight.T
    assert isinstance(layer, SpectralLinear)
    return spectral(layer)


def _up_kernel(weight: Tensor) -> Tensor:
    return summed(weight.flip(2, 3)).transpose(0, 1)
