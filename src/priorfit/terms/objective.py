"""What is minimised: a weighted sum of terms, kept apart by image until the last moment."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from priorfit.problem import Problem
from priorfit.types import Code, Image, Observation, PerImage

Schedule = Callable[[int], float]
"""A number that changes: step of the stage, from 0, to value."""


@dataclass(frozen=True)
class Estimate:
    """Where the fit stands at one step."""

    code: Code  # as it was varied for this step
    image: Image  # render(code), (B, C, H, W)
    degraded: Observation  # A(image), compared with the observation
    render: Callable[[Code], Image]  # the prior's, for terms that look at a neighbouring code


Loss = Callable[[Estimate], PerImage]


class Term(ABC):
    """One summand of an objective."""

    @abstractmethod
    def against(self, problem: Problem) -> Loss:
        """Bind the term to a problem, so that what depends on it alone is computed once.

        Returns:
            A function of an estimate, giving (B,): one loss an image, never averaged over a batch.
        """

    def __rmul__(self, weight: float | Schedule) -> "Objective":
        return Objective(((weight, self),))

    def __add__(self, other: "Term | Objective") -> "Objective":
        return 1.0 * self + other


@dataclass(frozen=True)
class Objective:
    """Σ wₖ · Lₖ; a weight may be a function of the step."""

    summands: tuple[tuple[float | Schedule, Term], ...]

    def __add__(self, other: "Term | Objective") -> "Objective":
        more = other if isinstance(other, Objective) else 1.0 * other
        return Objective(self.summands + more.summands)

    def against(self, problem: Problem) -> Callable[[Estimate, int], dict[str, PerImage]]:
        """Bind every term; the result maps (estimate, step) to the weighted loss of each term."""
        names = [_name(term, index, self) for index, (_, term) in enumerate(self.summands)]
        losses = [(weight, term.against(problem)) for weight, term in self.summands]

        def weighted(estimate: Estimate, step: int) -> dict[str, PerImage]:
            return {
                name: at(weight, step) * loss(estimate)
                for name, (weight, loss) in zip(names, losses, strict=True)
            }

        return weighted


def summed(objective: Term | Objective) -> Objective:
    """An objective of one term, or the objective that it is already."""
    return objective if isinstance(objective, Objective) else 1.0 * objective


def at(value: float | Schedule, step: int) -> float:
    """Value of a constant or a schedule at a step."""
    return value(step) if callable(value) else value


def _name(term: Term, index: int, objective: Objective) -> str:
    name = type(term).__name__
    alone = sum(type(other).__name__ == name for _, other in objective.summands) == 1
    return name if alone else f"{name}.{index}"
