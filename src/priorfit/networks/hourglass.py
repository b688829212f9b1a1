"""The hourglass network with skip connections of Deep Image Prior.

[ulyanov2018]_, section 4 and supplement; authors' models/skip.py, models/common.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.layers import (
    REFLECTION,
    STRIDED,
    Activation,
    Block,
    Downsampling,
    Padding,
    Resample,
    bilinear,
    centred,
    conv,
    grown,
    leaky_relu,
)


@dataclass(frozen=True)
class Scale:
    """One scale of an hourglass; the first of a sequence is the finest.

    Args:
        down: channels on the way down.
        up: channels on the way up.
        skip: channels past the coarser scales; 0 for no skip connection.
        down_filter: side of the filters of both convolutions on the way down.
        up_filter: side of the filter on the way up.
        skip_filter: side of the filter of the skip connection.
        downsampling: how the size is halved.
        upsample: how it is doubled again.
        mix: a 1×1 convolution after the one on the way up.
    """

    down: int
    up: int
    skip: int = 0
    down_filter: int = 3
    up_filter: int = 3
    skip_filter: int = 1
    downsampling: Downsampling = STRIDED
    upsample: Resample = bilinear
    mix: bool = True


class Hourglass(nn.Module):
    """Network of scales, (B, in, H, W) -> (B, out, H, W); the released one is `[Scale(128, 128, 4)] * 5`.

    An image too small for the reflections and the batch statistics of the coarsest scale is first
    grown by reflection, and the result cut.

    Args:
        in_channels: of the input, usually noise.
        out_channels: of the image.
        scales: finest first.
        padding: at the border of every convolution.
        activation: makes the activation after every normalisation.
        bias: of the convolutions.
        sigmoid: end in (0, 1).
        keep_size: give every size back. If off, odd sizes end as in the released network: rounded
            up where a scale has no skip connection, down where it pools. Without odd sizes, or
            with strides and skip connections everywhere, the two are the same.

    Raises:
        ProblemError: there is no scale, or a filter size is even.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        scales: Sequence[Scale],
        *,
        padding: Padding = REFLECTION,
        activation: Activation = leaky_relu,
        bias: bool = True,
        sigmoid: bool = True,
        keep_size: bool = True,
    ) -> None:
        super().__init__()
        if not scales:
            raise ProblemError("an hourglass needs at least one scale, got none")
        self.keep_size = keep_size
        self.least = _least_side(scales, padding)
        self.levels = nn.ModuleList()
        for scale, coarser in zip(scales, [*scales[1:], None], strict=True):
            below = coarser.up if coarser else scale.down
            self.levels.append(Level(in_channels, below, scale, padding, activation, bias=bias))
            in_channels = scale.down
        self.output = conv(scales[0].up, out_channels, 1, padding, bias=bias)
        self.squash = nn.Sigmoid() if sigmoid else nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        """Make the image."""
        size = (z.shape[-2], z.shape[-1])
        x = grown(z, self._working_size(size)) if self.keep_size else z
        inputs: list[Tensor] = []
        for level in self.levels:
            inputs.append(x)
            x = level.descend(x, round_up=self.keep_size)
        for level in reversed(self.levels):
            x = level.ascend(x, inputs.pop(), keep_size=self.keep_size)
        image = self.squash(self.output(x))
        return centred(image, size) if self.keep_size else image

    def _working_size(self, size: tuple[int, int]) -> tuple[int, int]:
        height, width = (max(side, self.least) for side in size)
        single = 1 << len(self.levels)  # up to here the coarsest scale is one pixel high or wide
        if height <= single and width <= single:  # and batch statistics need more than one in all
            return single + 1, single + 1
        return height, width


class Level(nn.Module):
    """The layers of one scale; what lies between `descend` and `ascend` is the coarser scales."""

    def __init__(
        self,
        in_channels: int,
        below: int,
        scale: Scale,
        padding: Padding,
        activation: Activation,
        *,
        bias: bool,
    ) -> None:
        super().__init__()
        self.upsample = scale.upsample

        def block(inside: int, outside: int, filter_size: int) -> Block:
            return Block(inside, outside, filter_size, padding, activation, bias=bias)

        self.skip = block(in_channels, scale.skip, scale.skip_filter) if scale.skip else None
        self.shrink = Block(
            in_channels,
            scale.down,
            scale.down_filter,
            padding,
            activation,
            bias=bias,
            downsampling=scale.downsampling,
        )
        self.refine = block(scale.down, scale.down, scale.down_filter)
        self.joined = nn.BatchNorm2d(scale.skip + below)
        self.expand = block(scale.skip + below, scale.up, scale.up_filter)
        self.mix = block(scale.up, scale.up, 1) if scale.mix else None

    def descend(self, x: Tensor, *, round_up: bool) -> Tensor:
        """(B, in, H, W) -> (B, down, H / 2, W / 2)."""
        return self.refine(self.shrink(x, round_up=round_up))

    def ascend(self, x: Tensor, fine: Tensor, *, keep_size: bool) -> Tensor:
        """(B, below, H / 2, W / 2) and the input of `descend` -> (B, up, H, W)."""
        x = self.upsample(x)
        if keep_size:
            x = x[..., : fine.shape[-2], : fine.shape[-1]]
        if self.skip is not None:
            skipped = self.skip(fine)
            height = min(x.shape[-2], skipped.shape[-2])
            width = min(x.shape[-1], skipped.shape[-1])
            x = torch.cat([centred(skipped, (height, width)), centred(x, (height, width))], dim=1)
        x = self.expand(self.joined(x))
        return x if self.mix is None else self.mix(x)


def _least_side(scales: Sequence[Scale], padding: Padding) -> int:
    """Fewest pixels along a side for which no reflection is wider than what it reflects."""
    least = 1
    for scale in reversed(scales):
        down = padding.least(scale.down_filter)
        half = max(least, down)
        least = max(2 * half - 1, down, padding.least(scale.up_filter))
        least = max(least, padding.least(scale.skip_filter) if scale.skip else 1)
    return least
