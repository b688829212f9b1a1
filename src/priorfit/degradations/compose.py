"""One degradation after another."""

from dataclasses import dataclass

import torch
from torch import Tensor

from priorfit.degradations.base import NO_MARGINS, Degradation, Margins
from priorfit.degradations.foreign import as_degradation
from priorfit.degradations.mask import Mask
from priorfit.degradations.window import Window
from priorfit.errors import ProblemError
from priorfit.types import Code, Image, Observation, Operator, Shape
from priorfit.units import Units

_PREFIX = "degradation."

_NEAR = 1e-4
"""How far an image that was put back may be from its observation, for rounding."""


@dataclass(frozen=True, init=False, repr=False)
class Compose(Degradation):
    """Apply degradations from left to right: `Compose(A1, A2)` is x -> A2(A1(x)).

    Numbers that are fitted, of the i-th degradation from 0, are called `degradation.i.*`.

    Args:
        degradations: or what `as_degradation` makes one of.
    """

    degradations: tuple[Degradation, ...]

    def __init__(self, *degradations: Degradation | Operator) -> None:
        each = tuple(as_degradation(degradation) for degradation in degradations)
        object.__setattr__(self, "degradations", each)

    def __call__(self, image: Image) -> Observation:
        for degradation in self.degradations:
            image = degradation(image)
        return image

    def image_shape(self, observation: Shape) -> Shape:
        for degradation in reversed(self.degradations):
            observation = degradation.image_shape(observation)
        return observation

    @property
    def masked(self) -> bool:
        return any(each.masked for each in self.degradations)

    @property
    def direct(self) -> bool:
        return all(each.direct for each in self.degradations)

    @property
    def reach(self) -> int:
        return max((each.reach for each in self.degradations), default=0)

    @property
    def overhang(self) -> Margins:
        margins = NO_MARGINS
        for each in reversed(self.degradations):
            if margins != NO_MARGINS:
                try:
                    factor = each.enlargement()
                except ProblemError:  # what cannot be told is not cut off
                    return NO_MARGINS
                left, right, top, bottom = (factor * side for side in margins)
                margins = left, right, top, bottom
            left, right, top, bottom = map(sum, zip(margins, each.overhang, strict=True))
            margins = left, right, top, bottom
        return margins

    def known_in(self, observation: Observation) -> Tensor:
        if not self.masked:
            return super().known_in(observation)
        _, channels, height, width = observation.shape
        shape = self.image_shape((channels, height, width))
        known = torch.ones(1, *shape, dtype=torch.bool, device=observation.device)
        return self.reached(known).expand_as(observation)

    def reached(self, known: Tensor) -> Tensor:
        for degradation in self.degradations:
            known = degradation.reached(known)
        return known

    def refill(self, observation: Observation) -> Observation:
        if not self.masked:
            return observation
        _, channels, height, width = observation.shape
        shape = self.image_shape((channels, height, width))
        with torch.no_grad():
            nothing = self(observation.new_zeros(len(observation), *shape))
        return observation.where(self.known_in(observation), nothing)

    def hide(
        self, hidden: Tensor, observation: Observation
    ) -> tuple[Degradation, Observation] | None:
        if not self.masked:
            return None
        *first, last = self.degradations
        more = last.hide(hidden, observation)
        if more is None:
            mask = Mask(~hidden)
            return Compose(*first, last, mask), mask(observation)
        return Compose(*first, more[0]), more[1]

    def put_back(self, image: Image, observation: Observation) -> Image:
        back = self._put_through(image, observation)
        # Where a mask of single channels comes before a mixture of them, no step alone is exact.
        return back if torch.allclose(self(back), observation, atol=_NEAR) else image

    def _put_through(self, image: Image, observation: Observation) -> Image:
        if not self.degradations:
            return observation
        first, rest = self.degradations[0], Compose(*self.degradations[1:])
        return first.put_back(image, rest._put_through(first(image), observation))

    def lift(self, observation: Observation) -> Image:
        for degradation in reversed(self.degradations):
            observation = degradation.lift(observation)
        return observation

    def enlargement(self) -> int:
        factor = 1
        for degradation in self.degradations:
            factor *= degradation.enlargement()
        return factor

    def part(self, window: Window) -> Degradation:
        parts = []
        for degradation in reversed(self.degradations):
            parts.append(degradation.part(window))
            window = degradation.behind(window)
        return Compose(*reversed(parts))

    def behind(self, window: Window) -> Window:
        for degradation in reversed(self.degradations):
            window = degradation.behind(window)
        return window

    def resized(self, observation: Shape) -> Degradation:
        others = []
        for degradation in reversed(self.degradations):
            others.append(degradation.resized(observation))
            observation = others[-1].image_shape(observation)
        return Compose(*reversed(others))

    def in_units(self, units: Units, *, refilled: bool = True) -> Degradation:
        last = len(self.degradations) - 1
        return Compose(
            *(
                each.in_units(units, refilled=refilled and place == last)
                for place, each in enumerate(self.degradations)
            )
        )

    def start(self, observation: Observation) -> Code:
        code: Code = {}
        for place in reversed(range(len(self.degradations))):
            each = self.degradations[place]
            own = each.start(observation).items()
            code |= {name.replace(_PREFIX, f"{_PREFIX}{place}.", 1): t for name, t in own}
            _, channels, height, width = observation.shape
            shape = each.image_shape((channels, height, width))
            observation = observation.new_zeros(len(observation), *shape)
        return code

    def at(self, code: Code) -> Degradation:
        return Compose(*(each.at(_of(code, place)) for place, each in enumerate(self.degradations)))

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.degradations))})"


def _of(code: Code, place: int) -> Code:
    """The part of a code that is about one of the degradations, as that one calls it."""
    own = f"{_PREFIX}{place}."
    return {
        name.replace(own, _PREFIX, 1): tensor
        for name, tensor in code.items()
        if name.startswith(own)
    }
