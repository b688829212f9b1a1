"""What the untrained networks are put together from; every variant is a value.

Sources: models/common.py of [ulyanov2018]_ for the padding, the activations and the resampling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.kernels import lanczos

Resample = Callable[[Tensor], Tensor]
"""(B, C, h, w) -> (B, C, H, W)."""

Activation = Callable[[], nn.Module]
"""Makes one activation; any `nn.Module` class without required arguments will do."""


@dataclass(frozen=True)
class Padding:
    """How a convolution sees past the border; `mode` is the word of `nn.Conv2d`."""

    mode: Literal["zeros", "reflect", "replicate"]

    def least(self, filter_size: int) -> int:
        """Fewest pixels along a side for which this padding exists."""
        return filter_size // 2 + 1 if self.mode == "reflect" else 1


REFLECTION = Padding("reflect")
ZEROS = Padding("zeros")

leaky_relu: Activation = partial(nn.LeakyReLU, 0.2, inplace=True)
swish: Activation = partial(nn.SiLU, inplace=True)
elu: Activation = partial(nn.ELU, inplace=True)
linear: Activation = nn.Identity


def nearest(x: Tensor) -> Tensor:
    """Repeat every pixel, (B, C, h, w) -> (B, C, 2h, 2w)."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def bilinear(x: Tensor) -> Tensor:
    """Interpolate between pixel centres, (B, C, h, w) -> (B, C, 2h, 2w)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Downsampling:
    """Halve the size inside a network: the stride of a convolution, then what follows it.

    Args:
        stride: of the convolution itself.
        pool: makes the module behind a convolution of so many channels; it halves the size unless
            the stride does.
    """

    stride: int
    pool: Callable[[int], nn.Module] | None = None


def _average(channels: int) -> nn.Module:
    return nn.AvgPool2d(2)


def _maximum(channels: int) -> nn.Module:
    return nn.MaxPool2d(2)


STRIDED = Downsampling(2)
AVERAGE = Downsampling(1, _average)
MAXIMUM = Downsampling(1, _maximum)


class LanczosPool(nn.Module):
    """Halve (B, C, H, W) with a fixed Lanczos window; an odd last row or column is dropped."""

    def __init__(self, lobes: int) -> None:
        super().__init__()
        self.lobes = lobes

    def forward(self, x: Tensor) -> Tensor:
        taps = lanczos(2, self.lobes).to(x)
        channels = x.shape[1]
        x = F.pad(x, [len(taps) // 2 - 1] * 4, mode="replicate")
        x = F.conv2d(x, taps.expand(channels, 1, 1, -1), stride=(1, 2), groups=channels)
        return F.conv2d(x, taps[:, None].expand(channels, 1, -1, 1), stride=(2, 1), groups=channels)


class TrainedLanczosPool(nn.Conv2d):
    """A convolution over all channels that starts as `LanczosPool` and is optimised with the rest.

    This is what the released network does: its kernels are parameters like any others.
    """

    def __init__(self, channels: int, lobes: int) -> None:
        self.lobes = lobes
        super().__init__(
            channels, channels, 4 * lobes, 2, padding=2 * lobes - 1, padding_mode="replicate"
        )

    def reset_parameters(self) -> None:
        """Back to the Lanczos window, the same for every channel."""
        taps = lanczos(2, self.lobes)
        with torch.no_grad():
            self.weight.zero_()
            self.weight.diagonal().copy_(torch.outer(taps, taps)[..., None])
            if self.bias is not None:
                self.bias.zero_()

    def start(self, generator: torch.Generator) -> None:
        """Part of `initialise`; draws nothing."""
        self.reset_parameters()


def lanczos_pool(lobes: int = 2, *, trained: bool = False) -> Downsampling:
    """Halve with a Lanczos window of so many lobes.

    Args:
        lobes: 2 or 3.
        trained: let the kernels be optimised with the network, as the released one does.
    """
    if trained:
        return Downsampling(1, partial(TrainedLanczosPool, lobes=lobes))
    return Downsampling(1, lambda channels: LanczosPool(lobes))


class Block(nn.Module):
    """Convolution, optional pool, batch normalisation, activation.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        filter_size: of the convolution; odd.
        padding: at the border of the convolution.
        activation: makes the last module.
        bias: of the convolution; batch statistics take it away again, as in the released code.
        downsampling: halves the size.

    Raises:
        ProblemError: the filter size is even, which would shift the image.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filter_size: int,
        padding: Padding,
        activation: Activation,
        *,
        bias: bool = True,
        downsampling: Downsampling | None = None,
    ) -> None:
        super().__init__()
        stride = downsampling.stride if downsampling else 1
        self.conv = conv(in_channels, out_channels, filter_size, padding, stride=stride, bias=bias)
        pool = downsampling.pool if downsampling else None
        self.pool = pool(out_channels) if pool else None
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = activation()

    def forward(self, x: Tensor, *, round_up: bool = True) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W) or half of it; odd sizes round up or, as released, down.

        A convolution with a stride rounds up in either case.
        """
        x = self.conv(x)
        if self.pool is not None:
            x = self.pool(evened(x) if round_up else x)
        return self.activation(self.norm(x))


def conv(
    in_channels: int,
    out_channels: int,
    filter_size: int,
    padding: Padding,
    *,
    stride: int = 1,
    bias: bool = True,
) -> nn.Conv2d:
    """Convolution that keeps the size but for its stride.

    Raises:
        ProblemError: the filter size is even.
    """
    if filter_size % 2 == 0:
        raise ProblemError(f"filter sizes must be odd, got {filter_size}; take one more or less")
    margin = filter_size // 2
    mode = padding.mode if margin else "zeros"
    return nn.Conv2d(
        in_channels, out_channels, filter_size, stride, margin, bias=bias, padding_mode=mode
    )


def evened(x: Tensor) -> Tensor:
    """Repeat the last row and column where the height or the width is odd."""
    height, width = x.shape[-2:]
    if height % 2 == 0 and width % 2 == 0:
        return x
    return F.pad(x, [0, width % 2, 0, height % 2], mode="replicate")


def grown(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Pad to at least `size` on all sides by reflection, where impossible by repetition.

    A reflection brings at most `side - 1` new pixels to each end, so a small image is reflected
    more than once; a side of a single pixel is repeated.
    """
    while x.shape[-2] < size[0] or x.shape[-1] < size[1]:
        margins: list[int] = []
        for side, wanted in ((x.shape[-1], size[1]), (x.shape[-2], size[0])):
            missing = max(0, wanted - side)
            margins += [min(missing // 2, side - 1), min(missing - missing // 2, side - 1)]
        if any(margins):
            x = F.pad(x, margins, mode="reflect")
        else:
            x = F.pad(x, _one_more(x, size), mode="replicate")
    return x


def _one_more(x: Tensor, size: tuple[int, int]) -> list[int]:
    """Margins that add one row and one column at the end where a single one is too few."""
    height, width = x.shape[-2:]
    return [0, int(width < size[1]), 0, int(height < size[0])]


def centred(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut (B, C, H, W) to `size` around the middle, rounding towards the top left."""
    height, width = x.shape[-2:]
    if (height, width) == size:
        return x
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return x[..., top : top + size[0], left : left + size[1]]
