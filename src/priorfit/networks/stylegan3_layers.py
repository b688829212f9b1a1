"""What StyleGAN3 is put together from [karras2021]_."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.sizes import size_of
from priorfit.networks.style_layers import EPS, GAIN, SLOPE
from priorfit.networks.stylegan2_layers import limit_to, squares
from priorfit.networks.stylegan3_filters import downsample, low_pass, upsample
from priorfit.networks.weights import EqualisedLinear, normal
from priorfit.types import Image

FOLLOWING = 0.999
"""How much of the known magnitude a step of training keeps."""


class Band(NamedTuple):
    """Which frequencies a layer hands on, in cycles over the image, and how it samples them.

    Args:
        cutoff: the highest that shall pass.
        half_width: how far the transition reaches on either side of it.
        rate: samples over the image.
        side: samples altogether, with a margin beyond the border.
    """

    cutoff: float
    half_width: float
    rate: int
    side: int


@dataclass(frozen=True)
class LayerPlan:
    """From which frequencies a synthesis goes to which; the defaults are those of every release.

    Args:
        resolution: side of the image.
        layers: how many there are before the one that makes the image.
        critical: how many of these, the last ones, sample critically: up to half their rate.
        first_cutoff: highest frequency of the input, in cycles over the image.
        first_stopband: beyond which nothing passes, at the input.
        last_stopband: the same at the end, as a multiple of the highest frequency of the image.
        margin: samples beyond each border.
    """

    resolution: int
    layers: int = 14
    critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband: float = 2**0.3
    margin: int = 10

    def bands(self) -> list[Band]:
        """What each layer hands on: frequencies grow geometrically, then stay."""
        cutoff, bands = self.resolution / 2, []
        stopband = cutoff * self.last_stopband
        for index in range(self.layers + 1):
            share = min(index / (self.layers - self.critical), 1)
            passed = self.first_cutoff * (cutoff / self.first_cutoff) ** share
            stopped = self.first_stopband * (stopband / self.first_stopband) ** share
            rate = 2 ** math.ceil(math.log2(min(2 * stopped, self.resolution)))
            side = rate + 2 * self.margin if index < self.layers - 1 else self.resolution
            bands.append(Band(passed, max(stopped, rate / 2) - passed, rate, side))
        return bands

    def channels(self, base: int = 32768, most: int = 512, colors: int = 3) -> tuple[int, ...]:
        """Channels of what each layer hands on: base / (2 · highest frequency), up to `most`.

        The defaults are those of config-t; config-r has twice as many, `base` and `most`.
        """
        widths = [round(min(base / 2 / band.cutoff, most)) for band in self.bands()]
        return (*widths[:-1], colors)


class FourierInput(nn.Module):
    """Waves that w moves and turns, mixed: coordinates (B, 2, h, w) -> (B, C, h, w).

        x = W · (a ⊙ sin 2π(f·p + φ)),   p moved and turned by w and by `transform`

    Args:
        channels: C.
        w_dim: W.
        band: how waves are sampled; those that are too fast for it fade away.
    """

    def __init__(self, channels: int, w_dim: int, band: Band) -> None:
        super().__init__()
        self.band, self.scale = band, 1 / math.sqrt(channels)
        self.style_scale = 1 / math.sqrt(w_dim)
        self.weight = nn.Parameter(torch.zeros(channels, channels))
        self.style_weight = nn.Parameter(torch.zeros(4, w_dim))
        self.style_bias = nn.Parameter(torch.zeros(4))
        self.register_buffer("transform", torch.zeros(3, 3))
        self.register_buffer("freqs", torch.zeros(channels, 2))
        self.register_buffer("phases", torch.zeros(channels))

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def grid(self) -> Tensor:
        """Coordinates x and y of the samples, (1, 2, h, w); the image reaches from -½ to ½."""
        side, rate = self.band.side, self.band.rate
        line = (torch.arange(side, dtype=self.freqs.dtype, device=self.freqs.device) + 0.5) / rate
        line = line - side / rate / 2
        return torch.stack(torch.meshgrid(line, line, indexing="xy"))[None]

    def forward(self, points: Tensor, w: Tensor) -> Tensor:
        moved = self.motion(w)  # (B, 3, 3)
        freqs = self.freqs @ moved[:, :2, :2]  # (B, C, 2)
        phases = self.phases + (self.freqs @ moved[:, :2, 2:])[..., 0]
        room = self.band.rate / 2 - self.band.cutoff
        amplitudes = (1 - (freqs.norm(dim=2) - self.band.cutoff) / room).clamp(0, 1)
        angles = points.flatten(2).mT @ freqs.mT + phases[:, None]  # (B, h·w, C)
        waves = torch.sin(angles * (2 * math.pi)) * amplitudes[:, None]
        return F.linear(waves, self.weight * self.scale).mT.unflatten(2, size_of(points))

    def motion(self, w: Tensor) -> Tensor:
        """How the coordinates of the image are moved, then turned, (B, 3, 3)."""
        t = F.linear(w, self.style_weight * self.style_scale, self.style_bias)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cos, sin, right, down = t.unbind(1)
        zero, one = torch.zeros_like(cos), torch.ones_like(cos)
        turn = torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], 1)
        move = torch.stack([one, zero, -right, zero, one, -down, zero, zero, one], 1)
        return turn.unflatten(1, (3, 3)) @ move.unflatten(1, (3, 3)) @ self.transform

    def start(self, generator: torch.Generator) -> None:
        """Begin with waves evenly spread below the cutoff, and with a w that changes nothing."""
        normal(self.weight, 1.0, generator)
        normal(self.freqs, 1.0, generator)
        radius = self.freqs.square().sum(1, keepdim=True).sqrt()
        self.freqs.mul_(self.band.cutoff / (radius * radius.square().exp().pow(0.25)))
        phases = torch.empty(self.phases.shape, device=generator.device)
        self.phases.copy_(phases.uniform_(-0.5, 0.5, generator=generator))
        nn.init.zeros_(self.style_weight)
        self.style_bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        self.transform.copy_(torch.eye(3))


@dataclass(frozen=True)
class Sampling:
    """How a layer goes from one band to the next.

    Args:
        before: what comes in.
        after: what goes out.
        filter_size: taps of a filter for each step of its rate.
        raising: by how much the activation is sampled more finely than what it lies between.
        side: of the filters of the convolution.
        radial: whether the filter after the activation is the same in every direction.
    """

    before: Band
    after: Band
    filter_size: int
    raising: int
    side: int
    radial: bool

    @property
    def rate(self) -> int:
        """Samples over the image during the activation."""
        return max(self.before.rate, self.after.rate) * self.raising

    @property
    def up(self) -> int:
        """By how much the rate is raised before the activation."""
        return self.rate // self.before.rate

    @property
    def down(self) -> int:
        """By how much it is lowered after that."""
        return self.rate // self.after.rate

    def taps(self, factor: int) -> int:
        """Taps of the filter for a change of the rate; one does nothing."""
        return 1 if factor == 1 else self.filter_size * factor

    def margins(self) -> tuple[int, int]:
        """Zeros before and after, so that filters and convolution end in the size wanted."""
        total = (self.after.side - 1) * self.down + 1
        total -= (self.before.side + self.side - 1) * self.up
        total += self.taps(self.up) + self.taps(self.down) - 2
        before = (total + self.up) // 2
        return before, total - before


class FilteredActivation(nn.Module):
    """Leaky ReLU at a higher rate: filter up → leaky ReLU, clamped → filter down.

    Without the gain of √2, which is moved before it.

    Args:
        sampling: of what comes in and goes out.
        clamp: largest magnitude that the leaky ReLU gives; None for no limit.
    """

    def __init__(self, sampling: Sampling, clamp: float | None) -> None:
        super().__init__()
        self.sampling, self.limit = sampling, clamp
        up, down = sampling.taps(sampling.up), sampling.taps(sampling.down)
        square = (down, down) if sampling.radial else (down,)
        self.register_buffer("up_filter", torch.zeros(up) if up > 1 else None)
        self.register_buffer("down_filter", torch.zeros(square) if down > 1 else None)

    up_filter: Tensor | None
    down_filter: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        x = upsample(x, self.up_filter, self.sampling.up, self.sampling.margins())
        x = limit_to(F.leaky_relu(x, SLOPE), self.limit)
        return downsample(x, self.down_filter, self.sampling.down)

    def start(self, generator: torch.Generator) -> None:
        """Design the filters that the bands ask for."""
        sampling = self.sampling
        ends = ((self.up_filter, sampling.before), (self.down_filter, sampling.after))
        for taps, band in ends:
            if taps is not None:
                bounds = (len(taps), band.cutoff, band.half_width, sampling.rate)
                taps.copy_(low_pass(*bounds, radial=taps.ndim == 2))


class FilteredConv2d(nn.Module):
    """A layer of the synthesis, (B, in, h, w) -> (B, out, H, W), told what to do by w.

        convolution with W·s / ‖W·s‖,  s = style(w) → / √(mean x²) → + bias → activation

    What is known of the mean of x² follows in training. s is normalised beforehand for each image;
    in the released code for the batch together, which ‖W·s‖ undoes but for the 10⁻⁸ added to it.

    Args:
        inside: channels of the input.
        outside: channels of the output.
        w_dim: W.
        sampling: of what comes in and goes out.
        clamp: largest magnitude of an activation; None for no limit.
    """

    def __init__(
        self, inside: int, outside: int, w_dim: int, sampling: Sampling, clamp: float | None
    ) -> None:
        super().__init__()
        side = sampling.side
        self.style = EqualisedLinear(w_dim, inside, bias=1.0)
        self.weight = nn.Parameter(torch.zeros(outside, inside, side, side))
        self.bias = nn.Parameter(torch.zeros(outside))
        self.register_buffer("magnitude", torch.zeros(()))
        self.activation = FilteredActivation(sampling, clamp)

    magnitude: Tensor

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        if self.training:
            follow(self.magnitude, x)
        weight, style = unit(self.weight), unit(self.style(w))
        norm = torch.rsqrt(style.square() @ squares(weight, up=False) + EPS)
        x = F.conv2d(x * style[..., None, None], weight, padding=weight.shape[-1] - 1)
        x = x * (norm * (GAIN * self.magnitude.rsqrt()))[..., None, None]
        return self.activation(x + (self.bias * GAIN)[:, None, None])

    def frozen(self) -> "FrozenFilteredConv2d":
        """The same with everything computed that does not depend on w."""
        return FrozenFilteredConv2d(self)

    def start(self, generator: torch.Generator) -> None:
        """Begin with weights N(0, 1) and a magnitude of one."""
        normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.magnitude)


class FrozenFilteredConv2d(nn.Module):
    """A `FilteredConv2d` whose parameters stand still: only style and features are computed."""

    def __init__(self, layer: FilteredConv2d) -> None:
        super().__init__()
        self.style, self.activation = layer.style.frozen(), layer.activation
        weight = unit(layer.weight).detach().contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight)
        self.register_buffer("squares", squares(weight, up=False).contiguous())
        self.register_buffer("bias", (layer.bias * GAIN).detach()[:, None, None])
        self.register_buffer("gain", GAIN * layer.magnitude.rsqrt())

    weight: Tensor
    squares: Tensor
    bias: Tensor
    gain: Tensor

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = unit(self.style(w))
        norm = torch.rsqrt(style.square() @ self.squares + EPS) * self.gain
        x = F.conv2d(x * style[..., None, None], self.weight, padding=self.weight.shape[-1] - 1)
        return self.activation((x * norm[..., None, None]).add_(self.bias))


class FilteredToColor(nn.Module):
    """Features to an image, (B, in, H, W) -> (B, colors, H, W): one 1×1 convolution, W·style(w).

    Args:
        inside: channels of the features.
        colors: channels of the image.
        w_dim: W.
        clamp: largest magnitude; None for no limit.
    """

    def __init__(self, inside: int, colors: int, w_dim: int, clamp: float | None) -> None:
        super().__init__()
        self.scale, self.limit = 1 / math.sqrt(inside), clamp
        self.style = EqualisedLinear(w_dim, inside, bias=1.0)
        self.weight = nn.Parameter(torch.zeros(colors, inside, 1, 1))
        self.bias = nn.Parameter(torch.zeros(colors))
        self.register_buffer("magnitude", torch.zeros(()))

    magnitude: Tensor

    def forward(self, x: Tensor, w: Tensor) -> Image:
        if self.training:
            follow(self.magnitude, x)
        style = self.style(w) * (self.scale * self.magnitude.rsqrt())
        return limit_to(F.conv2d(x * style[..., None, None], self.weight, self.bias), self.limit)

    def start(self, generator: torch.Generator) -> None:
        """Begin with weights N(0, 1) and a magnitude of one."""
        normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.magnitude)


def unit(x: Tensor) -> Tensor:
    """Divide each row by the root of its mean square."""
    return x * torch.rsqrt(x.square().mean([*range(1, x.ndim)], keepdim=True))


def follow(magnitude: Tensor, x: Tensor) -> None:
    """Let the known magnitude follow the mean square of features."""
    with torch.no_grad():
        magnitude.lerp_(x.square().mean().to(magnitude), 1 - FOLLOWING)
