"""Averages over runs and over a posterior: closer to the truth than what they are made of."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.code import part
from priorfit.degradations.mask import near
from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe, Restoration, restore, seeds_of_runs
from priorfit.loop.scores import HeldOut
from priorfit.loop.state import Filter, Step
from priorfit.noise import Noise
from priorfit.priors.inputs import Estimator, estimated
from priorfit.problem import Problem
from priorfit.types import Image

_REACH = 4
"""Pixels from the nearest known one up to which single pixels held out tell what is there."""


def restore_mean(problem: Problem, recipes: Sequence[Recipe], seeds: Sequence[int]) -> Restoration:
    """Average the images of one run for each recipe; run 0 is what `restore` gives for its recipe.

    With one recipe twice, the averaging over two runs of [ulyanov2018]_ (31.00 dB after 30.43 for
    one run on nine images); with an Adam and an LBFGS recipe, that over two optimisers. Several
    runs of one recipe go side by side with `Recipe.runs`, which can be interrupted and resumed.

    Args:
        problem: a batch of B observations.
        recipes: one a run, all for the same kind of image.
        seeds: B seeds, one an image; later runs derive theirs from them.

    Returns:
        The mean image, and the code of the first run.

    Raises:
        RecipeError: there is no recipe.
    """
    if not recipes:
        raise RecipeError("an average needs at least one recipe, got none")
    each = seeds_of_runs(seeds, len(recipes))
    runs = [
        restore(problem, recipe, each[run * len(seeds) :][: len(seeds)])
        for run, recipe in enumerate(recipes)
    ]
    image = torch.stack([run.image for run in runs]).mean(0)
    return Restoration(image, runs[0].code, f"the mean of {len(runs)} runs")


class Spreading(Filter):
    """A filter that knows how far apart the pictures are that it makes one of."""

    spreads = True

    @abstractmethod
    def deviation(self) -> Image | None:
        """Standard deviation of every pixel, (B, C, H, W); None before there are two pictures."""


class Together(Spreading):
    """Make one picture of the runs of a recipe: their mean.

    The loss is the mean too. What the runs do not agree on, none of them knows.
    """

    gathered = ("spread",)

    def __init__(self) -> None:
        self.spread: Image | None = None

    def see(self, step: Step) -> Step:
        runs = step.image
        self.spread = runs.std(0, keepdim=True) if len(runs) > 1 else None
        losses = {name: loss.mean(0, keepdim=True) for name, loss in step.losses.items()}
        image, drawn = (pictures.mean(0, keepdim=True) for pictures in (runs, step.drawn))
        return step._replace(image=image, losses=losses, picked=True, rendered=drawn)

    def deviation(self) -> Image | None:
        return self.spread


class Langevin(Filter):
    """Stir the weights after every step, so that they wander about the posterior.

        θ ← θ + σ·η·N(0, 1) for the filters of convolutions, η the learning rate

    Stochastic gradient Langevin dynamics as the authors of [cheng2019]_ have it, beside Adam.

    Args:
        strength: σ.
    """

    def __init__(self, strength: float = 2.0) -> None:
        self.strength = strength

    @torch.no_grad()
    def see(self, step: Step) -> Step:
        state = step.state
        if state.optimizer is None:
            return step
        rates = {group["name"]: group["lr"] for group in state.optimizer.param_groups}
        for name, rate in rates.items():
            for weight in part(state.code, name).values():
                if weight.ndim == 5 and weight.requires_grad:  # (B, out, in, k, k)
                    draw = state.noise.normal(*weight.shape[1:], dtype=weight.dtype)
                    weight.add_(draw, alpha=self.strength * rate)
        return step


class Posterior(Spreading):
    """The mean of the pictures after a burn-in, and how far they spread.

    Args:
        burn_in: steps that do not count; until then the picture is the step's own.
        every: steps between two pictures that count.
    """

    gathered = ("count", "mean", "squares")

    def __init__(self, burn_in: int, every: int = 1) -> None:
        self.burn_in, self.every = burn_in, every
        self.count = 0
        self.mean: Image | None = None
        self.squares: Image | None = None  # sums of squared distances from the mean

    def see(self, step: Step) -> Step:
        beyond = step.state.taken - self.burn_in
        if beyond > 0 and (beyond - 1) % self.every == 0:
            self._count(step.image)
        return step if self.mean is None else step._replace(image=self.mean.clone(), picked=True)

    def _count(self, image: Image) -> None:
        if self.mean is None or self.squares is None:
            self.mean, self.squares = torch.zeros_like(image), torch.zeros_like(image)
        self.count += 1
        away = image - self.mean
        self.mean += away / self.count
        self.squares += away * (image - self.mean)

    def deviation(self) -> Image | None:
        if self.squares is None or self.count < 2:
            return None
        return (self.squares / (self.count - 1)).sqrt()


class Blended(Filter):
    """Mix every picture with a classical estimate: x ← (1 − s)·x + s·estimate.

    Two pictures of one scene that err in different places are better together than either.

    Args:
        estimate: of `guides`.
        share: s.
    """

    def __init__(self, estimate: Estimator, share: float) -> None:
        self.estimate, self.share = estimate, share
        self.made: Image | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        self.made = estimated(self.estimate, problem)
        return problem

    def see(self, step: Step) -> Step:
        assert self.made is not None
        made = self.made[: len(step.image)]
        return step._replace(image=torch.lerp(step.image, made, self.share), picked=True)


class Weighed(Filter):
    """Mix every picture with a classical estimate, by as much as held-out entries say.

        x ← (1 − s)·x + s·estimate,   s = argmin Σ_H (A(x) − y)², in [0, 1]

    Neither the fit nor the estimate has seen the entries H (`scores.HeldOut`), so that the one that
    knows the picture better counts for more: stacking [wolpert1992]_. What is mixed in then has
    seen them. Single pixels say nothing of what lies deep in a hole: there the fit stands alone.
    Belongs after the average.

    Args:
        estimate: of `guides`, or plug and play.
        fraction: of the entries that are held out, see `HeldOut`.
        most: pixels held out, likewise.
    """

    def __init__(self, estimate: Estimator, fraction: float = 0.02, most: int = 1000) -> None:
        self.estimate = estimate
        self.held = HeldOut(fraction, most)
        self.blind: Image | None = None  # without the entries held out
        self.made: Image | None = None
        self.unseen: Image | None = None  # what is handed on, had nothing seen the held-out entries
        self.near: Tensor | None = None
        self.problem: Problem | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        self.problem = problem
        seen = self.held.begin(problem, noise)
        self.blind, self.near = estimated(self.estimate, seen), _near(seen)
        self.made = estimated(self.estimate, problem)
        return seen

    @torch.no_grad()
    def see(self, step: Step) -> Step:
        assert self.blind is not None and self.made is not None and self.near is not None
        assert self.problem is not None and self.held.chosen is not None
        forward, y = self.problem.operator.at(step.code), self.problem.observation
        own = forward(step.image)
        apart = (forward(self.blind) - own) * self.held.chosen
        wanted = (y - own) * self.held.chosen
        energy = apart.square().flatten(1).sum(1).clamp_min(torch.finfo(y.dtype).tiny)
        share = ((apart * wanted).flatten(1).sum(1) / energy).clamp(0, 1)
        weight = share[:, None, None, None] * self.near
        self.unseen = torch.lerp(step.image, self.blind, weight)
        image = torch.lerp(step.image, self.made, weight)
        return step._replace(image=image, picked=True)


def _near(problem: Problem) -> Tensor:
    """1 near what is known, 0 deep in a hole, fading in between; broadcasts to the image sought."""
    if not problem.operator.masked:
        return torch.ones(1, 1, 1, 1, device=problem.observation.device)
    close = near(problem.known, _REACH).to(problem.observation)
    faded = F.avg_pool2d(close, 2 * _REACH + 1, 1, _REACH, count_include_pad=False)
    return problem.operator.lift(faded)
