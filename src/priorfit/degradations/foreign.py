"""Forward operators of other packages."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Operator, Shape


@runtime_checkable
class _Callable(Protocol):
    """A forward operator that is called, and says which image it observes."""

    def __call__(self, image: Image) -> Observation: ...

    def image_shape(self, observation: Shape) -> Shape: ...


@dataclass(frozen=True)
class Told(Degradation):
    """A callable of a user's own, with `image_shape`, as a degradation.

    Args:
        own: (B, C, H, W) to (B, c, h, w), differentiable.
    """

    own: _Callable

    def __call__(self, image: Image) -> Observation:
        return self.own(image)

    def image_shape(self, observation: Shape) -> Shape:
        return self.own.image_shape(observation)


@dataclass(frozen=True)
class Foreign(Degradation):
    """A foreign operator as a degradation. Only its `A` is called: calling a physics adds noise.

    Args:
        operator: any object with a differentiable `A(x)`.
        shape: (channels, height, width) of the image; without it that of the observation.
    """

    operator: Operator
    shape: Shape | None = None

    def __call__(self, image: Image) -> Observation:
        return self.operator.A(image)

    def check(self, observation: Observation) -> None:
        # On a grey image, before a fit fails somewhere inside the operator.
        y = tuple(observation.shape)
        shape = (y[0], *self.image_shape((y[1], y[2], y[3])))
        with torch.enable_grad():
            grey = torch.full(shape, 0.5, dtype=observation.dtype, device=observation.device)
            try:
                seen = self.operator.A(grey.requires_grad_())
            except Exception as error:
                raise ProblemError(
                    f"A(x) fails for an image of {shape}: {type(error).__name__}: {error}; if the "
                    "image has another shape, image_shape=(C, H, W) says so"
                ) from error
        if not isinstance(seen, Tensor):
            raise ProblemError(f"expected A(x) to give a tensor, got {type(seen).__name__}")
        if tuple(seen.shape) != y:
            raise ProblemError(
                f"expected A(x) of an image of {shape} to have the observation's shape {y}, got "
                f"{tuple(seen.shape)}; if the image has another shape, image_shape=(C, H, W) says "
                "so"
            )
        if not seen.requires_grad:
            raise ProblemError("expected A(x) to be differentiable, got a tensor without gradient")

    def image_shape(self, observation: Shape) -> Shape:
        return self.shape or observation

    def resized(self, observation: Shape) -> Degradation:
        if self.shape is None:
            return self
        raise ProblemError(
            f"nobody knows what {type(self.operator).__name__} makes of an image of another shape "
            f"than {self.shape}, so that memory and time cannot be foretold"
        )


def as_degradation(value: object, image_shape: Shape | None = None) -> Degradation:
    """Make a degradation of what a user gave: our own pass through, foreign operators are wrapped.

    Args:
        value: a degradation, or an object with a differentiable `A(x)`.
        image_shape: (channels, height, width) of the image behind a foreign operator's observation;
            without it that of the observation.

    Raises:
        ProblemError: the value is neither.
    """
    if isinstance(value, Degradation):
        return value
    if isinstance(value, _Callable):
        return Told(value)
    if isinstance(value, Operator):
        return Foreign(value, image_shape)
    raise ProblemError(
        f"expected a degradation or an object with a method A(x), got {type(value).__name__}"
    )
