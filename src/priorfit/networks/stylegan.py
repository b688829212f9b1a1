"""StyleGAN's generator [karras2019]_, also with a w of its own for every layer [zhu2020]_."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.generator import Generator, split_at
from priorfit.networks.growth import draw_layers, widths
from priorfit.networks.style_layers import (
    GAIN,
    EqualisedUpConv2d,
    Shift,
    StyleLayer,
    activate,
    pixel_norm,
    rows,
)
from priorfit.networks.weights import EqualisedConv2d, EqualisedLinear, normal
from priorfit.noise import Noise
from priorfit.types import Image

_DEEPEST = 64


@dataclass(frozen=True)
class StyleGanConfig:
    """How a StyleGAN is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        z_dim: Z.
        w_dim: W.
        mapping_width: of the layers of the mapping but the last.
        mapping_depth: how many layers the mapping has.
        mapping_rate: learning rate of the mapping beside that of the synthesis.
        repeat_w: whether z is mapped to one w for all layers; else each gets its own.
        final_tanh: whether the image ends in (-1, 1).
        truncation_psi: share of the way from the mean w to its own that `truncated` goes.
        truncation_layers: how many layers `truncated` changes, from the coarsest.
        classes: how many classes there are; 0 for none.
        colors: channels of the image.
        lod: how many doublings of the resolution are still missing; 0 in a grown network.
    """

    channels: tuple[int, ...] = widths(256)
    z_dim: int = 512
    w_dim: int = 512
    mapping_width: int = 512
    mapping_depth: int = 8
    mapping_rate: float = 0.01
    repeat_w: bool = True
    final_tanh: bool = False
    truncation_psi: float = 0.7
    truncation_layers: int = 8
    classes: int = 0
    colors: int = 3
    lod: float = 0.0


class StyleGan(Generator):
    """StyleGAN: z is mapped to w, and each layer's features get their statistics from w.

        x = G(w₁ … w_L),   w = f(z / ‖z‖),   w⁺ where the rows differ

    Layer 0 begins with a learned constant of 4×4 pixels. A w, (B, L, W), may also have one row
    alone, (B, 1, W), that holds for all layers.

    Args:
        config: how it is built.

    Raises:
        CheckpointError: the mapping has no layers, or more than anybody would give it.
    """

    kind = "stylegan"
    Config = StyleGanConfig

    def __init__(self, config: StyleGanConfig) -> None:
        super().__init__(config)
        if not 1 <= config.mapping_depth <= _DEEPEST:
            raise CheckpointError(
                f"expected 1 to {_DEEPEST} mapping layers, got {config.mapping_depth}"
            )
        channels = config.channels
        side = 4 << (len(channels) - 1)
        self.size, self.z_dim, self.w_dim = (side, side), config.z_dim, config.w_dim
        self.colors = config.colors
        self.layers, self.classes = 2 * len(channels), config.classes
        synthesis = [(f"synthesis.{2 * i}", f"synthesis.{2 * i + 1}") for i in range(len(channels))]
        self.groups = (("const", *synthesis[0]), *synthesis[1:])
        self.spaces = ("z", "w", "w+") if config.repeat_w else ("z", "w+")
        rows = 1 if config.repeat_w else self.layers
        known = torch.zeros(config.classes, config.z_dim) if config.classes else None
        self.labels = None if known is None else nn.Parameter(known)
        self.mapping = _mapping(config, rows)
        self.register_buffer("w_avg", torch.zeros(rows, config.w_dim))
        self.const = nn.Parameter(torch.ones(1, channels[0], 4, 4))
        self.synthesis = _synthesis(config)
        self.outputs = nn.ModuleList(
            EqualisedConv2d(width, config.colors, 1, gain=1) for width in channels
        )

    w_avg: Tensor

    def start(self, generator: torch.Generator) -> None:
        """Begin with a constant of ones, classes N(0, 1) and no idea of the mean w."""
        nn.init.ones_(self.const)
        nn.init.zeros_(self.w_avg)
        if self.labels is not None:
            normal(self.labels, 1.0, generator)

    def embed(self, labels: Tensor) -> Tensor | None:
        return None if self.labels is None else self.labels[labels]

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        if self.classes:
            if c is None:
                raise ProblemError("expected the embedding of a class with z, got none")
            z = torch.cat([z, c], 1)
        x = pixel_norm(z)
        for layer in self.mapping:
            x = activate(layer(x))
        return x.view(len(x), -1, self.w_dim).expand(-1, self.layers, -1)

    def truncated(self, w: Tensor, psi: float | None = None, layers: int | None = None) -> Tensor:
        """Move w towards its mean: more usual, less various pictures.

        Args:
            w: (B, L, W), as `map` gives it.
            psi: 1 leaves w as it is, 0 is the mean; None for what the network came with.
            layers: how many layers, from the coarsest, are moved; None likewise.
        """
        psi = self.config.truncation_psi if psi is None else psi
        layers = self.config.truncation_layers if layers is None else layers
        w = self.rows(w)
        share = torch.ones(self.layers, 1, device=w.device)  # float32 as released, also for float64
        share[:layers] = psi
        return torch.lerp(self.w_avg.expand_as(w), w, share.to(w.dtype))

    def follow(self, w: Tensor, momentum: float = 0.995) -> None:
        """Let the mean w follow a batch of w in training, (B, L, W)."""
        with torch.no_grad():
            mean = w[:, : len(self.w_avg)].mean(0)
            self.w_avg.lerp_(mean.to(self.w_avg), 1 - momentum)

    def fresh_noise(self, noise: Noise, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """Draw noise for every layer, (B, 1, h, w) each, to be used instead of the stored one."""
        shapes = [layer.noise.shape[1:] for layer in self._layers()]
        return [noise.normal(*shape, dtype=dtype) for shape in shapes]

    def lower(
        self,
        latent: Tensor,
        layer: int,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
    ) -> Tensor:
        split_at(layer, self.layers)
        w = self.rows(latent)
        x = self.const.expand(len(w), -1, -1, -1)
        for index in range(layer):
            x = self._layer(index, x, w, noise)
        return x

    def upper(
        self,
        features: Tensor,
        layer: int,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
        lod: float | None = None,
    ) -> Image:
        split_at(layer, self.layers)
        w = self.rows(latent)
        image = draw_layers(
            features,
            layer,
            run=lambda index, x: self._layer(index, x, w, noise),
            color=lambda scale, x: self.outputs[scale](x),
            scales=len(self.outputs),
            lod=self.config.lod if lod is None else lod,
        )
        return image.tanh() if self.config.final_tanh else image

    def draw(
        self,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        noise: Sequence[Tensor] | None = None,
        lod: float | None = None,
    ) -> Image:
        """The image of w, (B, L, W) or (B, 1, W), as (B, 3, H, W) in [-1, 1].

        Args:
            latent: w.
            c: no matter here: w knows the class.
            noise: of `fresh_noise`, instead of the stored one.
            lod: see `StyleGanConfig`; the image has its full size all the same.
        """
        return self.upper(self.lower(latent, 0, noise=noise), 0, latent, noise=noise, lod=lod)

    def forward(
        self, z: Tensor, c: Tensor | None = None, *, noise: Sequence[Tensor] | None = None
    ) -> Image:
        return self.draw(self.map(z, c), c, noise=noise)

    def rows(self, w: Tensor) -> Tensor:
        """A w with a row for each layer, (B, L, W), of one that may have a single row.

        Raises:
            ProblemError: it has neither one row nor L, or rows of another width.
        """
        return rows(w, self.layers, self.w_dim)

    def _layers(self) -> list[StyleLayer]:
        return cast("list[StyleLayer]", list(self.synthesis))

    def _layer(self, index: int, x: Tensor, w: Tensor, noise: Sequence[Tensor] | None) -> Tensor:
        return self.synthesis[index](x, w[:, index], None if noise is None else noise[index])


def _mapping(config: StyleGanConfig, rows: int) -> nn.ModuleList:
    hidden = [config.mapping_width] * (config.mapping_depth - 1)
    sizes = [config.z_dim * (2 if config.classes else 1), *hidden, rows * config.w_dim]
    return nn.ModuleList(
        EqualisedLinear(inside, outside, gain=GAIN, rate=config.mapping_rate)
        for inside, outside in itertools.pairwise(sizes)
    )


def _synthesis(config: StyleGanConfig) -> nn.ModuleList:
    layers = nn.ModuleList()
    inside = config.channels[0]
    for scale, width in enumerate(config.channels):
        up = EqualisedUpConv2d(inside, width, blur=True) if scale else Shift(width)
        for conv in (up, EqualisedConv2d(width, width, 3)):
            layers.append(StyleLayer(conv, width, 4 << scale, config.w_dim))
        inside = width
    return layers
