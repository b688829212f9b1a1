"""What is done to the picture at the end of a fit."""

from dataclasses import dataclass

from priorfit.degradations import Mask
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
