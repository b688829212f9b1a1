"""StyleGAN2's generator, as first released [karras2020]_ and with ADA [karras2020ada]_."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from priorfit.networks import stylegan2_layers as parts
from priorfit.networks.generator import split_at
from priorfit.networks.growth import widths
from priorfit.networks.styled import Styled
from priorfit.networks.stylegan2_layers import Manner, StyledConv2d, StyleMapping, ToColor
from priorfit.networks.weights import EqualisedConv2d, normal
from priorfit.noise import Noise
from priorfit.types import Image


@dataclass(frozen=True)
class StyleGan2Config:
    """How a StyleGAN2 is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        z_dim: Z.
        w_dim: W.
        mapping_width: of the layers of the mapping but the last.
        mapping_depth: how many layers the mapping has.
        mapping_rate: learning rate of the mapping beside that of the synthesis.
        architecture: how the image leaves the features: after the last layer ("origin"), as a sum
            of images of every size ("skip"), after the last of layers with shortcuts ("resnet").
        noise: whether layers add noise.
        clamp: largest magnitude of an activation; those of a branch are divided by √2 with it.
        scaled: whether 10⁻⁸ is added to the norm of weights that are divided by √fan_in, as first
            released, or to that of the stored ones, as with ADA.
        fused: whether the style scales weights, one copy for each image, or features: the same up
            to rounding. On a CPU features are faster for every size of a batch.
        truncation_psi: share of the way from the mean w to its own that `truncated` goes.
        truncation_layers: how many layers `truncated` changes, from the coarsest; None for all.
        classes: how many classes there are; 0 for none.
        embedding: width of the embedding of a class.
        joined: whether z and the embedding are normalised together, as first released, or each
            by itself, as with ADA.
        colors: channels of the image.
    """

    channels: tuple[int, ...] = widths(256, 32768)
    z_dim: int = 512
    w_dim: int = 512
    mapping_width: int = 512
    mapping_depth: int = 8
    mapping_rate: float = 0.01
    architecture: Literal["origin", "skip", "resnet"] = "skip"
    noise: bool = True
    clamp: float | None = None
    scaled: bool = True
    fused: bool = False
    truncation_psi: float = 0.5
    truncation_layers: int | None = None
    classes: int = 0
    embedding: int = 0
    joined: bool = False
    colors: int = 3


class StyleGan2(Styled):
    """StyleGAN2: z is mapped to w, and each layer's weights are scaled by w and normalised.

        x = G(w₁ … w_L),   w = f(z / ‖z‖, class),   w⁺ where the rows differ

    Layers 0 to L − 2 are convolutions, the last one makes the image of the features. A w may also
    have one row alone, (B, 1, W), that holds for all layers. Where it is split, whatever is still
    needed travels with the features as further channels: with "skip" the image so far, doubled as
    soon as the features are, and coloured by what ends a size; with "resnet" the shortcut past the
    two layers of a size. Before the first layer and after the last nothing does: there the features
    are the constant that every image begins with, and the image itself.

    Args:
        config: how it is built.

    Raises:
        CheckpointError: it would have more scales or layers than anybody gives it.
    """

    kind = "stylegan2"
    Config = StyleGan2Config

    def __init__(self, config: StyleGan2Config) -> None:
        super().__init__(config)
        channels = config.channels
        parts.sensible("the number of scales", len(channels), 1, 12)
        parts.sensible("the depth of a mapping", config.mapping_depth, 1, 64)
        side = 4 << (len(channels) - 1)
        self.size, self.z_dim, self.w_dim = (side, side), config.z_dim, config.w_dim
        self.colors = config.colors
        self.layers, self.classes = 2 * len(channels), config.classes
        hidden = [config.mapping_width] * (config.mapping_depth - 1)
        self.mapping = StyleMapping(
            [config.z_dim, *hidden, config.w_dim],
            rate=config.mapping_rate,
            classes=config.classes,
            embedding=config.embedding,
            joined=config.joined,
        )
        self.const = nn.Parameter(torch.zeros(1, channels[0], 4, 4))
        self.synthesis = _synthesis(config)
        self.shortcuts = nn.ModuleList()
        if config.architecture == "resnet":
            for inside, outside in itertools.pairwise(channels):
                conv = EqualisedConv2d(inside, outside, 1, gain=parts.HALF, bias=False)
                self.shortcuts.append(conv)
        colored = channels if config.architecture == "skip" else channels[-1:]
        manner = _manner(config)
        self.outputs = nn.ModuleList(ToColor(n, config.colors, manner) for n in colored)

    def start(self, generator: torch.Generator) -> None:
        """Begin with a constant of N(0, 1)."""
        normal(self.const, 1.0, generator)

    def follow(self, w: Tensor, momentum: float = 0.995) -> None:
        """Let the mean w follow a batch of w in training, (B, L, W)."""
        self.mapping.follow(w, momentum)

    def fresh_noise(self, noise: Noise, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """Draw noise for every convolution, (B, 1, h, w) each, instead of the stored one."""
        sides = [4 << (index + 1) // 2 for index in range(self.layers - 1)]
        return [noise.normal(1, side, side, dtype=dtype) for side in sides]

    def no_noise(self) -> list[Tensor]:
        """What to give as noise for none."""
        return [self.const.new_zeros(1, 1, 1, 1)] * (self.layers - 1)

    def lower(
        self,
        latent: Tensor,
        layer: int,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
    ) -> Tensor:
        w = self.rows(latent)
        start = self.const.expand(len(w), -1, -1, -1)
        return self._run(start, w, range(split_at(layer, self.layers)), noise)

    def upper(
        self,
        features: Tensor,
        layer: int,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
    ) -> Image:
        remaining = range(split_at(layer, self.layers), self.layers)
        return self._run(features, self.rows(latent), remaining, noise)

    def draw(
        self,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
    ) -> Image:
        """The image of w, (B, L, W) or (B, 1, W), as (B, 3, H, W) about [-1, 1].

        Args:
            latent: w.
            c: no matter here: w knows the class.
            noise: of `fresh_noise` or `no_noise`, instead of the stored one.
        """
        w = self.rows(latent)
        start = self.const.expand(len(w), -1, -1, -1)
        return self._run(start, w, range(self.layers), noise)

    def forward(
        self, z: Tensor, c: Tensor | None = None, *, noise: Sequence[Tensor] | None = None
    ) -> Image:
        return self.draw(self.map(z, c), noise=noise)

    def _run(
        self, features: Tensor, w: Tensor, indices: range, noise: Sequence[Tensor] | None
    ) -> Tensor:
        """Run some layers on what a split handed over, and hand over again."""
        first, last = indices.start, indices.stop
        width = [*self.config.channels, self.config.colors][first // 2]
        if features.device.type == "cpu":  # where smoothing takes half the time like that
            features = features.contiguous(memory_format=torch.channels_last)
        x, beside = features[:, :width], features[:, width:]
        aside = beside if beside.shape[1] else None
        for index in indices:
            x, aside = self._layer(index, x, aside, w, noise)
        return x if aside is None or last == self.layers else torch.cat([x, aside], 1)

    def _layer(
        self,
        index: int,
        x: Tensor,
        aside: Tensor | None,
        w: Tensor,
        noise: Sequence[Tensor] | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Features and what goes past them, after one layer more."""
        if index == self.layers - 1:
            return _sum(self.outputs[-1](x, w[:, index]), aside), None
        before, given = x, None if noise is None else noise[index]
        x = self.synthesis[index](x, w[:, index], given)
        if index % 2:
            if self.shortcuts:
                return x, parts.double(self.shortcuts[index // 2](before))
            return x, None if aside is None else parts.double(aside)
        if self.config.architecture == "skip" and index < self.layers - 2:
            return x, _sum(self.outputs[index // 2](x, w[:, index + 1]), aside)
        return (_sum(x, aside), None) if self.shortcuts else (x, aside)


def _sum(x: Tensor, aside: Tensor | None) -> Tensor:
    return x if aside is None else x + aside


def _manner(config: StyleGan2Config) -> Manner:
    return Manner(config.w_dim, config.noise, config.clamp, config.scaled, config.fused)


def _synthesis(config: StyleGan2Config) -> nn.ModuleList:
    manner, inside = _manner(config), config.channels[0]
    layers = nn.ModuleList([StyledConv2d(inside, inside, 4, manner)])
    gain = parts.HALF if config.architecture == "resnet" else 1.0
    for scale, width in enumerate(config.channels[1:], 1):
        side = 4 << scale
        layers.append(StyledConv2d(inside, width, side, manner, up=True))
        layers.append(StyledConv2d(width, width, side, manner, gain=gain))
        inside = width
    return layers
