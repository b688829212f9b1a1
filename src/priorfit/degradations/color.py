"""Cameras and archives that keep less than the colour."""

from dataclasses import dataclass, replace

from torch import Tensor

from priorfit.color import weighted
from priorfit.degradations.base import Degradation
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Shape
from priorfit.units import Units

BT601_FOUR_DIGITS = (0.2989, 0.5870, 0.1140)
"""Weights of the colours in [pan2020]_ and MATLAB; they sum to 0.9999."""


@dataclass(frozen=True)
class Grayscale(Degradation):
    """Weighted mean of red, green and blue, (B, 3, H, W) -> (B, 1, H, W).

    Args:
        weights: of the colours; `priorfit.color.BT601` is that of Pillow and of [gu2020]_.
        zero: the value from which on they weigh. [pan2020]_ weighs pictures in [-1, 1], for which
            it is 0.5; it matters where the weights do not sum to 1.
    """

    weights: tuple[float, float, float] = BT601_FOUR_DIGITS
    zero: float = 0.0

    def __call__(self, image: Image) -> Observation:
        if image.shape[1] != 3:
            raise ProblemError(f"expected an image of 3 channels, got {image.shape[1]}")
        return weighted(image - self.zero, self.weights) + self.zero

    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the coloured image.

        Raises:
            ProblemError: the observation has more than one channel.
        """
        channels, height, width = observation
        if channels != 1:
            raise ProblemError(f"expected a grey observation of 1 channel, got {channels}")
        return 3, height, width

    def reached(self, known: Tensor) -> Tensor:
        return known.any(1, keepdim=True)

    def put_back(self, image: Image, observation: Observation) -> Image:
        # The same for all three keeps what sets the colours apart.
        return image + (observation - self(image)) / sum(self.weights)

    def lift(self, observation: Observation) -> Image:
        return observation.expand(-1, 3, -1, -1)

    def enlargement(self) -> int:
        return 1

    def in_units(self, units: Units, *, refilled: bool = True) -> Degradation:
        return replace(self, zero=(self.zero - units.low) / units.span)
