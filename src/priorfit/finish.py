"""What is done to the picture at the end of a fit."""

from dataclasses import dataclass

from priorfit.degradations import Blur, Mask
from priorfit.degradations.jpeg import JpegProjection
from priorfit.problem import Problem
from priorfit.types import Image


@dataclass(frozen=True)
class KeepKnownPixels:
    """Put the known pixels of a masked observation back, bit for bit."""

    def __call__(self, image: Image, problem: Problem) -> Image:
        mask = problem.degradation
        if not isinstance(mask, Mask):
            return image
        return image.where(~(mask.known.to(image.device) > 0.5), problem.observation)


@dataclass(frozen=True)
class CropCanvas:
    """Cut the part behind the picture out of the larger canvas that a blur is fitted on."""

    def __call__(self, image: Image, problem: Problem) -> Image:
        blur = problem.degradation
        return blur.crop(image) if isinstance(blur, Blur) else image


@dataclass(frozen=True)
class BoostDetail:
    """Add the detail that a fit left out to the picture once more.

        x ← y + a·(y − x)

    The image enhancement of [ulyanov2018]_, with a = 1: y the picture, x the coarse layer of it
    that a short fit has come to.

    Args:
        amount: a; −1 leaves the coarse layer itself.
    """

    amount: float = 1.0

    def __call__(self, image: Image, problem: Problem) -> Image:
        y = problem.observation
        return y + self.amount * (y - image)


@dataclass(frozen=True)
class RespectJpeg:
    """Move the picture to where an encoder could have made the given JPEG file of it."""

    projection: JpegProjection

    def __call__(self, image: Image, problem: Problem) -> Image:
        return self.projection(image)
