"""What StyleGAN2 is put together from [karras2020]_ [karras2020ada]_."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.sizes import size_of
from priorfit.networks.style_layers import EPS, GAIN, SLOPE, pixel_norm
from priorfit.networks.weights import EqualisedLinear, normal
from priorfit.types import Image

HALF = math.sqrt(0.5)
"""What keeps the variance where two branches are added."""


@dataclass(frozen=True)
class Manner:
    """What all layers of a synthesis have in common.

    Args:
        w_dim: W.
        noise: whether layers add noise.
        clamp: largest magnitude of an activation whose gain is 1; None for no limit.
        scaled: see `StyleGan2Config`.
        fused: see `StyleGan2Config`.
    """

    w_dim: int
    noise: bool = True
    clamp: float | None = None
    scaled: bool = True
    fused: bool = False


class StyleMapping(nn.Module):
    """From z and a class to w, (B, Z) and (B, E) -> (B, W), and the mean of all w.

    Args:
        widths: Z, those of the layers in between, W.
        rate: learning rate beside that of the synthesis.
        classes: how many there are; 0 for none.
        embedding: E; no matter without classes.
        joined: whether z and the class are normalised together, as in the first release, where an
            embedding is a bare row of a table, or each by itself.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        rate: float = 0.01,
        classes: int = 0,
        embedding: int = 0,
        joined: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.joined = classes, joined
        self.embed: EqualisedLinear | None = None
        if classes:
            # This gain and that of equalising are one: rows of the table are used as they are.
            gain, bias = (math.sqrt(classes), None) if joined else (1.0, 0.0)
            self.embed = EqualisedLinear(classes, embedding, gain=gain, bias=bias)
        inside = [widths[0] + (embedding if classes else 0), *widths[1:]]
        self.layers = nn.ModuleList(
            EqualisedLinear(*pair, rate=rate) for pair in itertools.pairwise(inside)
        )
        self.register_buffer("w_avg", torch.zeros(widths[-1]))

    w_avg: Tensor

    def start(self, generator: torch.Generator) -> None:
        """Begin without an idea of the mean w."""
        nn.init.zeros_(self.w_avg)

    def embedded(self, labels: Tensor) -> Tensor | None:
        """Embedding of class numbers, (B,), or of mixtures of classes, (B, classes)."""
        if self.embed is None:
            return None
        if not labels.is_floating_point() and labels.ndim == 1:
            labels = F.one_hot(labels.long(), self.classes)
        return self.embed(labels.to(self.w_avg.dtype))

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        if self.embed is None:
            x = pixel_norm(z)
        elif c is None:
            raise ProblemError("expected the embedding of a class with z, got none")
        elif self.joined:
            x = pixel_norm(torch.cat([z, c], 1))
        else:
            x = torch.cat([pixel_norm(z), pixel_norm(c)], 1)
        for layer in self.layers:
            x = F.leaky_relu_(layer(x), SLOPE) * GAIN
        return x

    def truncated(self, w: Tensor, psi: float, layers: int | None) -> Tensor:
        """Move the first rows of w, (B, L, W), towards the mean; None means all of them."""
        moved = torch.lerp(self.w_avg.expand_as(w), w, psi)
        return moved if layers is None else torch.cat([moved[:, :layers], w[:, layers:]], 1)

    def follow(self, w: Tensor, momentum: float) -> None:
        """Let the mean follow a batch of w, (B, L, W)."""
        with torch.no_grad():
            self.w_avg.lerp_(w[:, 0].mean(0).to(self.w_avg), 1 - momentum)


def sensible(what: str, value: int, low: int, high: int) -> None:
    """Refuse what a small file could ask for to take all memory or time.

    Raises:
        CheckpointError: the value is out of bounds.
    """
    if not low <= value <= high:
        raise CheckpointError(f"{what} cannot be {value}, expected {low} to {high}")


class StyledConv2d(nn.Module):
    """A layer of the synthesis, (B, in, h, w) -> (B, out, H, W), told what to do by w.

        convolution with W·s / ‖W·s‖,  s = style(w) → + noise · strength → + bias → leaky ReLU

    Args:
        inside: channels of the input.
        outside: channels of the output.
        side: H and W.
        manner: of the synthesis.
        up: whether it doubles the size, smoothing with (1 3 3 1).
        gain: of the activation, beside √2.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        side: int,
        manner: Manner,
        *,
        up: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.up, self.gain, self.fused = up, gain, manner.fused
        self.limit = None if manner.clamp is None else manner.clamp * gain
        fan_in = inside * 9
        self.scale = 1 / math.sqrt(fan_in)
        self.eps = EPS if manner.scaled else EPS / fan_in
        self.style = EqualisedLinear(manner.w_dim, inside, bias=1.0)
        # In the order that torch wants for a transposed convolution, where it is one.
        ends = (inside, outside) if up else (outside, inside)
        self.weight = nn.Parameter(torch.zeros(*ends, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outside))
        noisy = manner.noise
        self.noise_strength = nn.Parameter(torch.zeros(())) if noisy else None
        self.register_buffer("noise", torch.zeros(1, 1, side, side) if noisy else None)

    noise: Tensor | None

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Apply.

        Args:
            x: (B, in, h, w).
            w: (B, W).
            noise: instead of the stored one, what broadcasts to (B, 1, H, W).
        """
        convolve = with_styled_weights if self.fused else with_styled_features
        x = convolve(x, self.weight * self.scale, self.style(w), self.eps, up=self.up)
        x = smooth(x) if self.up else x
        noise = self.noise if noise is None else noise
        if noise is not None and self.noise_strength is not None:
            x = x + noise * self.noise_strength
        x = F.leaky_relu_(x + self.bias[:, None, None], SLOPE) * (GAIN * self.gain)
        return limit_to(x, self.limit)

    def frozen(self) -> "FrozenStyledConv2d":
        """The same with everything computed that does not depend on w."""
        return FrozenStyledConv2d(self)

    def start(self, generator: torch.Generator) -> None:
        """Begin with weights N(0, 1), and with noise N(0, 1) that is not seen yet."""
        normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)
        if self.noise is not None and self.noise_strength is not None:
            normal(self.noise, 1.0, generator)
            nn.init.zeros_(self.noise_strength)


