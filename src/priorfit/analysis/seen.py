"""What a trained network sees of an image, as something that can be observed of it: A(x) = Φ(x)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from priorfit.degradations import Degradation
from priorfit.errors import ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.sizes import crop_centre
from priorfit.problem import Finish, Problem
from priorfit.terms.perceptual import gram
from priorfit.types import Image, Observation, Shape


@dataclass(frozen=True)
class Corner(Finish):
    """The top left of a larger canvas, on which a network likes to draw: a multiple of 32 or 64.

    In the released code: feature_inversion.ipynb, out[:, :, :imsize, :imsize], 224 of 256.

    Args:
        height: in pixels.
        width: likewise.
    """

    height: int
    width: int

    def of(self, image: Image) -> Image:
        """Cut it out of (B, C, H, W)."""
        return image[..., : self.height, : self.width]

    def __call__(self, image: Image, problem: Problem) -> Image:
        """The same as what is done to a picture at the end."""
        return self.of(image)


@dataclass(frozen=True, eq=False)
class Seen(Degradation):
    """A(x) = Φ(x) / s, the features of one layer, (B, C, H, W) -> (B, c, h, w).

    Features without places, behind a linear layer, have one: h = w = 1.

    Args:
        network: Φ, frozen.
        layer: name of the layer.
        shape: (C, H, W) of the images.
        scale: s.
        corner: what the network is shown of an image; all of it by default.
    """

    network: FeatureNetwork
    layer: str
    shape: Shape
    scale: float = 1.0
    corner: Corner | None = None

    def __call__(self, image: Image) -> Observation:
        image = image if self.corner is None else self.corner.of(image)
        features: Tensor = self.network(image, [self.layer])[self.layer]
        placed = features if features.ndim == 4 else features[..., None, None]
        return placed / self.scale

    def image_shape(self, observation: Shape) -> Shape:
        return self.shape


@dataclass(frozen=True, eq=False)
class Textures(Degradation):
    """A(x): the Gram matrices of some layers, one after another, (B, C, H, W) -> (B, 1, 1, n).

    Args:
        network: frozen.
        layers: names of them.
        shape: (C, H, W) of the images.
        scales: what each matrix is divided by; 1 by default.
    """

    network: FeatureNetwork
    layers: tuple[str, ...]
    shape: Shape
    scales: tuple[float, ...] = ()

    def matrices(self, image: Image) -> list[Tensor]:
        """One a layer, (B, c, c), as they are."""
        features = self.network(image, self.layers)
        return [gram(features[layer]) for layer in self.layers]

    def __call__(self, image: Image) -> Observation:
        scales = self.scales or (1.0,) * len(self.layers)
        pairs = zip(self.matrices(image), scales, strict=True)
        return torch.cat([(one / scale).flatten(1) for one, scale in pairs], 1)[:, None, None]

    def image_shape(self, observation: Shape) -> Shape:
        return self.shape


@dataclass(frozen=True, eq=False)
class Watched(Degradation):
    """A(x): one channel of a layer, or its central places, (B, C, H, W) -> (B, 1, k, l).

    Args:
        seen: the layer.
        channel: counted from 0.
        window: side of the square in the middle; 1 is one neuron, None all places.

    Raises:
        ProblemError: when called, that there is no such channel, or the layer has fewer places.
    """

    seen: Seen
    channel: int
    window: int | None = None

    def __call__(self, image: Image) -> Observation:
        features = self.seen(image)
        channels, *places = features.shape[1:]
        if not 0 <= self.channel < channels:
            raise ProblemError(
                f"expected a channel of {self.seen.layer} from 0 to {channels - 1}, "
                f"got {self.channel}"
            )
        one = features[:, self.channel : self.channel + 1]
        if self.window is None:
            return one
        if not 1 <= self.window <= min(places):
            raise ProblemError(
                f"expected a window of 1 to {min(places)} places, which is all that "
                f"{self.seen.layer} has of an image of this size, got {self.window}"
            )
        return crop_centre(one, (self.window, self.window))

    def image_shape(self, observation: Shape) -> Shape:
        return self.seen.shape
