"""What is done to the picture at the end of a fit."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from priorfit.degradations.jpeg import JpegProjection
from priorfit.problem import Finish, Problem
from priorfit.types import Image
from priorfit.units import Units


@dataclass(frozen=True)
class KeepKnownPixels(Finish):
    """Put the known pixels of a masked observation back, bit for bit."""

    def __call__(self, image: Image, problem: Problem) -> Image:
        operator = problem.operator
        return operator.put_back(image, problem.observation) if operator.masked else image

    @property
    def keeps_known(self) -> bool:
        return True


@dataclass(frozen=True)
class BoostDetail(Finish):
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
        return (y + self.amount * (y - image)).clamp(0, 1)


@dataclass(frozen=True)
class RespectJpeg(Finish):
    """Move the picture to where an encoder could have made the given JPEG file of it."""

    projection: JpegProjection

    def __call__(self, image: Image, problem: Problem) -> Image:
        return self.projection(image).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class InPictureUnits(Finish):
    """Put a picture back on the scale that it came with, and finish it there.

    What lay outside the range of the fit, such as a star or a hot pixel, comes back as it was, so
    that nothing is cut off that was not cut off before.

    Args:
        units: of the fit.
        problem: on the picture's own scale, with what is done there.
    """

    units: Units
    problem: Problem

    def __call__(self, image: Image, problem: Problem) -> Image:
        image = self.units.outward(image) + self._excess(image.shape[-2:])
        image = self.problem.to(image.device).apply_finish(image)
        # Channels that were the same stay the same, whatever rounding has done to each.
        return image[:, :1].expand_as(image) if self.units.copies > 1 else image

    @property
    def keeps_known(self) -> bool:
        return self.problem.keeps_known

    def _excess(self, size: torch.Size) -> Image:
        """What was cut off for the fit, enlarged with the picture if need be."""
        problem = self.problem
        excess = self.units.excess(problem.observation) * problem.known
        if excess.shape[-2:] == size or not excess.any():
            return excess if excess.shape[-2:] == size else excess.new_zeros(())
        return F.interpolate(excess, list(size), mode="bicubic", align_corners=False)
