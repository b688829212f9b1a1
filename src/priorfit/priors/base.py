"""What every prior is: a family of images, and a way to draw one from a code."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Code, Image, Shape


@dataclass(frozen=True, eq=False)
class StoredCode:
    """What of a code goes into a file, to draw the image again.

    Args:
        space: that the code lies in.
        parts: tensors by name, (B, ...).
        framing: where on the image it is drawn, in JSON's types; None for all over it.
    """

    space: str
    parts: Code
    framing: Mapping[str, Any] | None = None


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

    def settled(self, problem: Problem) -> "Prior":
        """The prior with all that it would make of this problem decided, to try on a smaller one.

        Memory and time are foretold by fits of small problems: what a prior takes more of where a
        hole is small, it takes as much of there.
        """
        return self

    def guide(self, code: Code, moved: Collection[str]) -> tuple[str, Image] | None:
        """Name and image of the cheap estimate that the prior is shown, if there is one.

        Args:
            code: of a fit.
            moved: names of all in the code that has changed since the start.

        Returns:
            The image is (B, C, H, W), one an image of the code.
        """
        return None

    def keep(self, code: Code, shape: Shape) -> StoredCode | None:
        """What of a code goes into a file; None where nothing but this fit could read it.

        Args:
            code: it.
            shape: (C, H, W) of the image.
        """
        return None

    @abstractmethod
    def render(self, code: Code) -> Image:
        """Draw the images of a code, (B, C, H, W), differentiably."""
