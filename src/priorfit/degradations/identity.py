"""The observation is the image, but for its noise."""

from dataclasses import dataclass

from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.types import Image, Observation, Shape


@dataclass(frozen=True)
class Identity(Degradation):
    """A(x) = x: denoising, JPEG artefacts, the inversion of a complete image."""

    direct = True

    def __call__(self, image: Image) -> Observation:
        return image

    def image_shape(self, observation: Shape) -> Shape:
        return observation

    def reached(self, known: Tensor) -> Tensor:
        return known

    def put_back(self, image: Image, observation: Observation) -> Image:
        return observation

    def lift(self, observation: Observation) -> Image:
        return observation

    def enlargement(self) -> int:
        return 1
