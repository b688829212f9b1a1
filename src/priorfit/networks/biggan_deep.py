"""BigGAN-deep's generator [brock2019]_, as Hugging Face released DeepMind's weights."""

import itertools
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan_deep_layers import (
    DeepBlock,
    DividedConv2d,
    DividedLinear,
    TruncatedNorm,
    TruncatedPlainNorm,
)
from priorfit.networks.biggan_layers import Attention
from priorfit.networks.biggan_norms import Table
from priorfit.networks.generator import Generator, split_at
from priorfit.noise import Noise
from priorfit.types import Image

_BEYOND = 2.0  # standard deviations that z was cut off at in training


@dataclass(frozen=True)
class BigGanDeepConfig:
    """How a generator of BigGAN-deep is built; the defaults are those published for 128 pixels.

    Args:
        channels: of the input of each block, and of the last one's output.
        doubling: blocks that double the size, counted from 0.
        attention: how many blocks come before the attention; None for no attention.
        z_dim: Z.
        classes: how many classes there are.
        embedding: E, width of the embedding of a class.
        drawn: channels that the last layer makes, of which the first three are the image.
        entries: truncations for which there are statistics, evenly spaced from 0 to 1.
        truncation: at which it draws unless told otherwise; released: 0.4 in the README's example.
        interpolation: of the statistics between two truncations. "released" gives each the share
            of the other, as the released code does; a multiple of 0.02 that a division rounds down,
            such as 0.58, gets the entry before its own there.
        eps: added to variances.
    """

    channels: tuple[int, ...] = tuple(128 * n for n in (16, 16, 16, 16, 8, 8, 4, 4, 2, 2, 1))
    doubling: tuple[int, ...] = (1, 3, 5, 7, 9)
    attention: int | None = 8
    z_dim: int = 128
    classes: int = 1000
    embedding: int = 128
    drawn: int = 128
    entries: int = 51
    truncation: float = 0.4
    interpolation: Literal["linear", "released"] = "linear"
    eps: float = 1e-4


