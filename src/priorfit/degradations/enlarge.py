"""More pixels without more detail."""

from dataclasses import dataclass

import torch.nn.functional as F

from priorfit.degradations.base import Degradation
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Shape


@dataclass(frozen=True)
class Enlarge(Degradation):
    """Interpolate between pixel centres, (B, C, H, W) -> (B, C, factor·H, factor·W).

    After a `Downsample` it keeps the size: so [pan2020]_ compares pictures of few pixels in a
    network that wants many.

    Raises:
        ProblemError: the factor is no whole number from 2; when asked for the shape of an image,
            that the observation is no multiple of it.
    """

    factor: int

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 2:
            raise ProblemError(f"expected a whole factor of at least 2, got {self.factor}")

    def __call__(self, image: Image) -> Observation:
        size = [self.factor * side for side in image.shape[-2:]]
        return F.interpolate(image, size, mode="bilinear", align_corners=False)

    def image_shape(self, observation: Shape) -> Shape:
        channels, height, width = observation
        if height % self.factor or width % self.factor:
            raise ProblemError(
                f"expected an observation enlarged by {self.factor}, got {height}×{width} pixels"
            )
        return channels, height // self.factor, width // self.factor

    def lift(self, observation: Observation) -> Image:
        return F.avg_pool2d(observation, self.factor)
