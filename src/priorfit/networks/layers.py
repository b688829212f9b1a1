"""What the untrained networks are put together from; every variant is a value.

Source: models/common.py of [ulyanov2018]_.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.pools import Downsampling
from priorfit.networks.sizes import evened

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
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def bilinear(x: Tensor) -> Tensor:
    """Interpolate between pixel centres, (B, C, h, w) -> (B, C, 2h, 2w)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


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
        return nn.Conv2d(
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
            x = self.pool(evened(x) if round_up else x)
        return self.activation(self.norm(x))
