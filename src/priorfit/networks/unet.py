"""The U-Net of Deep Image Prior's study of architectures [ulyanov2018]_.

Authors' models/unet.py, which fails for more than one extra layer; here any number works.
"""

from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.doubling import Doubling, biased_transposed
from priorfit.networks.layers import (
    ZEROS,
    Block,
    Resample,
    Style,
    instance_norm,
    no_norm,
    relu,
)
from priorfit.networks.sizes import crop_centre, make_even, pad_to, size_of, working_size

WIDTHS = (64, 128, 256, 512, 1024)
STYLE = Style(padding=ZEROS, norm=instance_norm, activation=relu)

_average: Resample = partial(F.avg_pool2d, kernel_size=2)
_maximum: Resample = partial(F.max_pool2d, kernel_size=2)


class UNet(nn.Module):
    """U-Net, (B, in, H, W) -> (B, out, H, W), any H and W.

    Args:
        in_channels: of the input, usually noise.
        out_channels: of the image.
        feature_scale: the widths are 64, 128, …, 1024 divided by this.
        more_layers: scales below the four that halve the size, of the last width.
        concat_input: append the averaged input to the features of every scale.
        doubling: how a size is doubled.
        style: of all layers; the way up has no normalisation.
        keep_size: give every size back. If off, odd sizes end as in the released network, rounded
            down to what the scales can double.

    Raises:
        ProblemError: the first width leaves no room beside the input.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        feature_scale: int = 4,
        more_layers: int = 0,
        concat_input: bool = False,
        doubling: Doubling = biased_transposed,
        style: Style = STYLE,
        keep_size: bool = True,
    ) -> None:
        super().__init__()
        widths = [width // feature_scale for width in WIDTHS]
        widths += [widths[-1]] * more_layers
        appended = in_channels if concat_input else 0
        if widths[0] <= appended:
            raise ProblemError(
                f"the first scale must be wider than the {appended} appended channels, "
                f"got {widths[0]}; take a smaller feature_scale"
            )
        self.concat_input, self.keep_size = concat_input, keep_size
        self.least = _least_side(len(widths) - 1, style)
        self.down = nn.ModuleList(
            ConvPair(inside, outside - appended, style)
            for inside, outside in zip([in_channels, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            UNetRise(below, width, doubling, style) for width, below in pairwise(widths)
        )
        self.output = style.conv(widths[0], out_channels, 1)
        self.ending = style.ending()

    def forward(self, z: Tensor) -> Tensor:
        size = size_of(z)
        if self.keep_size:
            z = pad_to(z, working_size(size, self.least, len(self.up)))
        features = [self._join(self.down[0](z), z)]
        for pair in self.down[1:]:
            z = self._halve(z, _average)
            x = pair(self._halve(features[-1], _maximum))
            features.append(self._join(x, z))
        x = features.pop()
        for rise in reversed(self.up):
            x = rise(x, features.pop(), keep_size=self.keep_size)
        image = self.ending(self.output(x))
        return crop_centre(image, size) if self.keep_size else image

    def _join(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.cat([x, z], dim=1) if self.concat_input else x

    def _halve(self, x: Tensor, pool: Resample) -> Tensor:
        return pool(make_even(x) if self.keep_size else x)


class ConvPair(nn.Module):
    """Twice convolution, normalisation, activation."""

    def __init__(self, inside: int, outside: int, style: Style) -> None:
        super().__init__()
        self.first = Block(inside, outside, 3, style)
        self.second = Block(outside, outside, 3, style)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class UNetRise(nn.Module):
    """Double the size, append the features of the way down, convolve twice."""

    def __init__(self, below: int, width: int, doubling: Doubling, style: Style) -> None:
        super().__init__()
        self.enlarge = doubling(below, width, style)
        bare = Style(style.padding, no_norm, style.activation, style.bias)
        self.pair = ConvPair(2 * width, width, bare)

    def forward(self, x: Tensor, fine: Tensor, *, keep_size: bool) -> Tensor:
        """(B, below, H / 2, W / 2) and (B, width, H, W) -> (B, width, H, W)."""
        x = self.enlarge(x)
        x = crop_centre(x, size_of(fine)) if keep_size else x
        return self.pair(torch.cat([x, crop_centre(fine, size_of(x))], dim=1))


def _least_side(halvings: int, style: Style) -> int:
    least = style.padding.least(3)
    for _ in range(halvings):
        least = max(2 * least - 1, style.padding.least(3))
    return least
