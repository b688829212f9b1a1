"""Recipes made ready for one picture: its finish, a guard against NaN, one start for all fits."""

import math
from dataclasses import replace
from functools import partial

from priorfit import recipes
from priorfit.code import detached
from priorfit.guides import observed
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import Estimator, Guide, Hiding, Probing
from priorfit.problem import Problem
from priorfit.restore import Recipe
from priorfit.steps import Rewinding
from priorfit.tasks import Posed
from priorfit.types import Code, Image


class StartedOnce(Prior):
    """A prior whose start, guides included, is computed once for all fits of one seed.

    Args:
        prior: whose start this is.
    """

    def __init__(self, prior: Prior) -> None:
        self.prior = prior
        self._start: tuple[Code, dict] | None = None

    def start(self, problem: Problem, noise: Noise) -> Code:
        if self._start is None:
            code = self.prior.start(problem, noise)
            self._start = detached(code), noise.state_dict()
        code, drawn = self._start
        noise.load_state_dict(drawn)
        return detached(code)

    def vary(self, code: Code, noise: Noise) -> Code:
        return self.prior.vary(code, noise)

    def render(self, code: Code) -> Image:
        return self.prior.render(code)

    def guide(self, channels: int) -> tuple[str, Image] | None:
        """Name and image of the estimate that the network is shown, if there is one."""
        if self._start is None or not isinstance(self.prior, DeepImagePrior):
            return None
        for i, shown in enumerate(self.prior.inputs):
            if isinstance(shown, Guide | Probing | Hiding) and shown.estimate is not observed:
                return _name(shown.estimate), self._start[0][f"z.{i}"][:, :channels]
        return None


class Prepared:
    """A problem's recipe, of any length.

    Args:
        name: of the recipe.
        posed: problem and finish.
    """

    def __init__(self, name: str, posed: Posed) -> None:
        self.name, self.posed = name, posed
        self.setting = recipes.find(name)
        self.start = StartedOnce(self.setting.recipe().prior)

    def recipe(self, steps: int | None = None) -> Recipe:
        """The recipe for this many steps, its own number by default."""
        made = recipes.load(self.name, steps)
        filters = list(made.filters)
        if not any(isinstance(make(), Rewinding) for make in filters):
            # Goes back only from losses that are not numbers, so it changes no healthy fit.
            filters.insert(0, partial(Rewinding, drop=math.inf))
        return replace(self.posed.ending(made), prior=self.start, filters=filters)


def _name(estimate: Estimator) -> str:
    """Name of a function, or of the one inside a partial, or of a value's class."""
    while isinstance(estimate, partial):
        estimate = estimate.func
    return getattr(estimate, "__name__", type(estimate).__name__)
