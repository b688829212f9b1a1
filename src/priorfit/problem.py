"""What is to be solved: an observation and how it came about."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from priorfit.degradations import Degradation, as_degradation
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Operator, Shape
from priorfit.wording import described


class Finish(ABC):
    """One thing that is done to a solution at the end: a JPEG's intervals are respected, say."""

    @abstractmethod
    def __call__(self, image: Image, problem: "Problem") -> Image:
        """Finish a picture.

        Args:
            image: (B, C, H, W), without the margins of a blur's canvas.
            problem: that it solves.
        """

    @property
    def keeps_known(self) -> bool:
        """Whether known pixels of a masked picture come back as they were."""
        return False


@dataclass(frozen=True, eq=False)
class Problem:
    """y = A(x) + noise, with y and A known and x sought.

    Args:
        observation: y, (B, c, h, w), floating point; [0, 1] where it is a picture.
        degradation: A, (B, C, H, W) -> (B, c, h, w); any object with a differentiable `A(x)` will
            do.
        image_shape: (C, H, W) of the image sought; by default what the degradation says, and the
            observation's own shape for a foreign operator.
        noise_std: standard deviation of the noise in y as a fraction of full scale, if known.
        companion: a second picture of the scene, (B, c, H, W), which some recipes start from.
        withheld: 1 where a stop rule keeps an entry of y from the objective, to judge by it; 0
            elsewhere, of the shape of y. The entry itself is not in `observation` any more.
        label: class that the image is of, its number or its name, for priors that know classes;
            None where it is not known.
        finish: what makes a picture of a solution at the end, in turn; no part of the fit.

    Raises:
        ProblemError: y is not a batch of finite pictures, or A does not turn an image of this shape
            into something of the shape of y.
    """

    observation: Observation
    degradation: Degradation | Operator
    image_shape: Shape | None = None
    noise_std: float | None = None
    companion: Image | None = None
    withheld: Tensor | None = None
    label: int | str | None = None
    finish: Sequence[Finish] = ()

    def __post_init__(self) -> None:
        y = self.observation
        if not isinstance(y, Tensor):
            raise ProblemError(
                "expected an observation that is a torch tensor (B, C, H, W) in [0, 1], got "
                f"{described(y)}: priorfit.denoise and its like take arrays"
            )
        if y.ndim != 4 or not y.is_floating_point():
            raise ProblemError(
                "an observation is a floating-point tensor (B, C, H, W), "
                f"got {tuple(y.shape)} {y.dtype}"
            )
        if not torch.isfinite(y).all():
            raise ProblemError("the observation has pixels that are not numbers; mask them")
        shape = (y.shape[1], y.shape[2], y.shape[3])
        degradation = as_degradation(self.degradation, self.image_shape)
        if degradation is not self.degradation:
            degradation.check(y)
        object.__setattr__(self, "degradation", degradation)
        object.__setattr__(self, "image_shape", self.image_shape or degradation.image_shape(shape))

    @property
    def operator(self) -> Degradation:
        """A, whatever it was given as."""
        assert isinstance(self.degradation, Degradation)
        return self.degradation

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the observation."""
        return self.observation.shape[-2], self.observation.shape[-1]

    @property
    def known(self) -> Tensor:
        """True where y was observed, of the shape of y: everywhere but where a mask hides it."""
        return self.operator.known_in(self.observation)

    @property
    def shape(self) -> Shape:
        """(C, H, W) of the image sought."""
        assert self.image_shape is not None
        return self.image_shape

    @property
    def finished_shape(self) -> Shape:
        """(C, H, W) of a solution that is finished: without the margins of a blur's canvas."""
        channels, height, width = self.shape
        left, right, top, bottom = self.operator.overhang
        return channels, height - top - bottom, width - left - right

    @property
    def keeps_known(self) -> bool:
        """Whether known pixels come back as they were at the end."""
        return any(step.keeps_known for step in self.finish)

    def apply_finish(self, image: Image) -> Image:
        """Make a picture of a solution.

        Args:
            image: (B, C, H, W) in [0, 1], of the shape of the image sought; or without the margins
                of a blur's canvas already, as some cheap estimates are.
        """
        if image.shape[1:] == self.shape:
            image = self.operator.crop(image)
        for step in self.finish:
            image = step(image, self)
        return image

    def to(self, device: torch.device | str) -> "Problem":
        """The same problem with its observation on another device."""
        y = self.observation.to(device)
        companion = None if self.companion is None else self.companion.to(device)
        withheld = None if self.withheld is None else self.withheld.to(device)
        return replace(self, observation=y, companion=companion, withheld=withheld)

    def __len__(self) -> int:
        return len(self.observation)
