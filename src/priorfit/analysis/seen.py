"""What a trained network sees of an image, as something that can be observed of it: A(x) = Φ(x)."""

from dataclasses import dataclass

from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.sizes import centred
from priorfit.types import Image, Observation, Shape


@dataclass(frozen=True, eq=False)
class Seen:
    """A(x) = Φ(x) / s, the features of one layer, (B, C, H, W) -> (B, c, h, w).

    Features without places, behind a linear layer, have one: h = w = 1.

    Args:
        network: Φ, frozen.
        layer: name of the layer.
        shape: (C, H, W) of the images.
        scale: s.
    """

    network: FeatureNetwork
    layer: str
    shape: Shape
    scale: float = 1.0

    def __call__(self, image: Image) -> Observation:
        features: Tensor = self.network(image, [self.layer])[self.layer]
        placed = features if features.ndim == 4 else features[..., None, None]
        return placed / self.scale

    def image_shape(self, observation: Shape) -> Shape:
        return self.shape


@dataclass(frozen=True, eq=False)
class Watched:
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
        return centred(one, (self.window, self.window))

    def image_shape(self, observation: Shape) -> Shape:
        return self.seen.shape
