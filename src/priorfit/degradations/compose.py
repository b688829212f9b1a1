"""One degradation after another."""

from dataclasses import dataclass

from priorfit.types import Degradation, Image, Observation, Shape


@dataclass(frozen=True, init=False, repr=False)
class Compose:
    """Apply degradations from left to right: `Compose(A1, A2)` is x -> A2(A1(x))."""

    degradations: tuple[Degradation, ...]

    def __init__(self, *degradations: Degradation) -> None:
        object.__setattr__(self, "degradations", degradations)

    def __call__(self, image: Image) -> Observation:
        for degradation in self.degradations:
            image = degradation(image)
        return image

    def image_shape(self, observation: Shape) -> Shape:
        for degradation in reversed(self.degradations):
            observation = degradation.image_shape(observation)
        return observation

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.degradations))})"
