"""What BigGAN-deep is put together from [brock2019]_, as Hugging Face released it."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.biggan_layers import frozen_up, repeat_pixels, up
from priorfit.networks.biggan_norms import FrozenNorm, affine
from priorfit.networks.weights import divide, fill


class Divided(nn.Module):
    """A weight that is divided by the singular value that two stored vectors find, u · W · vᵀ.

    Nothing moves the vectors: networks of this kind are released trained.

    Args:
        shape: of the weight, the outputs first.
        bias: whether there is one.
    """

    def __init__(self, shape: tuple[int, ...], *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.register_buffer("u", torch.zeros(shape[0]))
        self.register_buffer("v", torch.zeros(math.prod(shape[1:])))

    u: Tensor
    v: Tensor

    def used(self) -> Tensor:
        """W / σ."""
        return divide(self.weight, self.u, self.v)

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, with vectors after one power iteration, and without bias."""
        flat = torch.empty(len(self.u), len(self.v))
        nn.init.orthogonal_(flat, generator=generator)
        self.weight.copy_(flat.view_as(self.weight))
        u = torch.empty(len(self.u)).normal_(generator=generator)
        self.v.copy_(F.normalize(u @ flat, dim=0))
        self.u.copy_(F.normalize(flat @ self.v.cpu(), dim=0))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class DividedLinear(Divided):
    """A linear layer, (B, in) -> (B, out)."""

    def __init__(self, inside: int, outside: int, *, bias: bool = True) -> None:
        super().__init__((outside, inside), bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.used(), self.bias)

    def frozen(self) -> nn.Linear:
        """The plain layer."""
        outside, inside = self.weight.shape
        plain = nn.Linear(inside, outside, self.bias is not None, device="meta")
        return fill(plain, self.used(), self.bias)


class DividedConv2d(Divided):
    """A convolution that keeps the size.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        filter_size: odd.
        bias: whether there is one.
        keep: how many of the outputs are wanted, the first ones; None for all.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        filter_size: int,
        *,
        bias: bool = True,
        keep: int | None = None,
    ) -> None:
        super().__init__((outside, inside, filter_size, filter_size), bias=bias)
        self.keep = keep

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self._kept()
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def frozen(self) -> nn.Conv2d:
        """The plain layer."""
        weight, bias = self._kept()
        outside, inside, size, _ = weight.shape
        plain = nn.Conv2d(
            inside, outside, size, padding=size // 2, bias=bias is not None, device="meta"
        )
        return fill(plain, weight, bias)

    def _kept(self) -> tuple[Tensor, Tensor | None]:
        return self.used()[: self.keep], None if self.bias is None else self.bias[: self.keep]


class DividedUpConv2d(Divided):
    """Pixels repeated along both axes, then a 3×3 convolution: (B, C, h, w) -> (B, C, 2h, 2w)."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__((channels, channels, 3, 3), bias=True)
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return up(x, self.used(), self.bias, self.side)

    def frozen(self) -> nn.Module:
        """Plain layers."""
        return frozen_up(self.used(), self.bias, self.side)


class TruncatedStatistics(nn.Module):
    """Stored means and variances of the features, for evenly spaced truncations from 0 to 1.

    Args:
        channels: C.
        entries: how many truncations.
        eps: added to the variance.
        released: between two truncations, whether to weight them the wrong way round, as released.
    """

    def __init__(self, channels: int, entries: int, eps: float, *, released: bool) -> None:
        super().__init__()
        self.eps, self.released = eps, released
        self.register_buffer("means", torch.zeros(entries, channels))
        self.register_buffer("vars", torch.ones(entries, channels))

    means: Tensor
    vars: Tensor

    def normalising(self, truncation: float) -> tuple[Tensor, Tensor]:
        """Factor and shift, (C,), that bring features to mean 0 and deviation 1."""
        mean, var = self._between(self.means, truncation), self._between(self.vars, truncation)
        factor = torch.rsqrt(var + self.eps)
        return factor, -mean * factor

    def start(self, generator: torch.Generator) -> None:
        """Begin with statistics of N(0, 1)."""
        nn.init.zeros_(self.means)
        nn.init.ones_(self.vars)

    def _between(self, table: Tensor, truncation: float) -> Tensor:
        step = 1 / (len(table) - 1)
        above, below = math.modf(truncation / step)
        first = int(below)
        if not above:
            return table[first]
        share = above if self.released else 1 - above
        return share * table[first] + (1 - share) * table[first + 1]


