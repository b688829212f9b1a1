"""BigGAN's generator [brock2019]_, as DGP and its author's own PyTorch code have it [pan2020]_."""

import itertools
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan_layers import UpBlock
from priorfit.networks.biggan_norms import ConditionalNorm, InstanceNorm, PlainNorm, Table
from priorfit.networks.generator import Generator, split_at
from priorfit.networks.weights import SpectralConv2d, SpectralLinear
from priorfit.types import Image

InstanceNorms = tuple[tuple[InstanceNorm, InstanceNorm], ...]
"""Two for each block; what a BigGAN may be drawn with instead of its own norms."""

# Channels at 4, 8, … pixels in the widths of the last ones, by the side of the image.
_WIDENING = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}


def generator_channels(side: int, width: int = 96) -> tuple[int, ...]:
    """Published channels of a BigGAN [brock2019]_ at 4, 8, 16, … pixels.

    Args:
        side: of the image; 32, 64, 128, 256 or 512.
        width: ch, of which all channels are multiples.

    Raises:
        ProblemError: another side.
    """
    if side not in _WIDENING:
        known = ", ".join(map(str, _WIDENING))
        raise ProblemError(f"a BigGAN was published for sides of {known}, got {side}")
    return tuple(width * factor for factor in _WIDENING[side])


@dataclass(frozen=True)
class BigGanConfig:
    """How a generator of BigGAN is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        attention: blocks that end in one, counted from 0; block i draws 8·2ⁱ pixels.
        z_dim: Z at most: chunks are of one length, so that it may be a little less.
        classes: how many classes there are; 0 for none.
        embedding: E, width of the embedding of a class.
        hierarchical: whether every block is told a chunk of z; else the first layer alone.
        shared: whether the norms share one embedding; else each has a table of the classes, E is
            their number, and every layer but the first knows nothing of z.
        bn_eps: added to variances.
        sn_eps: least norm in the power iteration.
    """

    channels: tuple[int, ...] = generator_channels(128)
    attention: tuple[int, ...] = (3,)
    z_dim: int = 120
    classes: int = 1000
    embedding: int = 128
    hierarchical: bool = True
    shared: bool = True
    bn_eps: float = 1e-5
    sn_eps: float = 1e-6


