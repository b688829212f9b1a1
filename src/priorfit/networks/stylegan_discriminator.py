"""StyleGAN's discriminator [karras2019]_; without blur, PGGAN's [karras2018]_."""

import itertools
import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.generator import Discriminator
from priorfit.networks.growth import widths
from priorfit.networks.style_layers import (
    GAIN,
    EqualisedDownConv2d,
    activate,
    blurred,
    with_deviation,
)
from priorfit.networks.weights import EqualisedConv2d, EqualisedLinear
from priorfit.types import Image


@dataclass(frozen=True)
class StyleGanDiscriminatorConfig:
    """How a discriminator of StyleGAN is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        dense: width of the layer before the last.
        blur: whether features are smoothed before they are halved.
        group: how many images are compared with each other; 1 for none.
        classes: how many classes there are; 0 for none.
        colors: channels of the image.
        grows: whether it can take images while their resolution grows, for which each scale has a
            layer that begins with the image.
    """

    channels: tuple[int, ...] = widths(256)
    dense: int = 512
    blur: bool = True
    group: int = 4
    classes: int = 0
    colors: int = 3
    grows: bool = False


class StyleGanDiscriminator(Discriminator):
    """Convolutions that halve the size down to 4×4 pixels, then two linear layers.

    Before the last convolution the images of a batch are compared with each other, so that what
    `forward` says of one depends on its mates; `features` does not.

    Args:
        config: how it is built.
    """

    kind = "stylegan-discriminator"
    Config = StyleGanDiscriminatorConfig

    def __init__(self, config: StyleGanDiscriminatorConfig) -> None:
        super().__init__(config)
        channels = config.channels
        side = 4 << (len(channels) - 1)
        self.size, self.classes = (side, side), config.classes
        self.from_image = EqualisedConv2d(config.colors, channels[-1], 1)
        self.blocks = nn.ModuleList(
            Halving(fine, coarse, blur=config.blur)
            for fine, coarse in itertools.pairwise(reversed(channels))
        )
        coarser = reversed(channels[:-1]) if config.grows else ()
        self.from_coarser = nn.ModuleList(
            EqualisedConv2d(config.colors, width, 1) for width in coarser
        )
        compared = channels[0] + (config.group > 1)
        self.conv = EqualisedConv2d(compared, channels[0], 3)
        self.dense = EqualisedLinear(channels[0] * 16, config.dense, gain=GAIN)
        self.out = EqualisedLinear(config.dense, max(config.classes, 1))

    def features(self, image: Image, *, lod: float = 0.0) -> list[Tensor]:
        """Features of (B, 3, H, W) in [-1, 1]: of the image itself, then after each halving.

        With a lod the finest scales are left out, and the image brought to the first that is not;
        between two whole values the features of both are mixed [karras2018]_.

        Raises:
            ProblemError: it was not built to grow, or all scales are left out.
        """
        if not 0 <= lod <= len(self.from_coarser):
            raise ProblemError(f"expected a lod from 0 to {len(self.from_coarser)}, got {lod}")
        left_out, share = math.floor(lod), lod % 1
        begins = [self.from_image, *self.from_coarser]
        image = pool_means(image, 1 << left_out)
        found = [activate(begins[left_out](image))]
        for index, block in enumerate(cast("list[Halving]", list(self.blocks))[left_out:]):
            x = block(found[-1])
            if share and index == 0:
                x = torch.lerp(x, activate(begins[left_out + 1](pool_means(image, 2))), share)
            found.append(x)
        return found

    def forward(self, image: Image, labels: Tensor | None = None, *, lod: float = 0.0) -> Tensor:
        """How much images in [-1, 1] look like photographs, (B,); higher is more.

        Args:
            image: (B, 3, H, W).
            labels: class numbers, (B,), where there are classes; None takes the mean of all.
            lod: see `features`.
        """
        x = self.features(image, lod=lod)[-1]
        if self.config.group > 1:
            x = with_deviation(x, self.config.group)
        x = activate(self.conv(x))
        scores = self.out(activate(self.dense(x.flatten(1))))
        if labels is None or not self.classes:
            return scores.mean(1)
        return torch.gather(scores, 1, labels[:, None])[:, 0]


def pool_means(image: Image, factor: int) -> Image:
    """The means of squares of so many pixels a side, (B, C, h, w)."""
    return image if factor == 1 else F.avg_pool2d(image, factor)


class Halving(nn.Module):
    """Convolution, blur, convolution to half the size: (B, in, h, w) -> (B, out, h / 2, w / 2)."""

    def __init__(self, inside: int, outside: int, *, blur: bool) -> None:
        super().__init__()
        self.blur = blur
        self.conv = EqualisedConv2d(inside, inside, 3)
        self.down = EqualisedDownConv2d(inside, outside)

    def forward(self, x: Tensor) -> Tensor:
        x = activate(self.conv(x))
        return activate(self.down(blurred(x) if self.blur else x))
