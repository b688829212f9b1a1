"""BigGAN's discriminator [brock2019]_, whose features DGP measures distances with [pan2020]_."""

import itertools
from dataclasses import dataclass

from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan_layers import DownBlock
from priorfit.networks.generator import Discriminator
from priorfit.networks.weights import SpectralEmbedding, SpectralLinear
from priorfit.types import Image

# Channels after each block in the widths of the first ones, by the side of the image.
_WIDENING = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}


def discriminator_channels(side: int, width: int = 96) -> tuple[int, ...]:
    """Published channels of a discriminator of BigGAN after each block [brock2019]_.

    Args:
        side: of the image; 32, 64, 128 or 256.
        width: ch, of which all channels are multiples.

    Raises:
        ProblemError: another side.
    """
    if side not in _WIDENING:
        known = ", ".join(map(str, _WIDENING))
        raise ProblemError(f"a BigGAN was published for sides of {known}, got {side}")
    return tuple(width * factor for factor in _WIDENING[side])


@dataclass(frozen=True)
class BigGanDiscriminatorConfig:
    """How a discriminator of BigGAN is built.

    Args:
        side: of the images, which the shapes of the weights do not tell.
        channels: after each block.
        halvings: how many blocks halve the size, the first ones.
        attention: blocks that end in one, counted from 0.
        classes: how many classes there are; 0 for none.
        wide: whether the first convolution of a block widens, rather than the second.
        overwrites: whether the last feature before the pooled ones is stored after its ReLU, which
            as released is done in place ("inplace_relu", DGP's default). A generator draws the
            same with either ReLU.
        sn_eps: least norm in the power iteration.
    """

    side: int = 128
    channels: tuple[int, ...] = discriminator_channels(128)
    halvings: int = 5
    attention: tuple[int, ...] = (0,)
    classes: int = 1000
    wide: bool = True
    overwrites: bool = False
    sn_eps: float = 1e-6


class BigGanDiscriminator(Discriminator):
    """Residual blocks that halve the size, then the sum over all pixels and a projection.

        D(x, y) = linear(h) + ⟨embed(y), h⟩,   h = Σ ReLU(features)

    Args:
        config: how it is built.

    Raises:
        CheckpointError: settings that contradict each other.
    """

    kind = "biggan-discriminator"
    Config = BigGanDiscriminatorConfig

    def __init__(self, config: BigGanDiscriminatorConfig) -> None:
        super().__init__(config)
        blocks = len(config.channels)
        if not 1 <= blocks <= 10 or not 0 <= config.halvings <= blocks:
            raise CheckpointError(f"a BigGAN has 1 to 10 blocks that may halve, got {config}")
        if not all(0 <= index < blocks for index in config.attention):
            raise CheckpointError(f"there is no block for the attention of {config}")
        self.size, self.classes = (config.side, config.side), config.classes
        self.blocks = nn.ModuleList(
            DownBlock(
                inside,
                outside,
                side=config.side >> min(index, config.halvings),
                first=index == 0,
                halve=index < config.halvings,
                wide=config.wide,
                attention=index in config.attention,
                sn_eps=config.sn_eps,
            )
            for index, (inside, outside) in enumerate(itertools.pairwise((3, *config.channels)))
        )
        last = config.channels[-1]
        self.linear = SpectralLinear(last, 1, eps=config.sn_eps)
        self.embedding = None
        if config.classes:
            self.embedding = SpectralEmbedding(config.classes, last, eps=config.sn_eps)

    def features(self, image: Image) -> list[Tensor]:
        """Features of (B, 3, H, W) in [-1, 1], from the finest to the coarsest.

        The result of each block, then that of its attention where it has one; at the end the sum
        over all pixels, (B, C).
        """
        found: list[Tensor] = []
        x = image
        for block in self.blocks:
            assert isinstance(block, DownBlock)
            x = block(x)
            found.append(x)
            if block.attention is not None:
                x = block.attention(x)
                found.append(x)
        positive = x.relu()
        if self.config.overwrites:
            found[-1] = positive
        return [*found, positive.sum((2, 3))]

    def forward(self, image: Image, labels: Tensor | None = None) -> Tensor:
        """How much images in [-1, 1] look like photographs, (B,); higher is more.

        Args:
            image: (B, 3, H, W).
            labels: class numbers, (B,); None leaves the projection out, as DGP does.
        """
        pooled = self.features(image)[-1]
        score = self.linear(pooled)[:, 0]
        if labels is None or self.embedding is None:
            return score
        return score + (self.embedding(labels) * pooled).sum(1)
