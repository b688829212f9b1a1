"""What every degradation is, and what it can be asked about itself."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from priorfit.degradations.window import Window
from priorfit.errors import ProblemError
from priorfit.types import Code, Image, Observation, Shape
from priorfit.units import Units

Margins = tuple[int, int, int, int]
"""(left, right, top, bottom), in pixels."""

NO_MARGINS: Margins = (0, 0, 0, 0)

_TRACE = 1e-4
"""Share of a pixel in an entry of an observation below which the entry tells nothing of it."""


class Degradation(ABC):
    """A of y = A(x): pure, differentiable, and able to say which image it observes.

    What it can be asked beyond that has an answer here that is right for any degradation: all of
    the observation is known, none of it is put back, no part of it can be seen by itself, and
    nothing about it is fitted.
    """

    @abstractmethod
    def __call__(self, image: Image) -> Observation:
        """Degrade (B, C, H, W) to (B, c, h, w)."""

    @abstractmethod
    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the image behind an observation of this shape."""

    @property
    def masked(self) -> bool:
        """Whether entries of an observation may be missing."""
        return False

    @property
    def direct(self) -> bool:
        """Whether the observation is the image itself, but for its noise."""
        return False

    @property
    def overhang(self) -> Margins:
        """Pixels by which the image sought is larger than what lies behind the observation."""
        return NO_MARGINS

    @property
    def reach(self) -> int:
        """Pixels that an entry of the observation looks around itself, at most, along a side."""
        return 0

    def check(self, observation: Observation) -> None:
        """Find out before a fit whether an observation can be one of this degradation.

        Raises:
            ProblemError: it cannot.
        """
        _, channels, height, width = observation.shape
        self.image_shape((channels, height, width))

    def known_in(self, observation: Observation) -> Tensor:
        """True where an observation tells of the image, of the shape of the observation."""
        device = observation.device
        return torch.ones((), dtype=torch.bool, device=device).expand_as(observation)

    def reached(self, known: Tensor) -> Tensor:
        """Where an observation still tells of the image if only a part of the image counts.

        Args:
            known: (1 or B, C, H, W), true where the image counts.

        Returns:
            (1 or B, c, h, w) booleans.
        """
        generator = torch.Generator().manual_seed(0)
        draw = (0.5 + torch.rand(known.shape, generator=generator)).to(known.device)
        with torch.no_grad():
            told = self(draw * known) - self(torch.zeros_like(draw))
        return (told.abs() > _TRACE) | known.all()

    def refill(self, observation: Observation) -> Observation:
        """The observation with what stands for missing entries put in their place."""
        return observation

    def hide(
        self, hidden: Tensor, observation: Observation
    ) -> tuple["Degradation", Observation] | None:
        """Hide more of an observation, where entries of it can be missing.

        Args:
            hidden: true where an entry is to be missing too, of the shape of the observation.
            observation: it.

        Returns:
            The degradation that misses them, and the observation without them; None where every
            entry is known, and no mask belongs to the degradation.
        """
        return None

    def put_back(self, image: Image, observation: Observation) -> Image:
        """The image changed as little as makes it agree with what the observation says exactly.

        Pixels that are mixed with others in the observation stay as they are.

        Args:
            image: (B, C, H, W).
            observation: (B, c, h, w).
        """
        return image

    def lift(self, observation: Observation) -> Image:
        """The simplest image of the right shape that looks much like the observation.

        Raises:
            ProblemError: there is none for this degradation.
        """
        raise ProblemError(f"what {self._name} makes of a picture is no picture to begin with")

    def crop(self, image: Image) -> Image:
        """The part of an image (B, C, H, W) that lies behind the observation."""
        left, right, top, bottom = self.overhang
        height, width = image.shape[-2:]
        return image[..., top : height - bottom, left : width - right]

    def enlargement(self) -> int:
        """How many pixels of the image a pixel of the observation stands for, along a side.

        Raises:
            ProblemError: a part of the observation says nothing about a part of the image.
        """
        raise ProblemError(
            f"cannot be cut into tiles: nobody knows what {self._name} makes of a part"
        )

    def part(self, window: Window) -> "Degradation":
        """The degradation of which the observation inside a window is one.

        Raises:
            ProblemError: as `enlargement`.
        """
        self.enlargement()
        return self

    def behind(self, window: Window) -> Window:
        """The rectangle of the image that `part` is about.

        Raises:
            ProblemError: as `enlargement`.
        """
        top, left, height, width = window.times(self.enlargement())
        before, after, above, below = self.overhang
        return Window(top, left, height + above + below, width + before + after)

    def resized(self, observation: Shape) -> "Degradation":
        """A degradation of the same kind, as costly a pixel, for an observation of another shape.

        Raises:
            ProblemError: there is none.
        """
        return self

    def in_units(self, units: Units, *, refilled: bool = True) -> "Degradation":
        """The degradation of pictures in the units of a fit.

        Args:
            units: of the fit.
            refilled: whether missing entries are filled in the units of the fit afterwards; else
                what stands for them changes its units too.
        """
        return self

    def start(self, observation: Observation) -> Code:
        """First guess of numbers of its own that are fitted, one entry an image.

        Parts of the code that are called `degradation.*`.
        """
        return {}

    def at(self, code: Code) -> "Degradation":
        """The degradation as the code has it now."""
        return self

    def point_spread(self) -> Tensor | None:
        """(h, w), what every point becomes, if that is all the degradation does."""
        return None

    @property
    def _name(self) -> str:
        return type(self).__name__
