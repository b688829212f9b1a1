"""What the untrained networks are put together from; every variant is a value.

Source: models/common.py of [ulyanov2018]_.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.convolution import convolve
from priorfit.networks.pools import Downsampling
from priorfit.networks.sizes import make_even

Resample = Callable[[Tensor], Tensor]
"""(B, C, h, w) -> (B, C, H, W)."""

Activation = Callable[[], nn.Module]
"""Makes one activation; any `nn.Module` class without required arguments will do."""

Norm = Callable[[int], nn.Module]
"""Makes the normalisation of so many channels."""

leaky_relu: Activation = partial(nn.LeakyReLU, 0.2, inplace=True)
swish: Activation = nn.SiLU
elu: Activation = nn.ELU
relu: Activation = partial(nn.ReLU, inplace=True)
linear: Activation = nn.Identity

batch_norm: Norm = nn.BatchNorm2d
instance_norm: Norm = nn.InstanceNorm2d
"""Without a scale and a shift of its own, as PyTorch has it."""
affine_instance_norm: Norm = partial(nn.InstanceNorm2d, affine=True)
no_norm: Norm = nn.Identity


def nearest(x: Tensor) -> Tensor:
    """Repeat every pixel, (B, C, h, w) -> (B, C, 2h, 2w)."""
    with as_it_is(x):
        return evenly_laid(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def bilinear(x: Tensor) -> Tensor:
    """Interpolate between pixel centres, (B, C, h, w) -> (B, C, 2h, 2w)."""
    with as_it_is(x):
        return evenly_laid(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))


def as_it_is(x: Tensor) -> AbstractContextManager[object]:
    """Where autocast leaves the number format of `x` alone.

    It would widen to float32 what is padded or resized, only for the next convolution to narrow it
    again: a tenth of a step.
    """
    if x.dtype in (torch.bfloat16, torch.float16):
        return torch.autocast(x.device.type, enabled=False)
    return nullcontext()


def evenly_laid(x: Tensor) -> Tensor:
    """Ask for a gradient in channels-last memory, if `x` is, and hand `x` on.

    The gradient of a part of a concatenation comes with gaps, in which the backward pass of a
    resampling is ten times slower.
    """
    if x.requires_grad and x.is_contiguous(memory_format=torch.channels_last):
        x.register_hook(_pack)
    return x


def _pack(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Padding:
    """How a convolution sees past the border; `mode` is the word of `nn.Conv2d`."""

    mode: Literal["zeros", "reflect", "replicate"]

    def least(self, filter_size: int) -> int:
        """Fewest pixels along a side for which this padding exists."""
        return filter_size // 2 + 1 if self.mode == "reflect" else 1


REFLECTION = Padding("reflect")
REPLICATION = Padding("replicate")
ZEROS = Padding("zeros")


@dataclass(frozen=True)
class Style:
    """What all layers of a network have in common.

    Args:
        padding: at the border of every convolution.
        norm: makes what follows every convolution.
        activation: makes what follows every normalisation.
        bias: of the convolutions. Batch statistics take it away again; it is released so.
        sigmoid: whether the network ends in (0, 1).
    """

    padding: Padding = REFLECTION
    norm: Norm = batch_norm
    activation: Activation = leaky_relu
    bias: bool = True
    sigmoid: bool = True

    def conv(
        self, inside: int, outside: int, filter_size: int, *, stride: int = 1, bias: bool = True
    ) -> nn.Conv2d:
        """A convolution from `inside` to `outside` channels that keeps the size but for its stride.

        Args:
            inside: channels of the input.
            outside: channels of the output.
            filter_size: odd; an even one would shift the image.
            stride: between two places of the filter.
            bias: off where the network has none here, whatever the style says.

        Raises:
            ProblemError: the filter size is even.
        """
        if filter_size % 2 == 0:
            raise ProblemError(f"filter sizes must be odd, got {filter_size}")
        return Convolution(
            inside,
            outside,
            filter_size,
            stride,
            margin := filter_size // 2,
            bias=bias and self.bias,
            padding_mode=self.padding.mode if margin else "zeros",
        )

    def ending(self) -> nn.Module:
        """The last module of the network."""
        return nn.Sigmoid() if self.sigmoid else nn.Identity()


class Convolution(nn.Conv2d):
    """A convolution that pads in the number format it is given."""

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):
            return convolve(x, self.weight, self.bias, self.stride[0])
        if self.padding_mode == "zeros":
            return super().forward(x)
        margin = self.kernel_size[0] // 2
        with as_it_is(x):
            x = F.pad(x, [margin] * 4, mode=self.padding_mode)
        return convolve(x, self.weight, self.bias, self.stride[0])


class Block(nn.Module):
    """Convolution, optional pool, normalisation, activation: (B, in, H, W) -> (B, out, H, W).

    Args:
        inside: channels of the input.
        outside: channels of the output.
        filter_size: of the convolution; odd.
        style: of the network.
        downsampling: halves the size.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        filter_size: int,
        style: Style,
        downsampling: Downsampling | None = None,
    ) -> None:
        super().__init__()
        stride = downsampling.stride if downsampling else 1
        pool = downsampling.pool if downsampling else None
        self.conv = style.conv(inside, outside, filter_size, stride=stride)
        self.pool = pool(outside) if pool else None
        self.norm = style.norm(outside)
        self.activation = style.activation()

    def forward(self, x: Tensor, *, round_up: bool = True) -> Tensor:
        """Apply; where a pool halves an odd size it rounds up or, as released, down."""
        x = self.conv(x)
        if self.pool is not None:
            x = self.pool(make_even(x) if round_up else x)
        return self.activation(self.norm(x))
