"""PGGAN's generator [karras2018]_."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from priorfit.networks.generator import Generator, split_at
from priorfit.networks.growth import draw_layers, widths
from priorfit.networks.style_layers import GAIN, EqualisedUpConv2d, activate, pixel_norm
from priorfit.networks.weights import EqualisedConv2d, EqualisedLinear
from priorfit.types import Image


@dataclass(frozen=True)
class PgGanConfig:
    """How a PGGAN is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        z_dim: Z.
        colors: channels of the image.
        lod: how many doublings of the resolution are still missing; 0 in a grown network.
    """

    channels: tuple[int, ...] = widths(256)
    z_dim: int = 512
    colors: int = 3
    lod: float = 0.0


class PgGan(Generator):
    """PGGAN: two layers a scale, each a pixel norm, a convolution and a leaky ReLU.

    Layers are counted as in [gu2020]_: the first makes 4×4 pixels of z, the last the image of
    features. Before the first the features are z itself, (B, Z, 1, 1).

    Args:
        config: how it is built.
    """

    kind = "pggan"
    Config = PgGanConfig

    def __init__(self, config: PgGanConfig) -> None:
        super().__init__(config)
        channels = config.channels
        side = 4 << (len(channels) - 1)
        self.size, self.colors, self.z_dim = (side, side), config.colors, config.z_dim
        self.layers = 2 * len(channels) + 1
        pairs = [(f"convs.{2 * i - 1}", f"convs.{2 * i}") for i in range(1, len(channels))]
        self.groups = (("first", "convs.0"), *pairs)
        self.first = FirstLayer(config.z_dim, channels[0])
        self.convs = nn.ModuleList()
        inside = channels[0]
        for scale, width in enumerate(channels):
            if scale:
                self.convs.append(EqualisedUpConv2d(inside, width))
            self.convs.append(EqualisedConv2d(width, width, 3))
            inside = width
        self.outputs = nn.ModuleList(
            EqualisedConv2d(width, config.colors, 1, gain=1) for width in channels
        )

    def normalised(self, z: Tensor) -> Tensor:
        """z, (B, Z), brought to the length √Z; the released code does so before it stores one."""
        return z / torch.linalg.vector_norm(z, dim=1, keepdim=True) * math.sqrt(self.z_dim)

    def lower(self, latent: Tensor, layer: int, c: Tensor | None = None) -> Tensor:
        split_at(layer, self.layers)
        x = latent[..., None, None]
        for index in range(min(layer, self.layers - 1)):
            x = self._layer(index, x)
        return self._image(len(self.outputs) - 1, x) if layer == self.layers else x

    def upper(
        self,
        features: Tensor,
        layer: int,
        latent: Tensor,
        c: Tensor | None = None,
        *,
        lod: float | None = None,
    ) -> Image:
        if split_at(layer, self.layers) == self.layers:
            return features
        return draw_layers(
            features,
            layer,
            run=self._layer,
            color=self._image,
            scales=len(self.outputs),
            lod=self.config.lod if lod is None else lod,
        )

    def draw(self, latent: Tensor, c: Tensor | None = None, *, lod: float | None = None) -> Image:
        """The image of z, (B, Z), as (B, 3, H, W) in [-1, 1], which it may overshoot.

        Args:
            latent: z.
            c: no matter here.
            lod: see `PgGanConfig`; the image has its full size all the same.
        """
        return self.upper(self.lower(latent, 0), 0, latent, lod=lod)

    def _layer(self, index: int, x: Tensor) -> Tensor:
        layer = self.convs[index - 1] if index else self.first
        return activate(layer(pixel_norm(x)))

    def _image(self, scale: int, x: Tensor) -> Image:
        return self.outputs[scale](pixel_norm(x))


class FirstLayer(nn.Module):
    """From one pixel to 4×4, (B, Z, 1, 1) -> (B, C, 4, 4).

    Args:
        z_dim: Z.
        channels: C.
    """

    def __init__(self, z_dim: int, channels: int) -> None:
        super().__init__()
        # A quarter of the gain: a convolution with 16 places of its filter at the one pixel.
        self.dense = EqualisedLinear(z_dim, 16 * channels, gain=GAIN / 4, bias=None)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(x.flatten(1)).unflatten(1, (-1, 4, 4))
        return x + self.bias[:, None, None]

    def start(self, generator: torch.Generator) -> None:
        """Begin without bias."""
        nn.init.zeros_(self.bias)
