"""Settings of generators whose latent is sought: the numbers, each beside its source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from priorfit.loop.fit import Recipe, Stage
from priorfit.loop.state import Filter
from priorfit.networks.generator import Generator
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf
from priorfit.recipes.method import DEFAULT, GENERATOR, Cited, Kit
from priorfit.recipes.setting import TaskSetting
from priorfit.terms.objective import Objective, Schedule, Term, summed

_NO_END: Cited[int | None] = Cited(None, DEFAULT)


@dataclass(frozen=True)
class HalvedEvery:
    """A rate that falls by half after so many steps, again and again.

    Args:
        rate: of the first step.
        every: steps.
    """

    rate: float
    every: float

    def __call__(self, step: int) -> float:
        return self.rate * 0.5 ** (step / self.every)


@dataclass(frozen=True)
class Setting(TaskSetting):
    """One setting of a generator that stands still; a `recipes.method.Method`.

    Args:
        about: one line for the list of recipes.
        task: that it is for.
        generator: name of the checkpoint, unless the user names one.
        space: `z`, `w` or `w+`; None for the richest that the generator has.
        candidates: random latents that the start is the best of.
        rate: learning rate of each part of the code, a number or a function of the step; parts
            that a code does not have are left out.
        steps: length of the fit.
        objective: what is minimised, and what the best start has least of.
        filters: averaging, picking, stopping.
        longest: longest useful fit: a longer time limit is not filled up.
    """

    about: str
    task: str
    generator: Cited[str]
    space: Cited[str | None]
    candidates: Cited[int]
    rate: Cited[Mapping[str, float | Schedule]]
    steps: Cited[int]
    objective: Cited[Objective | Term]
    filters: Cited[Sequence[Callable[[], Filter]]]
    longest: Cited[int | None] = _NO_END
    synthesises: bool = True

    @property
    def most(self) -> int | None:
        """Longest useful fit."""
        return self.longest.value

    @property
    def needs(self) -> Mapping[str, str]:
        """A generator."""
        return {GENERATOR: self.generator.value}

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        """Make the recipe, of the setting's own length or another."""
        kit = kit or Kit()
        generator = kit.network(Generator, kit.names.get(GENERATOR, self.generator.value))
        space = self.space.value or generator.spaces[-1]
        objective = summed(self.objective.value)
        prior = LatentPrior(generator, space, begin=BestOf(self.candidates.value, objective))
        parts = {"z", "c"} if generator.classes else {"z"}
        parts = parts if space == "z" else {"w"}
        rates = {name: rate for name, rate in self.rate.value.items() if name in parts}
        return Recipe(prior, [Stage(steps or self.length, rates, objective)], self.filters.value)