class BigGanDeep(Generator):
    """Residual blocks with bottlenecks, whose norms are told all of z and the class.

    The statistics of the norms are stored, by truncation: how narrowly z is drawn. They are the
    same in training, for which this kind of network is not meant.

    The first layer makes 4×4 pixels of z and the class, each block is one layer and so is the
    attention, the last makes the image. Before the first the features are z, (B, Z, 1, 1).

    Args:
        config: how it is built.

    Raises:
        CheckpointError: settings that contradict each other.
    """

    kind = "biggan-deep"
    Config = BigGanDeepConfig

    def __init__(self, config: BigGanDeepConfig) -> None:
        super().__init__(config)
        _check(config)
        side = 4 << len(config.doubling)
        self.size, self.z_dim, self.classes = (side, side), config.z_dim, config.classes
        told, channels = config.z_dim + config.embedding, config.channels
        released = config.interpolation == "released"
        self.shared = Table(config.classes, config.embedding)
        self.linear = DividedLinear(told, 16 * channels[0])

        def norm(width: int) -> nn.Module:
            return TruncatedNorm(
                width,
                told,
                config.entries,
                config.eps,
                released=released,
                truncation=config.truncation,
            )

        self.blocks = nn.ModuleList()
        side = 4
        for index, (inside, outside) in enumerate(itertools.pairwise(channels)):
            if index == config.attention:
                self.blocks.append(Attention(inside, _pixelwise))
            double = index in config.doubling
            self.blocks.append(DeepBlock(norm, inside, outside, side=side, double=double))
            side <<= double
        self.layers = len(self.blocks) + 2
        self.norm = TruncatedPlainNorm(channels[-1], config.entries, config.eps, released=released)
        self.output = DividedConv2d(channels[-1], config.drawn, 3, keep=3)

    def sample(self, noise: Noise) -> Tensor:
        """Draw z, (B, Z), as the truncation of the config wants it.

        N(0, 1) cut off at ±2, as in training [brock2019]_, times the truncation.
        """
        edge = torch.special.ndtr(torch.tensor(_BEYOND)).item()
        share = noise.uniform(self.z_dim)
        z = torch.special.ndtri(1 - edge + share * (2 * edge - 1))
        return self.config.truncation * z.clamp(-_BEYOND, _BEYOND)

    def embed(self, labels: Tensor) -> Tensor:
        """Embedding c of class numbers, (B,) -> (B, E)."""
        return self.shared(labels)

    def lower(
        self,
        latent: Tensor,
        layer: int,
        c: Tensor | None = None,
        *,
        truncation: float | None = None,
    ) -> Tensor:
        split_at(layer, self.layers)
        return self._run(latent[..., None, None], range(layer), latent, c, truncation)

    def upper(
        self,
        features: Tensor,
        layer: int,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        truncation: float | None = None,
    ) -> Image:
        rest = range(split_at(layer, self.layers), self.layers)
        return self._run(features, rest, latent, c, truncation)

    def draw(
        self, latent: Tensor, c: Tensor | None = None, *, truncation: float | None = None
    ) -> Image:
        """The image of z, (B, Z), and of a class, as (B, 3, H, W) in [-1, 1].

        Args:
            latent: z, already scaled by the truncation.
            c: (B, E), see `embed`.
            truncation: from 0 to 1, which statistics are used; None for that of the config.

        Raises:
            ProblemError: there is no class, or another truncation than from 0 to 1.
        """
        return self._run(latent[..., None, None], range(self.layers), latent, c, truncation)

    def forward(
        self, z: Tensor, c: Tensor | None = None, *, truncation: float | None = None
    ) -> Image:
        return self.draw(z, c, truncation=truncation)

    def _run(
        self, x: Tensor, layers: range, latent: Tensor, c: Tensor | None, truncation: float | None
    ) -> Tensor:
        truncation = self.config.truncation if truncation is None else truncation
        if not 0 <= truncation <= 1:
            raise ProblemError(f"expected a truncation from 0 to 1, got {truncation}")
        if c is None:
            raise ProblemError("expected the embedding of a class with z, got none")
        told = torch.cat([latent, c], 1)
        for layer in layers:
            x = self._layer(layer, x, told, c, truncation)
        return x

    def _layer(self, layer: int, x: Tensor, told: Tensor, c: Tensor, truncation: float) -> Tensor:
        if layer == 0:
            x = self.linear(torch.cat([x.flatten(1), c], 1))
            return x.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        if layer == self.layers - 1:
            return torch.tanh(self.output(self.norm(x, truncation).relu_()))
        block = self.blocks[layer - 1]
        return block(x, told, truncation) if isinstance(block, DeepBlock) else block(x)


def _pixelwise(inside: int, outside: int) -> DividedConv2d:
    return DividedConv2d(inside, outside, 1, bias=False)


def _check(config: BigGanDeepConfig) -> None:
    blocks = len(config.channels) - 1
    if not 1 <= blocks <= 32 or not {*config.doubling} <= {*range(blocks)}:
        raise CheckpointError(f"no BigGAN-deep has the blocks of {config}")
    if any(wide < narrow for wide, narrow in itertools.pairwise(config.channels)):
        raise CheckpointError("the blocks of a BigGAN-deep never widen")
    if len({*config.doubling}) != len(config.doubling) or len(config.doubling) > 8:
        raise CheckpointError(f"a BigGAN-deep cannot double its size in {config.doubling}")
    if config.attention is not None and not 0 <= config.attention < blocks:
        raise CheckpointError(f"there is no attention before block {config.attention}")
    if min(config.channels) < 1 or config.channels[-2] < 4 or config.entries < 2:
        raise CheckpointError(f"a BigGAN-deep cannot be as narrow as {config}")
    if config.drawn < 3 or not 0 <= config.truncation <= 1:
        raise CheckpointError(f"a BigGAN-deep draws three channels, truncated by 0 to 1: {config}")