class TruncatedNorm(TruncatedStatistics):
    """`TruncatedStatistics`, then gain 1 + gain(c) and bias(c).

    Args:
        channels: C.
        condition: E.
        entries: how many truncations.
        eps: added to the variance.
        released: see `TruncatedStatistics`.
        truncation: at which it is frozen.
    """

    def __init__(
        self,
        channels: int,
        condition: int,
        entries: int,
        eps: float,
        *,
        released: bool,
        truncation: float,
    ) -> None:
        super().__init__(channels, entries, eps, released=released)
        self.truncation = truncation
        self.gain = DividedLinear(condition, channels, bias=False)
        self.bias = DividedLinear(condition, channels, bias=False)

    def forward(self, x: Tensor, c: Tensor, truncation: float) -> Tensor:
        factor, shift = self.normalising(truncation)
        gain = 1 + self.gain(c)
        return affine(x, gain * factor, gain * shift + self.bias(c))

    def frozen(self) -> "FrozenTruncatedNorm":
        """Both as one layer of c, with the statistics of one truncation."""
        factor, shift = (part[:, None] for part in self.normalising(self.truncation))
        gain, bias = self.gain.used(), self.bias.used()
        weight = torch.cat([gain * factor, gain * shift + bias])
        return FrozenTruncatedNorm(weight, torch.cat([factor, shift])[:, 0], self.truncation)


class FrozenTruncatedNorm(FrozenNorm):
    """A norm that knows the statistics of one truncation alone."""

    def __init__(self, weight: Tensor, bias: Tensor, truncation: float) -> None:
        super().__init__(weight, bias)
        self.truncation = truncation

    def forward(self, x: Tensor, c: Tensor, truncation: float = math.nan) -> Tensor:
        if truncation != self.truncation:
            raise ProblemError(
                f"this generator was frozen for a truncation of {self.truncation}, got {truncation}"
            )
        return super().forward(x, c)


class TruncatedPlainNorm(TruncatedStatistics):
    """`TruncatedStatistics`, then a gain and a bias for each channel."""

    def __init__(self, channels: int, entries: int, eps: float, *, released: bool) -> None:
        super().__init__(channels, entries, eps, released=released)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, truncation: float) -> Tensor:
        factor, shift = self.normalising(truncation)
        return affine(x, (self.gain * factor)[None], (self.gain * shift + self.bias)[None])

    def start(self, generator: torch.Generator) -> None:
        """Begin as if there were no gain and no bias."""
        super().start(generator)
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)


class DeepBlock(nn.Module):
    """A residual block with a bottleneck: (B, in, h, w) -> (B, out, h, w), or of twice the size.

        4 × (norm → ReLU → conv of 1, 3, 3, 1 pixels),   + the first `out` channels of the input

    Pixels are repeated before the second convolution.

    Args:
        norm: makes a norm for so many channels.
        inside: channels of the input.
        outside: channels of the output, at most as many.
        side: h.
        double: whether the size is doubled.
    """

    def __init__(
        self,
        norm: Callable[[int], nn.Module],
        inside: int,
        outside: int,
        *,
        side: int,
        double: bool,
    ) -> None:
        super().__init__()
        narrow = inside // 4
        self.outside, self.doubles = outside, double
        self.norms = nn.ModuleList(norm(width) for width in (inside, narrow, narrow, narrow))
        wide = DividedUpConv2d(narrow, side) if double else DividedConv2d(narrow, narrow, 3)
        self.convs = nn.ModuleList(
            (
                DividedConv2d(inside, narrow, 1),
                wide,
                DividedConv2d(narrow, narrow, 3),
                DividedConv2d(narrow, outside, 1),
            )
        )

    def forward(self, x: Tensor, c: Tensor, truncation: float) -> Tensor:
        h = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(norm(h, c, truncation).relu_())
        x = x[:, : self.outside]
        return h.add_(repeat_pixels(x) if self.doubles else x)
