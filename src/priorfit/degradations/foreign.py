"""Forward operators of other packages."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from priorfit.errors import ProblemError
from priorfit.types import Degradation, Image, Observation, Operator, Shape


@runtime_checkable
class _Own(Degradation, Protocol):
    """A degradation that can be told from other objects."""


@dataclass(frozen=True)
class Foreign:
    """A foreign operator as a degradation. Only its `A` is called: calling a physics adds noise.

    Args:
        operator: any object with a differentiable `A(x)`.
        shape: (channels, height, width) of the image; without it that of the observation.
    """

    operator: Operator
    shape: Shape | None = None

    def __call__(self, image: Image) -> Observation:
        return self.operator.A(image)

    def image_shape(self, observation: Shape) -> Shape:
        return self.shape or observation


def as_degradation(value: object, image_shape: Shape | None = None) -> Degradation:
    """Make a degradation of what a user gave: our own pass through, foreign operators are wrapped.

    Args:
        value: a degradation, or an object with a differentiable `A(x)`.
        image_shape: (channels, height, width) of the image behind a foreign operator's observation;
            without it that of the observation.

    Raises:
        ProblemError: the value is neither.
    """
    if isinstance(value, _Own):
        return value
    if isinstance(value, Operator):
        return Foreign(value, image_shape)
    raise ProblemError(
        f"expected a degradation or an object with a method A(x), got {type(value).__name__}"
    )
