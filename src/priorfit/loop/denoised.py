"""Regularisation by denoising: a fit that is drawn to what a denoiser makes of it."""

import math
from collections.abc import Callable

import torch

from priorfit.classical.plug_and_play import towards
from priorfit.loop.state import Filter, Step
from priorfit.noise import Noise
from priorfit.priors.deep_image import TARGET
from priorfit.problem import Problem
from priorfit.types import Image

_ITERATIONS = 6  # of conjugate gradients


class Denoised(Filter):
    """Renew what the fit is drawn to: its picture so far, denoised, in keeping with y again.

        v ← D(x, σ),   u ← argmin |A(u) − y|² + μ·|u − v|²,   x ← (x + u) / 2

    With μ·|x − u|² in the objective (`terms.Near`) the fit and the denoiser, two priors of one
    picture, come to an agreement: regularisation by denoising [romano2017]_, with a network's
    weights for the other prior [mataev2019]_. Those alternate at every few steps; here the picture
    is an average, which changes ever more slowly, and so does u. What is handed on is the mean of
    both, as each has what the other misses. Belongs after the average.

    Args:
        denoiser: D, of (B, C, H, W) and a standard deviation.
        std: σ, as a fraction of full scale.
        first: step of the first renewal.
        growth: of the steps from one to the next.
        pull: μ of the second line.
    """

    moves = (TARGET,)

    def __init__(
        self,
        denoiser: Callable[[Image, float], Image],
        std: float = 0.05,
        first: int = 50,
        growth: float = 1.25,
        *,
        pull: float = 0.02,
    ) -> None:
        self.denoiser, self.std = denoiser, std
        self.first, self.growth = first, growth
        self.pull = pull
        self.problem: Problem | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        self.problem = problem
        return problem

    @torch.no_grad()
    def see(self, step: Step) -> Step:
        if self._due(step.state.taken):
            assert self.problem is not None
            calm = self.denoiser(step.image, self.std)
            moved = towards(self.problem, calm, self.pull, _ITERATIONS)
            step.state.code[TARGET].copy_(moved.clamp(0, 1))
        both = torch.lerp(step.image, step.state.code[TARGET], 0.5)
        return step._replace(image=both, picked=True)

    def _due(self, taken: int) -> bool:
        if taken < self.first:
            return False
        number = round(math.log(taken / self.first, self.growth))
        return taken == round(self.first * self.growth**number)
