"""Settings: the numbers of a recipe, each beside its source, and how they become a recipe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import torch

from priorfit.loop.ensemble import Together
from priorfit.loop.fit import OptimizerFactory, Recipe, Stage
from priorfit.loop.state import Filter
from priorfit.networks.precision import Precision, full
from priorfit.priors.base import Prior
from priorfit.priors.deep_image import DeepImagePrior, Jitter, NetworkFactory
from priorfit.priors.expected import Expected
from priorfit.priors.inputs import Estimator, Input
from priorfit.priors.moves import STILL, Moving
from priorfit.priors.pixels import Pixels
from priorfit.terms.objective import Objective, Schedule, Term

T = TypeVar("T")


@dataclass(frozen=True)
class Cited(Generic[T]):
    """A value and where it stands."""

    value: T
    source: str


@dataclass(frozen=True)
class Setting:
    """One setting of Deep Image Prior; a row of the table of recipes.

    Args:
        about: one line for the list of recipes.
        network: builds the network.
        inputs: what the network is fed.
        jitter: standard deviation of the noise added to the inputs at each step, one or one each,
            numbers, functions of the step or `Relative`.
        weight_noise: that of the noise on the filters at each step, as a fraction of their spread.
        moving: fit the image turned, mirrored and moved at random.
        rate: learning rate of the network, a number or a function of the step, or one for each part
            that is fitted; never of the length of the fit, so that a short fit is the beginning of
            every longer one.
        steps: length of the fit.
        objective: what is minimised.
        filters: averaging, rewinding, stopping.
        optimizer: Adam unless said otherwise.
        warm_up: a stage before the rest; its steps count.
        precision: number format of the convolutions, by device.
        kernel: name of the window that made the small image, for upscaling, unless the user knows.
        most: longest useful fit: a longer time limit is not filled up.
        runs: fits side by side whose pictures are averaged.
        target: estimate of the image that the objective draws it to.
        draws: how often what disturbs inputs and weights is drawn at each step; the mean is fitted.
    """

    about: str
    network: Cited[NetworkFactory]
    inputs: Cited[Sequence[Input]]
    jitter: Cited[Jitter | Sequence[Jitter]]
    rate: Cited[float | Schedule | Mapping[str, float | Schedule]]
    steps: Cited[int]
    objective: Cited[Objective | Term]
    filters: Cited[Sequence[Callable[[], Filter]]]
    weight_noise: Cited[float | Schedule] = Cited(0.0, "no published .ipynb has any that works")
    moving: Cited[Moving] = Cited(STILL, "no published .ipynb does")
    optimizer: OptimizerFactory = torch.optim.Adam
    warm_up: Cited[Stage] | None = None
    precision: Precision = full
    kernel: Cited[str] | None = None
    most: Cited[int | None] = Cited(None, "no published .ipynb has one")
    runs: Cited[int] = Cited(1, "no published .ipynb averages over runs")
    draws: Cited[int] = Cited(1, "no published .ipynb averages over draws")
    target: Cited[Estimator | None] = Cited(None, "no published .ipynb has one")

    def recipe(self, steps: int | None = None) -> Recipe:
        """Make the recipe, of the setting's own length or another."""
        prior: Prior = DeepImagePrior(
            self.network.value,
            self.inputs.value,
            jitter=self.jitter.value,
            weight_noise=self.weight_noise.value,
            moving=self.moving.value,
            target=self.target.value,
            precision=self.precision,
        )
        if self.draws.value > 1:
            prior = Expected(prior, self.draws.value)
        runs = self.runs.value
        together = [Together] if runs > 1 else []
        return Recipe(prior, self._stages(steps), [*self.filters.value, *together], runs=runs)

    def _stages(self, steps: int | None) -> list[Stage]:
        left = steps or self.steps.value
        stages = []
        if self.warm_up is not None:
            first = self.warm_up.value
            stages.append(replace(first, steps=min(first.steps, left)))
            left -= stages[0].steps
        rate = self.rate.value
        rates = rate if isinstance(rate, Mapping) else {"network": rate}
        return [*stages, Stage(left, rates, _summed(self.objective.value), self.optimizer)]


@dataclass(frozen=True)
class PixelSetting:
    """One setting of an image whose pixels are optimised themselves.

    Args:
        about: one line for the list of recipes.
        start: lowest and highest value of the uniform noise that it begins with.
        rate: learning rate.
        steps: length of the fit.
        objective: what is minimised.
        bounded: see `Pixels`.
    """

    about: str
    start: Cited[tuple[float, float]]
    rate: Cited[float]
    steps: Cited[int]
    objective: Cited[Objective | Term]
    bounded: bool = False

    def recipe(self, steps: int | None = None) -> Recipe:
        """Make the recipe, of the setting's own length or another."""
        rates = {"pixels": self.rate.value}
        stage = Stage(steps or self.steps.value, rates, _summed(self.objective.value))
        return Recipe(Pixels(*self.start.value, bounded=self.bounded), [stage])


def _summed(objective: Objective | Term) -> Objective:
    return objective if isinstance(objective, Objective) else 1.0 * objective