class BigGan(Generator):
    """Residual blocks that double the size, whose norms are told the class and chunks of z.

    The first layer makes 4×4 pixels of the first chunk, each block is one layer, the last makes
    the image. Before the first the features are z, (B, Z, 1, 1). As parts of a code the layers
    are `linear`, `blocks.0`, …, `output`, and the embeddings `shared`.

    Args:
        config: how it is built.

    Raises:
        CheckpointError: settings that contradict each other.
    """

    kind = "biggan"
    Config = BigGanConfig

    def __init__(self, config: BigGanConfig) -> None:
        super().__init__(config)
        _check(config)
        channels, blocks = config.channels, len(config.channels) - 1
        self.size, self.classes = (4 << blocks, 4 << blocks), config.classes
        self.layers = blocks + 2
        self.groups = (("linear",), *((f"blocks.{index}",) for index in range(blocks)))
        self.chunk = config.z_dim // (blocks + 1) if config.hierarchical else config.z_dim
        self.z_dim = self.chunk * (blocks + 1) if config.hierarchical else config.z_dim
        self.shared = None
        if config.classes and config.shared:
            self.shared = Table(config.classes, config.embedding)
        self.linear = SpectralLinear(self.chunk, 16 * channels[0], eps=config.sn_eps)
        self.blocks = nn.ModuleList(
            UpBlock(
                (self._norm(inside), self._norm(outside)),
                inside,
                outside,
                side=4 << index,
                attention=index in config.attention,
                sn_eps=config.sn_eps,
            )
            for index, (inside, outside) in enumerate(itertools.pairwise(channels))
        )
        self.output = nn.Sequential(
            PlainNorm(channels[-1], config.bn_eps),
            nn.ReLU(),
            SpectralConv2d(channels[-1], 3, 3, eps=config.sn_eps),
        )

    def embed(self, labels: Tensor) -> Tensor | None:
        """Embedding c of class numbers, (B,) -> (B, E); without a shared one, 1 at the number."""
        if self.shared is not None:
            return self.shared(labels)
        if not self.classes:
            return None
        return F.one_hot(labels, self.classes).to(self.linear.weight.dtype)

    def lower(
        self,
        latent: Tensor,
        layer: int,
        c: Tensor | None = None,
        *,
        norms: InstanceNorms | None = None,
    ) -> Tensor:
        split_at(layer, self.layers)
        return self._run(latent[..., None, None], range(layer), latent, c, norms)

    def upper(
        self,
        features: Tensor,
        layer: int,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        norms: InstanceNorms | None = None,
    ) -> Image:
        rest = range(split_at(layer, self.layers), self.layers)
        return self._run(features, rest, latent, c, norms)

    def draw(
        self, latent: Tensor, c: Tensor | None = None, *, norms: InstanceNorms | None = None
    ) -> Image:
        """The image of z, (B, Z), and of a class, as (B, 3, H, W) in [-1, 1].

        Args:
            latent: z.
            c: (B, E), see `embed`.
            norms: of `instance_norms`, instead of the norms of the blocks.
        """
        return self._run(latent[..., None, None], range(self.layers), latent, c, norms)

    def forward(
        self, z: Tensor, c: Tensor | None = None, *, norms: InstanceNorms | None = None
    ) -> Image:
        return self.draw(z, c, norms=norms)

    @torch.no_grad()
    def instance_norms(self, latent: Tensor, c: Tensor | None = None) -> InstanceNorms:
        """Instance norms that can stand in for those of the blocks, as DGP does [pan2020]_.

        Each is fitted, where it stands, to the mean and the deviation of what the norm it replaces
        would give, for each channel of each image; what they draw differs little at first. As
        released they stay what they are while an image is fitted ("use_in").

        Args:
            latent: (B, Z).
            c: (B, E).
        """
        told = self._condition(latent, c)
        x = self._first(latent)
        found = []
        for block, conditions in zip(self._blocks(), told, strict=True):
            x, norms = block.swapped(x, conditions)
            found.append(norms)
        return tuple(found)

    def _run(
        self,
        x: Tensor,
        layers: range,
        latent: Tensor,
        c: Tensor | None,
        norms: InstanceNorms | None,
    ) -> Tensor:
        blocks, told = self._blocks(), self._condition(latent, c)
        for layer in layers:
            if layer == 0:
                x = self._first(x.flatten(1))
            elif layer == self.layers - 1:
                x = torch.tanh(self.output(x))
            else:
                index = layer - 1
                x = blocks[index](x, told[index], norms[index] if norms else None)
        return x

    def _first(self, z: Tensor) -> Tensor:
        return self.linear(z[:, : self.chunk]).unflatten(1, (-1, 4, 4))

    def _condition(self, latent: Tensor, c: Tensor | None) -> list[tuple[Tensor, ...]]:
        """What the norms of each block are told."""
        if self.classes and c is None:
            raise ProblemError("expected the embedding of a class with z, got none")
        known = [] if c is None or not self.classes else [c]
        if not self.config.hierarchical:
            return [tuple(known)] * len(self.blocks)
        chunks = latent.split(self.chunk, 1)[1:]
        return [(torch.cat([*known, chunk], 1),) for chunk in chunks]

    def _blocks(self) -> list[UpBlock]:
        return cast("list[UpBlock]", list(self.blocks))

    def _norm(self, channels: int) -> nn.Module:
        config = self.config
        told = self.chunk if config.hierarchical else 0
        if config.classes:
            told += config.embedding if config.shared else config.classes
        if not told:
            return PlainNorm(channels, config.bn_eps)
        return ConditionalNorm(
            channels,
            told,
            table=bool(config.classes) and not config.shared,
            eps=config.bn_eps,
            sn_eps=config.sn_eps,
        )


def _check(config: BigGanConfig) -> None:
    blocks = len(config.channels) - 1
    if not 1 <= blocks <= 8 or not all(0 <= index < blocks for index in config.attention):
        raise CheckpointError(f"a BigGAN has 1 to 8 blocks and attention there, got {config}")
    if config.hierarchical and config.classes and not config.shared:
        raise CheckpointError("a BigGAN whose norms have tables of their own has no hierarchy")
    if config.z_dim < (blocks + 1 if config.hierarchical else 1):
        raise CheckpointError(f"a z of {config.z_dim} numbers cannot be cut into {blocks + 1}")
