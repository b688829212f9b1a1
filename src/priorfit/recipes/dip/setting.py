"""Settings of networks that are fitted to one picture: the numbers, each beside its source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from priorfit.recipes.method import DEFAULT, Cited, Kit
from priorfit.recipes.setting import TaskSetting
from priorfit.terms.objective import Objective, Schedule, Term, summed

Filters = Cited[Sequence[Callable[[], Filter]]]
"""Factories of what watches the loop, see `Recipe`."""


@dataclass(frozen=True)
class Setting(TaskSetting):
    """One setting of Deep Image Prior; a `recipes.method.Method`.

    Args:
        about: one line for the list of recipes.
        task: that it is for.
        network: builds the network.
        inputs: what the network is fed.
        rate: learning rate of the network, a number or a function of the step, or one for each part
            that is fitted; never of the length of the fit, so that a short fit is the beginning of
            every longer one.
        steps: length of the fit.
        objective: what is minimised.
        filters: averaging, rewinding, stopping.
        jitter: standard deviation of the noise added to the inputs at each step, one or one each,
            numbers, functions of the step or `Relative`.
        weight_noise: that of the noise on the filters at each step, as a fraction of their spread.
        moving: fit the image turned, mirrored and moved at random.
        optimizer: what takes the steps.
        warm_up: a stage before the rest; its steps count.
        precision: number format of the convolutions, by device.
        kernel: name of the window that made the small image, for upscaling, unless the user knows.
        longest: longest useful fit: a longer time limit is not filled up.
        runs: fits side by side whose pictures are averaged.
        target: estimate of the image that the objective draws it to.
        draws: how often what disturbs inputs and weights is drawn at each step; the mean is fitted.
        published: see `Method`.
        sooner: likewise.
    """

    about: str
    task: str
    network: Cited[NetworkFactory]
    inputs: Cited[Sequence[Input]]
    rate: Cited[float | Schedule | Mapping[str, float | Schedule]]
    steps: Cited[int]
    objective: Cited[Objective | Term]
    filters: Filters
    jitter: Cited[Jitter | Sequence[Jitter]] = Cited(0.0, DEFAULT)
    weight_noise: Cited[float | Schedule] = Cited(0.0, DEFAULT)
    moving: Cited[Moving] = Cited(STILL, DEFAULT)
    optimizer: Cited[OptimizerFactory] = Cited(torch.optim.Adam, DEFAULT)
    warm_up: Cited[Stage | None] = Cited(None, DEFAULT)
    precision: Cited[Precision] = Cited(full, DEFAULT)
    kernel: Cited[str | None] = Cited(None, DEFAULT)
    longest: Cited[int | None] = Cited(None, DEFAULT)
    runs: Cited[int] = Cited(1, DEFAULT)
    draws: Cited[int] = Cited(1, DEFAULT)
    target: Cited[Estimator | None] = Cited(None, DEFAULT)
    published: bool = False
    sooner: str | None = None

    @property
    def most(self) -> int | None:
        """Longest useful fit; None where more time never hurts."""
        return self.longest.value

    @property
    def window(self) -> str | None:
        """The window that it takes a small image to be made with."""
        return self.kernel.value

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        """Make the recipe, of the setting's own length or another."""
        prior: Prior = DeepImagePrior(
            self.network.value,
            self.inputs.value,
            jitter=self.jitter.value,
            weight_noise=self.weight_noise.value,
            moving=self.moving.value,
            target=self.target.value,
            precision=self.precision.value,
        )
        if self.draws.value > 1:
            prior = Expected(prior, self.draws.value)
        runs = self.runs.value
        together = [Together] if runs > 1 else []
        return Recipe(prior, self._stages(steps), [*self.filters.value, *together], runs=runs)

    def _stages(self, steps: int | None) -> list[Stage]:
        left = steps or self.steps.value
        stages = []
        if self.warm_up.value is not None:
            first = self.warm_up.value
            stages.append(replace(first, steps=min(first.steps, left)))
            left -= stages[0].steps
        rate = self.rate.value
        rates = rate if isinstance(rate, Mapping) else {"network": rate}
        objective = summed(self.objective.value)
        return [*stages, Stage(left, rates, objective, self.optimizer.value)]