class FrozenStyledConv2d(nn.Module):
    """A `StyledConv2d` whose parameters stand still: only style and features are left to compute.

    The style scales features instead of weights, so that a gradient with respect to w needs none
    with respect to weights; and the gain of the activation, which is positive, is moved before it.
    """

    def __init__(self, layer: StyledConv2d) -> None:
        super().__init__()
        self.up, self.limit, self.eps = layer.up, layer.limit, layer.eps
        self.gain = GAIN * layer.gain
        self.style = layer.style.frozen()
        weight = (layer.weight * layer.scale).detach()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("squares", squares(weight, up=self.up).contiguous())
        self.register_buffer("bias", (layer.bias * self.gain).detach()[:, None, None])
        noise, strength = layer.noise, layer.noise_strength
        gain = None if strength is None else (strength * self.gain).detach()
        self.register_buffer("noise_gain", gain)
        self.register_buffer("noise", None if noise is None or gain is None else noise * gain)

    weight: Tensor
    squares: Tensor
    bias: Tensor
    noise_gain: Tensor | None
    noise: Tensor | None

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        style = self.style(w)
        x = convolve_styled(x * style[..., None, None], self.weight, up=self.up)
        x = smooth(x) if self.up else x
        x = x * (self.gain * torch.rsqrt(style.square() @ self.squares + self.eps))[..., None, None]
        added = self.noise
        if noise is not None and self.noise_gain is not None:
            added = noise * self.noise_gain
        if added is not None:
            x = x.add_(added)
        return limit_to(F.leaky_relu_(x.add_(self.bias), SLOPE), self.limit)


class ToColor(nn.Module):
    """Features to an image, (B, in, H, W) -> (B, colors, H, W): one 1×1 convolution, W·style(w).

    Args:
        inside: channels of the features.
        colors: channels of the image.
        manner: of the synthesis.
    """

    def __init__(self, inside: int, colors: int, manner: Manner) -> None:
        super().__init__()
        self.scale, self.limit = 1 / math.sqrt(inside), manner.clamp
        self.style = EqualisedLinear(manner.w_dim, inside, bias=1.0)
        self.weight = nn.Parameter(torch.zeros(colors, inside, 1, 1))
        self.bias = nn.Parameter(torch.zeros(colors))

    def forward(self, x: Tensor, w: Tensor) -> Image:
        x = x * self.style(w)[..., None, None]
        return limit_to(F.conv2d(x, self.weight * self.scale, self.bias), self.limit)

    def start(self, generator: torch.Generator) -> None:
        """Begin with weights N(0, 1) and no bias."""
        normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)


def with_styled_weights(
    x: Tensor, weight: Tensor, style: Tensor, eps: float, *, up: bool
) -> Tensor:
    """Convolve each image with weights of its own, W·s / √(Σ (W·s)² + ε), as groups."""
    inside = 1 if up else 2  # axis of the channels that come in; the first is that of the images
    weight = weight * (style[:, :, None] if up else style[:, None])[..., None, None]
    weight = weight * torch.rsqrt(weight.square().sum((inside, 3, 4), keepdim=True) + eps)
    images = x.reshape(1, -1, *size_of(x))
    convolution = convolve_styled(images, weight.flatten(0, 1), up=up, groups=len(x))
    return convolution.unflatten(1, (len(x), -1))[0]


def with_styled_features(
    x: Tensor, weight: Tensor, style: Tensor, eps: float, *, up: bool
) -> Tensor:
    """The same numbers up to rounding: scale features by s, convolve with W, divide by the norm."""
    norm = torch.rsqrt(style.square() @ squares(weight, up=up) + eps)
    return convolve_styled(x * style[..., None, None], weight, up=up) * norm[..., None, None]


def squares(weight: Tensor, *, up: bool) -> Tensor:
    """Squares of a filter, summed over its pixels, (in, out)."""
    summed = weight.square().sum((2, 3))
    return summed if up else summed.T


def convolve_styled(x: Tensor, weight: Tensor, *, up: bool, groups: int = 1) -> Tensor:
    """Convolve; with `up` transposed, with a stride of 2: (B, in, h, w) -> (B, out, 2h+1, 2w+1)."""
    if up:
        return F.conv_transpose2d(x, weight, stride=2, groups=groups)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=groups)


def smooth(x: Tensor) -> Tensor:
    """Smooth a transposed convolution with (1 3 3 1), (B, C, 2h+1, 2w+1) -> (B, C, 2h, 2w)."""
    return F.conv2d(x, _smoothing(x), padding=1, groups=x.shape[1])


def double(x: Tensor) -> Tensor:
    """Double the size with (1 3 3 1), zeros outside: (B, C, h, w) -> (B, C, 2h, 2w)."""
    return F.conv_transpose2d(x, _smoothing(x), stride=2, padding=1, groups=x.shape[1])


def limit_to(x: Tensor, limit: float | None) -> Tensor:
    """Clamp to ±limit, if there is one."""
    return x if limit is None else x.clamp(-limit, limit)


def _smoothing(x: Tensor) -> Tensor:
    # Sums to 4: between the pixels of the smaller image lie zeros.
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 4
    return torch.outer(taps, taps).expand(x.shape[1], 1, 4, 4)
