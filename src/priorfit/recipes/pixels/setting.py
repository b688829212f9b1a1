"""Settings of images whose pixels are optimised themselves: a term alone stands for a prior."""

from dataclasses import dataclass

from priorfit.loop.fit import Recipe, Stage
from priorfit.priors.pixels import Pixels
from priorfit.recipes.method import DEFAULT, Cited, Kit
from priorfit.recipes.setting import TaskSetting
from priorfit.terms.objective import Objective, Term, summed


@dataclass(frozen=True)
class PixelSetting(TaskSetting):
    """One setting of an image whose pixels are optimised themselves; a `recipes.method.Method`.

    Args:
        about: one line for the list of recipes.
        task: that it is for.
        start: lowest and highest value of the uniform noise that it begins with.
        rate: learning rate.
        steps: length of the fit.
        objective: what is minimised.
        bounded: see `Pixels`.
        published: see `Method`.
    """

    about: str
    task: str
    start: Cited[tuple[float, float]]
    rate: Cited[float]
    steps: Cited[int]
    objective: Cited[Objective | Term]
    bounded: Cited[bool] = Cited(False, DEFAULT)
    published: bool = False

    def recipe(self, steps: int | None = None, kit: Kit | None = None) -> Recipe:
        """Make the recipe, of the setting's own length or another."""
        rates = {"pixels": self.rate.value}
        stage = Stage(steps or self.steps.value, rates, summed(self.objective.value))
        return Recipe(Pixels(*self.start.value, bounded=self.bounded.value), [stage])
