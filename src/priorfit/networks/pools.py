"""Ways to halve the size inside a network; a value of `Downsampling` each.

Sources: models/common.py and models/downsampler.py of [ulyanov2018]_.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.kernels import lanczos


@dataclass(frozen=True)
class Downsampling:
    """Halve the size: the stride of a convolution, then what follows it.

    Args:
        stride: of the convolution itself.
        pool: makes the module behind a convolution of so many channels; it halves the size, unless
            the stride does, and drops an odd last row or column.
    """

    stride: int
    pool: Callable[[int], nn.Module] | None = None


class LanczosPool(nn.Module):
    """Halve (B, C, H, W) with a fixed Lanczos window, one axis after the other."""

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

    So it is in the released network: its kernels are parameters like any others.
    """

    def __init__(self, channels: int, lobes: int) -> None:
        self.lobes = lobes
        margin = 2 * lobes - 1
        super().__init__(channels, channels, 4 * lobes, 2, margin, padding_mode="replicate")

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


def _average(channels: int) -> nn.Module:
    return nn.AvgPool2d(2)


def _maximum(channels: int) -> nn.Module:
    return nn.MaxPool2d(2)


def _lanczos(channels: int, *, lobes: int) -> nn.Module:
    return LanczosPool(lobes)


def _trained_lanczos(channels: int, *, lobes: int) -> nn.Module:
    return TrainedLanczosPool(channels, lobes)


STRIDED = Downsampling(2)
AVERAGE = Downsampling(1, _average)
MAXIMUM = Downsampling(1, _maximum)
LANCZOS2 = Downsampling(1, partial(_lanczos, lobes=2))
LANCZOS3 = Downsampling(1, partial(_lanczos, lobes=3))
TRAINED_LANCZOS2 = Downsampling(1, partial(_trained_lanczos, lobes=2))
TRAINED_LANCZOS3 = Downsampling(1, partial(_trained_lanczos, lobes=3))
