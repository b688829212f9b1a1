"""StyleGAN3's generator, whose details move with what they belong to [karras2021]_."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from priorfit.networks.generator import split_at
from priorfit.networks.styled import Styled
from priorfit.networks.stylegan2_layers import StyleMapping, sensible
from priorfit.networks.stylegan3_layers import (
    FilteredConv2d,
    FilteredToColor,
    FourierInput,
    LayerPlan,
    Sampling,
)
from priorfit.types import Image


@dataclass(frozen=True)
class StyleGan3Config:
    """How a StyleGAN3 is built; the defaults are those of the released config-t but for the size.

    Args:
        resolution: side of the image.
        channels: of what each layer hands on, the last one's being those of the image.
        z_dim: Z.
        w_dim: W.
        mapping_width: of the layers of the mapping but the last.
        mapping_depth: how many layers the mapping has.
        mapping_rate: learning rate of the mapping beside that of the synthesis.
        filter_side: of the convolutions: 3, or 1 in config-r, whose layers turn with the image.
        radial: whether filters are the same in every direction, as in config-r.
        critical: how many layers sample critically, the last ones before that of the image.
        first_cutoff: highest frequency of the input, in cycles over the image.
        first_stopband: beyond which nothing passes, at the input.
        last_stopband: the same at the end, as a multiple of the highest frequency of the image.
        margin: samples beyond each border.
        taps: of a filter, for each step of its rate.
        raising: by how much activations are sampled more finely.
        clamp: largest magnitude of an activation; None for no limit.
        output_scale: what the image is multiplied with at the end.
        truncation_psi: share of the way from the mean w to its own that `truncated` goes.
        truncation_layers: how many layers `truncated` changes, from the coarsest; None for all.
        classes: how many classes there are; 0 for none.
        embedding: width of the embedding of a class.
    """

    resolution: int = 256
    channels: tuple[int, ...] = LayerPlan(256).channels()
    z_dim: int = 512
    w_dim: int = 512
    mapping_width: int = 512
    mapping_depth: int = 2
    mapping_rate: float = 0.01
    filter_side: int = 3
    radial: bool = False
    critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband: float = 2**0.3
    margin: int = 10
    taps: int = 6
    raising: int = 2
    clamp: float | None = 256.0
    output_scale: float = 0.25
    truncation_psi: float = 1.0
    truncation_layers: int | None = None
    classes: int = 0
    embedding: int = 0


class StyleGan3(Styled):
    """StyleGAN3: waves, moved and turned by w, then layers that let no frequency fold over.

        x = G(w₁ … w_L),   w = f(z / ‖z‖, class),   w⁺ where the rows differ

    Layer 0 makes waves of coordinates, which are what a split before it hands over, (B, 2, h, w);
    the last layer makes the image. Between them features reach beyond the borders of the image. A
    w may also have one row alone, (B, 1, W), that holds for all layers. To move or turn the image,
    change `input.transform`.

    Written from the paper and from published listings of shapes and frequencies; no recorded output
    of the released code was at hand. What holds it: sizes, channels, cutoffs, rates and lengths of
    filters are those of the listings for 128 and 1024 pixels; the filters are SciPy's; images are
    those, in float64, of formulas written out with zeros in between and sums over taps; an image
    moves with its input, and as config-r it turns exactly by right angles. What only a recording
    could show is a convention that all of this leaves open, such as the order of a shift and a turn
    in the input.

    Args:
        config: how it is built.

    Raises:
        CheckpointError: it would be larger or deeper than anybody makes it.
    """

    kind = "stylegan3"
    Config = StyleGan3Config

    def __init__(self, config: StyleGan3Config) -> None:
        super().__init__(config)
        sensible("the depth of a mapping", config.mapping_depth, 1, 64)
        sensible("the resolution", config.resolution, 1, 8192)
        sensible("the margin", config.margin, 0, 256)
        sensible("the factor of raising", config.raising, 1, 8)
        self.size, self.z_dim, self.w_dim = (config.resolution,) * 2, config.z_dim, config.w_dim
        self.layers, self.classes = len(config.channels) + 1, config.classes
        hidden = [config.mapping_width] * (config.mapping_depth - 1)
        self.mapping = StyleMapping(
            [config.z_dim, *hidden, config.w_dim],
            rate=config.mapping_rate,
            classes=config.classes,
            embedding=config.embedding,
        )
        self.input = FourierInput(config.channels[0], config.w_dim, _plan(config).bands()[0])
        self.synthesis = _synthesis(config)
        *_, inside, colors = config.channels
        self.colors = colors
        self.output = FilteredToColor(inside, colors, config.w_dim, config.clamp)

    def follow(self, w: Tensor, momentum: float = 0.998) -> None:
        """Let the mean w follow a batch of w in training, (B, L, W)."""
        self.mapping.follow(w, momentum)

    def lower(self, latent: Tensor, layer: int, c: Tensor | None = None) -> Tensor:
        w = self.rows(latent)
        points = self.input.grid().expand(len(w), -1, -1, -1)
        return self._run(points, w, range(split_at(layer, self.layers)))

    def upper(self, features: Tensor, layer: int, latent: Tensor, c: Tensor | None = None) -> Image:
        return self._run(
            features, self.rows(latent), range(split_at(layer, self.layers), self.layers)
        )

    def _run(self, x: Tensor, w: Tensor, indices: Sequence[int]) -> Tensor:
        if x.device.type == "cpu":  # where filters take half the time like that
            x = x.contiguous(memory_format=torch.channels_last)
        for index in indices:
            row = w[:, index]
            if index == 0:
                x = self.input(x, row)
            elif index == self.layers - 1:
                x = self.output(x, row) * self.config.output_scale
            else:
                x = self.synthesis[index - 1](x, row)
        return x


def _plan(config: StyleGan3Config) -> LayerPlan:
    return LayerPlan(
        config.resolution,
        len(config.channels) - 1,
        config.critical,
        config.first_cutoff,
        config.first_stopband,
        config.last_stopband,
        config.margin,
    )


def _synthesis(config: StyleGan3Config) -> nn.ModuleList:
    layers, bands = nn.ModuleList(), _plan(config).bands()
    sides = (config.channels[0], *config.channels[:-1])
    smooth = len(sides) - 1 - config.critical
    for index, (inside, outside) in enumerate(itertools.pairwise(sides)):
        sampling = Sampling(
            bands[max(index - 1, 0)],
            bands[index],
            config.taps,
            config.raising,
            config.filter_side,
            radial=config.radial and index < smooth,
        )
        layers.append(FilteredConv2d(inside, outside, config.w_dim, sampling, config.clamp))
    return layers
