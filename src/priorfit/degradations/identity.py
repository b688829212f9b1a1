"""The observation is the image, but for its noise."""

from dataclasses import dataclass

from priorfit.types import Image, Observation, Shape


@dataclass(frozen=True)
class Identity:
    """A(x) = x: denoising, JPEG artefacts, the inversion of a complete image."""

    def __call__(self, image: Image) -> Observation:
        return image

    def image_shape(self, observation: Shape) -> Shape:
        return observation
