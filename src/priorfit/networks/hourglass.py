"""The hourglass with skip connections of Deep Image Prior [ulyanov2018]_.

Authors' models/skip.py and models/common.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks import subpixel
from priorfit.networks.layers import Block, Padding, Resample, Style, bilinear
from priorfit.networks.pools import STRIDED, Downsampling
from priorfit.networks.sizes import Size, crop_centre, overlap, pad_to, size_of, working_size

STYLE = Style()


@dataclass(frozen=True)
class Scale:
    """One scale of an hourglass.

    On a CPU it pays to let the channels that meet, `skip` and those from below, be 32, 64, ….

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
    """Network of scales, (B, in, H, W) -> (B, out, H, W), any H and W.

    The released one for denoising is `Hourglass(32, 3, [Scale(128, 128, skip=4)] * 5)`. An image
    too small for the reflections or the batch statistics of its coarsest scale is grown by
    reflection first and the result cut.

    Args:
        in_channels: of the input, usually noise.
        out_channels: of the image.
        scales: finest first.
        style: of all layers.
        keep_size: give every size back. If off, odd sizes end as in the released network: rounded
            up to even where a scale has no skip connection, down where it pools, cut around the
            middle where two sizes meet. With strides and skip connections everywhere, or if no odd
            size occurs, the results are the same.

    Raises:
        ProblemError: there is no scale, or a filter size is even.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        scales: Sequence[Scale],
        *,
        style: Style = STYLE,
        keep_size: bool = True,
    ) -> None:
        super().__init__()
        if not scales:
            raise ProblemError("an hourglass needs at least one scale, got none")
        self.keep_size = keep_size
        self.least = _least_side(scales, style.padding)
        inside = [in_channels, *(scale.down for scale in scales)]
        below = [*(scale.up for scale in scales[1:]), scales[-1].down]
        self.levels = nn.ModuleList(
            HourglassLevel(channels, channels_below, scale, style)
            for channels, channels_below, scale in zip(inside, below, scales, strict=False)
        )
        self.output = style.conv(scales[0].up, out_channels, 1)
        self.ending = style.ending()

    def forward(self, z: Tensor) -> Tensor:
        size = size_of(z)
        x = pad_to(z, working_size(size, self.least, len(self.levels))) if self.keep_size else z
        levels = cast("list[HourglassLevel]", list(self.levels))
        fine: list[Tensor] = []
        for level in levels:
            fine.append(x)
            x = level.descend(x, keep_size=self.keep_size)
        for level in reversed(levels):
            x = level.ascend(x, fine.pop(), keep_size=self.keep_size)
        image = self.ending(_in_full(self.output, x))
        return crop_centre(image, size) if self.keep_size else image


def _in_full(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply the last layer in the precision of its parameters: bfloat16 has 8 bits an octave."""
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.to(layer.weight.dtype))


class HourglassLevel(nn.Module):
    """The layers of one scale; what comes between `descend` and `ascend` is the coarser scales."""

    def __init__(self, in_channels: int, below: int, scale: Scale, style: Style) -> None:
        super().__init__()
        self.upsample = scale.upsample
        down, up, skip = scale.down, scale.up, scale.skip
        self.skip = Block(in_channels, skip, scale.skip_filter, style) if skip else None
        self.shrink = Block(in_channels, down, scale.down_filter, style, scale.downsampling)
        self.refine = Block(down, down, scale.down_filter, style)
        self.joined = style.norm(skip + below)
        self.expand = Block(skip + below, up, scale.up_filter, style)
        self.mix = Block(up, up, 1, style) if scale.mix else None

    def descend(self, x: Tensor, *, keep_size: bool) -> Tensor:
        """(B, in, H, W) -> (B, down, H / 2, W / 2)."""
        return self.refine(self.shrink(x, round_up=keep_size))

    def ascend(self, x: Tensor, fine: Tensor, *, keep_size: bool) -> Tensor:
        """(B, below, H / 2, W / 2) and the input of `descend` -> (B, up, H, W)."""
        skipped = None if self.skip is None else self.skip(fine)
        conv, norm, small, large = self.expand.conv, self.joined, size_of(x), size_of(fine)
        if subpixel.applies(self.upsample, norm, conv, small, large):
            x = subpixel.doubled_and_convolved(x, skipped, self.upsample, norm, conv)
            x = self.expand.activation(self.expand.norm(x))
        else:
            x = self.expand(norm(self._join(x, skipped, large if keep_size else None)))
        return x if self.mix is None else self.mix(x)

    def _join(self, x: Tensor, skipped: Tensor | None, size: Size | None) -> Tensor:
        x = self.upsample(x)
        if size is not None:
            x = crop_centre(x, size)
        if skipped is None:
            return x
        both = overlap(x, skipped)
        return torch.cat([crop_centre(skipped, both), crop_centre(x, both)], dim=1)


def _least_side(scales: Sequence[Scale], padding: Padding) -> int:
    """Fewest pixels along a side for which no reflection is wider than what it reflects."""
    least = 1
    for scale in reversed(scales):
        half = max(least, padding.least(scale.down_filter))
        filters = [scale.down_filter, scale.up_filter, scale.skip_filter if scale.skip else 1]
        least = max(2 * half - 1, *map(padding.least, filters))
    return least
