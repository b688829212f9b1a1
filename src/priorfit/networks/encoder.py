"""The domain-guided encoder of [zhu2020]_: from an image to a w for every layer of a StyleGAN."""

import itertools
from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.sizes import Size
from priorfit.networks.style_layers import SLOPE
from priorfit.networks.weights import Computed, EqualisedConv2d, EqualisedLinear
from priorfit.types import Image


@dataclass(frozen=True)
class InDomainEncoderConfig:
    """How an in-domain encoder is built.

    Args:
        channels: of the features at 4, 8, 16, … pixels; the last ones are as large as the image.
        layers: L of the code, (B, L, W).
        w_dim: W.
        variant: "released" normalises before each leaky ReLU, and its weights are published;
            "current" is what the authors' code trains since: it normalises after them, has no
            leaky ReLU in the shortcuts, and begins with filters of 5×5.
        batch_norm: whether there are batch norms; "current" always has them.
        equalised: whether convolutions have an equalised learning rate; "current" never has.
        colors: channels of the image.
    """

    channels: tuple[int, ...] = (1024, 1024, 1024, 512, 256, 128, 64)
    layers: int = 14
    w_dim: int = 512
    variant: Literal["released", "current"] = "released"
    batch_norm: bool = True
    equalised: bool = False
    colors: int = 3


class InDomainEncoder(Pretrained):
    """Residual blocks down to 4×4 pixels, then one linear layer: (B, 3, H, W) -> (B, L, W).

    Args:
        config: how it is built.

    Attributes:
        size: (height, width) of the images.
        layers: L.
        w_dim: W.

    Raises:
        CheckpointError: the settings exclude each other.
    """

    kind = "in-domain-encoder"
    Config = InDomainEncoderConfig

    def __init__(self, config: InDomainEncoderConfig) -> None:
        super().__init__(config)
        if config.variant == "current" and (config.equalised or not config.batch_norm):
            raise CheckpointError("an encoder of the current variant is normalised, not equalised")
        side = 4 << (len(config.channels) - 1)
        self.size: Size = (side, side)
        self.layers, self.w_dim = config.layers, config.w_dim
        released = config.variant == "released"
        coarse, fine = config.channels[0], config.channels[-1]
        self.first = EncoderStep(
            config, config.colors, fine, 3 if released else 5, bias=not released
        )
        self.blocks = nn.ModuleList(
            EncoderBlock(config, *pair) for pair in itertools.pairwise(reversed(config.channels))
        )
        code = config.layers * config.w_dim
        self.last: nn.Module
        if released:
            self.last = EqualisedLinear(16 * coarse, code, bias=None)
        else:
            self.last = nn.Linear(16 * coarse, code)
        self.norm = nn.BatchNorm1d(code) if config.batch_norm else nn.Identity()

    def forward(self, image: Image) -> Tensor:
        """w⁺, (B, L, W), of images in [-1, 1], (B, 3, H, W).

        Raises:
            ProblemError: they have another size.
        """
        if image.ndim != 4 or image.shape[1:] != (self.config.colors, *self.size):
            shape = f"(B, {self.config.colors}, {self.size[0]}, {self.size[1]})"
            raise ProblemError(f"expected images of shape {shape}, got {tuple(image.shape)}")
        x = self.first(image)
        for block in self.blocks:
            x = block(F.avg_pool2d(x, 2))
        return self.norm(self.last(x.flatten(1))).unflatten(1, (self.layers, self.w_dim))


class EncoderBlock(nn.Module):
    """Two steps beside a shortcut, (B, in, h, w) -> (B, out, h, w).

    Args:
        config: of the network.
        inside: channels of the input.
        outside: channels of the output.
    """

    def __init__(self, config: InDomainEncoderConfig, inside: int, outside: int) -> None:
        super().__init__()
        hidden = min(inside, outside)
        released = config.variant == "released"
        self.shortcut: nn.Module = nn.Identity()
        if inside != outside:
            self.shortcut = EncoderStep(config, inside, outside, 1, bias=False, linear=not released)
        self.steps = nn.Sequential(
            EncoderStep(config, inside, hidden, 3), EncoderStep(config, hidden, outside, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.steps(x) + self.shortcut(x)


class EncoderStep(nn.Module):
    """Convolution, batch norm and leaky ReLU, in the order of the variant.

    Args:
        config: of the network.
        inside: channels of the input.
        outside: channels of the output.
        filter_size: odd; the size is kept.
        bias: of the convolution.
        linear: leaves out the leaky ReLU.
    """

    def __init__(
        self,
        config: InDomainEncoderConfig,
        inside: int,
        outside: int,
        filter_size: int,
        *,
        bias: bool = True,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv: nn.Module
        if config.equalised:
            self.conv = EqualisedConv2d(inside, outside, filter_size, bias=bias)
        else:
            margin = filter_size // 2
            self.conv = nn.Conv2d(inside, outside, filter_size, padding=margin, bias=bias)
        self.norm = nn.BatchNorm2d(outside) if config.batch_norm else nn.Identity()
        self.slope = 1.0 if linear else SLOPE
        self.norm_first = linear or config.variant == "released"

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm_first:
            return _leaky(self.norm(x), self.slope)
        return self.norm(_leaky(x, self.slope))

    def frozen(self) -> nn.Module:
        """The step with a norm that is part of the convolution, where it comes next to it."""
        conv = self.conv.frozen() if isinstance(self.conv, Computed) else self.conv
        conv = cast(nn.Conv2d, conv)
        step = Plain(conv, self.norm, self.slope)
        if self.norm_first:
            step.norm = nn.Identity()
            if isinstance(self.norm, nn.BatchNorm2d):
                step.conv = _with_norm(conv, self.norm)
        return step


class Plain(nn.Module):
    """A `Step` whose numbers stand still.

    Args:
        conv: the convolution.
        norm: what follows the leaky ReLU.
        slope: of the leaky ReLU.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.Module, slope: float) -> None:
        super().__init__()
        self.conv, self.norm, self.slope = conv, norm, slope

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(_leaky(self.conv(x), self.slope))


def _leaky(x: Tensor, slope: float) -> Tensor:
    return x if slope == 1 else F.leaky_relu_(x, slope)


def _with_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A convolution that does what a batch norm with stored statistics would do after it."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    shift = -mean if conv.bias is None else conv.bias - mean
    both = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        cast("tuple[int, int]", conv.kernel_size),
        padding=cast("tuple[int, int]", conv.padding),
        device="meta",
    )
    weight, bias = conv.weight * factor[:, None, None, None], norm.bias + shift * factor
    both.weight = nn.Parameter(weight.detach(), requires_grad=False)
    both.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return both
