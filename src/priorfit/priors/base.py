"""What every prior is: a family of images, and a way to draw one from a code."""

from abc import ABC, abstractmethod

from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Code, Image


class Prior(ABC):
    """A family of images x = render(code)."""

    still: tuple[str, ...] = ()  # parts of the code that nothing moves but a stage that tunes them

    @abstractmethod
    def start(self, problem: Problem, noise: Noise) -> Code:
        """Make the code a fit begins with; its randomness comes from `noise` alone.

        Returns:
            Named tensors, each (B, ...), one entry an image.
        """

    def vary(self, code: Code, noise: Noise, step: int = 0) -> Code:
        """The code as one step of a fit sees it: jittered inputs, shaken weights, hidden pixels.

        Args:
            code: as it stands.
            noise: where its randomness comes from.
            step: how many steps the fit has taken; what disturbs a code may fade with it.
        """
        return code

    @abstractmethod
    def render(self, code: Code) -> Image:
        """Draw the images of a code, (B, C, H, W), differentiably."""
