"""The generator of texture networks [ulyanov2016]_, as Deep Image Prior has it [ulyanov2018]_.

Authors' models/texture_nets.py of deep-image-prior; its paddings are floats under Python 3, which
PyTorch refuses, and its widths follow the order of the ratios.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.layers import ZEROS, Block, Resample, Style, nearest
from priorfit.networks.sizes import crop_centre, pad_to, size_of

STYLE = Style(padding=ZEROS)


class TextureNet(nn.Module):
    """Merge the input at ever finer scales, (B, in, H, W) -> (B, out, H, W), any H and W.

    At scale k, counted from the coarsest, k widths are in use: each scale appends its own to what
    comes from below.

    Args:
        in_channels: of the input, usually noise; it is averaged down to each scale.
        out_channels: of the image.
        scales: how many, each half as large as the next.
        width: channels that each scale adds.
        upsample: how a size is doubled.
        style: of all layers; released with zero padding and without a sigmoid.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        scales: int = 6,
        width: int = 8,
        upsample: Resample = nearest,
        style: Style = STYLE,
    ) -> None:
        super().__init__()
        self.upsample = upsample
        self.multiple = 1 << (scales - 1)
        self.least = max(2, style.padding.least(3)) * self.multiple
        self.branches = nn.ModuleList(Triple(in_channels, width, style) for _ in range(scales))
        self.joins = nn.ModuleList(Join(width, count, style) for count in range(1, scales))
        self.output = style.conv(width * scales, out_channels, 1)
        self.ending = style.ending()

    def forward(self, z: Tensor) -> Tensor:
        size = size_of(z)
        z = pad_to(z, self._multiple_of(size))
        ratio = self.multiple
        x = self.branches[0](F.avg_pool2d(z, ratio))
        for join, branch in zip(self.joins, self.branches[1:], strict=True):
            ratio //= 2
            x = join(self.upsample(x), branch(F.avg_pool2d(z, ratio)))
        return crop_centre(self.ending(self.output(x)), size)

    def _multiple_of(self, size: tuple[int, int]) -> tuple[int, int]:
        height, width = (
            -(-max(side, self.least) // self.multiple) * self.multiple for side in size
        )
        return height, width


class Triple(nn.Sequential):
    """Two 3×3 convolutions and a 1×1 one, each normalised and activated."""

    def __init__(self, inside: int, outside: int, style: Style) -> None:
        super().__init__(
            Block(inside, outside, 3, style),
            Block(outside, outside, 3, style),
            Block(outside, outside, 1, style),
        )


class Join(nn.Module):
    """Normalise what comes from below and what is new, put them together, convolve."""

    def __init__(self, width: int, count: int, style: Style) -> None:
        super().__init__()
        self.below, self.new = style.norm(width * count), style.norm(width)
        self.triple = Triple(width * (count + 1), width * (count + 1), style)

    def forward(self, below: Tensor, new: Tensor) -> Tensor:
        """(B, count·width, H, W) and (B, width, H, W) -> (B, (count + 1)·width, H, W)."""
        return self.triple(torch.cat([self.below(below), self.new(new)], dim=1))
