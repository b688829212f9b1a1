"""Further verdicts, by small heads on what a frozen network sees of an image [sauer2021]_."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from priorfit.networks.features import FeatureNetwork
from priorfit.networks.initialise import initialised
from priorfit.networks.style_layers import pixel_norm
from priorfit.networks.trunks import Pool
from priorfit.networks.weights import SpectralConv2d, SpectralEmbedding, normal
from priorfit.types import Image

_SIDE = 128  # of images as a trained network sees them, whose own were of 224 pixels
_LEAST = 64  # below which its last scale has next to no pixels
_SLOPE = 0.2  # of the leaky ReLU below 0


@dataclass(frozen=True)
class Sight:
    """What the further verdicts go by, and how.

    Args:
        see: (B, 3, H, W) in [-1, 1] -> features, (B, C, h, w) of each layer; it does not learn.
        channels: C of each.
        classes: how many; 0 for none.
        width: channels of the heads.
    """

    see: Callable[[Image], Sequence[Tensor]]
    channels: tuple[int, ...]
    classes: int = 0
    width: int = 64

    def heads(self, noise: Generator, device: torch.device | str = "cpu") -> "Heads":
        """The heads as they are before training."""
        return initialised(lambda: Heads(self.channels, self.classes, self.width), noise, device)


def beside(network: FeatureNetwork, size: int, classes: int = 0, *, width: int = 64) -> Sight:
    """Sight through a trained network, at each of its scales but the finest, of enlarged images.

    Args:
        network: frozen. A network that has taught a generator cannot judge it afterwards.
        size: side of the images, which are enlarged twice, to 64 pixels at least and 128 at most.
        classes: how many.
        width: channels of the heads.
    """
    layers = _scales(network)
    channels = tuple(network.width(name) for name in layers)
    side = max(size, min(_SIDE, 2 * size), _LEAST)
    return Sight(partial(_look, network, layers, side), channels, classes, width)


def _scales(network: FeatureNetwork) -> tuple[str, ...]:
    """The last layer of each scale but the finest, which sees what the discriminator sees."""
    rows = network.rows[: network.cuts]
    last = [one.name for one, after in itertools.pairwise(rows) if isinstance(after, Pool)]
    if rows and not isinstance(rows[-1], Pool):
        last.append(rows[-1].name)
    return tuple(last[1:] or last)


def _look(
    network: FeatureNetwork, layers: Sequence[str], side: int, image: Image
) -> Sequence[Tensor]:
    found = network(F.interpolate(image / 2 + 0.5, (side, side), mode="bilinear"), layers)
    return [found[name] for name in layers]


class Head(nn.Module):
    """A verdict on every 2×2 pixels of features: (B, C, h, w) -> (B, (h / 2)·(w / 2)).

    It sees a random mixture of the channels, so that none can be ignored, of one length
    everywhere, since those of networks differ by hundreds.

    Args:
        channels: C.
        classes: how many; 0 for none.
        width: channels inside.
    """

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mixture", torch.zeros(width, channels, 1, 1))
        self.conv1, self.conv2 = (SpectralConv2d(width, width, 3) for _ in range(2))
        self.out = SpectralConv2d(width, 1, 1)
        self.embedding = SpectralEmbedding(classes, width) if classes else None

    mixture: Tensor

    def start(self, generator: Generator) -> None:
        """Begin with a mixture that stays as it is."""
        normal(self.mixture, 1.0, generator)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Verdicts; higher is more like photographs.

        Args:
            features: (B, C, h, w).
            labels: class numbers, (B,), where there are classes; None leaves the class open.
        """
        x = pixel_norm(F.conv2d(features, self.mixture))
        x = F.avg_pool2d(F.leaky_relu(self.conv1(x), _SLOPE), 2)
        x = F.leaky_relu(self.conv2(x), _SLOPE)
        verdicts = self.out(x).flatten(1)
        if labels is None or self.embedding is None:
            return verdicts
        return verdicts + torch.einsum("bc,bchw->bhw", self.embedding(labels), x).flatten(1)


class Heads(nn.Module):
    """One head for each layer.

    Args:
        channels: of the features of each.
        classes: how many; 0 for none.
        width: channels inside.
    """

    def __init__(self, channels: Sequence[int], classes: int, width: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(Head(count, classes, width) for count in channels)

    def forward(self, features: Sequence[Tensor], labels: Tensor | None = None) -> list[Tensor]:
        """The verdicts of all, (B, P) each; see `Head`."""
        return [head(x, labels) for head, x in zip(self.each, features, strict=True)]
