"""A small classifier of photographs, whose features serve where no larger network is at hand."""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import Pretrained
from priorfit.types import Image

_WIDEST = 4096  # channels that a stage may have


@dataclass(frozen=True)
class ClassifierConfig:
    """Settings of a `Classifier`.

    Args:
        size: side of the square that images are brought to.
        classes: how many it tells apart.
        width: channels of the first stage; each further stage has twice as many.
        stages: each halves the side.
        pooling: of the last features over the image.
    """

    size: int = 64
    classes: int = 6
    width: int = 32
    stages: int = 4
    pooling: Literal["mean"] = "mean"


class Classifier(Pretrained):
    """Convolutions in residual pairs, a mean over the image, one linear layer.

        image ── stem ──> stage 1 ── … ──> stage n ── mean ──> embedding ── head ──> verdicts

    Batch-norm after each convolution; a stage takes the maximum of 2×2, then adds to its input, by
    a 1×1 convolution where widths differ, what two convolutions make of it.

    Attributes:
        size: (height, width) that images are brought to, with antialiasing.
        classes: how many it tells apart.
        widths: channels of each entry of `features`.

    Raises:
        CheckpointError: settings of no such network.
    """

    kind = "small-classifier"
    Config = ClassifierConfig
    config: ClassifierConfig

    def __init__(self, config: ClassifierConfig = ClassifierConfig()) -> None:
        super().__init__(config)
        _check(config)
        self.size = (config.size, config.size)
        self.classes = config.classes
        self.widths = tuple(config.width * 2**stage for stage in range(config.stages))
        self.stem = _Convolution(3, config.width)
        inside = (config.width, *self.widths[:-1])
        self.stages = nn.ModuleList(_Stage(i, o) for i, o in zip(inside, self.widths, strict=True))
        self.head = nn.Linear(self.widths[-1], config.classes)

    def features(self, image: Image) -> list[Tensor]:
        """Features from the finest to the coarsest, of (B, 3, H, W) in [0, 1]."""
        x = self.stem(self._prepare(image))
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def embed(self, image: Image) -> Tensor:
        """The coarsest features, averaged over the image, (B, F)."""
        return self.features(image)[-1].mean((2, 3))

    def forward(self, image: Image) -> Tensor:
        return self.head(self.embed(image))

    def _prepare(self, image: Image) -> Image:
        if image.shape[-2:] != self.size:
            image = F.interpolate(image, self.size, mode="bilinear", antialias=True)
        return image * 4 - 2  # about as wide as N(0, 1), as photographs go


class _Convolution(nn.Module):
    """Convolution 3×3, batch-norm, ReLU."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.convolution(x)))


class _Stage(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first = _Convolution(inside, outside)
        self.second = _Convolution(outside, outside)
        self.shortcut = nn.Conv2d(inside, outside, 1, bias=False) if inside != outside else None

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(x, 2)
        straight = x if self.shortcut is None else self.shortcut(x)
        return straight + self.second(self.first(x))


def _check(config: ClassifierConfig) -> None:
    if min(config.classes, config.width, config.stages) < 1:
        raise CheckpointError("expected at least one class, one channel and one stage")
    # In this order: a power of an absurd number of stages would itself take for ever.
    if config.stages > config.size.bit_length() - 1 or config.size < 1:
        raise CheckpointError(
            f"expected images that can be halved {config.stages} times, got {config.size} pixels"
        )
    widest = config.width << (config.stages - 1)
    if widest > _WIDEST:
        raise CheckpointError(f"expected at most {_WIDEST} channels, got {widest}")
