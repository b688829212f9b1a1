"""Plug and play: a denoiser and the observation in turn, for any linear degradation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from priorfit.degradations import Degradation
from priorfit.errors import ProblemError
from priorfit.problem import Problem
from priorfit.types import Image, Observation


@dataclass(frozen=True)
class PlugAndPlay:
    """An estimate made without a network: denoise, move towards the observation, and again.

        v ← D(x, σₖ),   x ← argmin |A(x) − y|² + μ·|x − v|²,   σₖ falling from step to step

    Half-quadratic splitting with a denoiser in place of a prior [venkatakrishnan2013]_; with a
    small μ the second half is the back projection of [tirer2019]_.

    Args:
        start: what to begin with.
        denoiser: D, of (B, C, H, W) and a standard deviation.
        first: σ of the first step, as a fraction of full scale.
        last: σ of the last.
        steps: how many, σ falling geometrically.
        pull: μ.
        inner: iterations of conjugate gradients for the second half; a mask needs one.
    """

    start: Callable[[Problem], Image]
    denoiser: Callable[[Image, float], Image]
    first: float = 0.15
    last: float = 0.01
    steps: int = 12
    pull: float = 0.02
    inner: int = 6

    def __call__(self, problem: Problem) -> Image:
        """Estimate (B, C, H, W) in [0, 1].

        Raises:
            ProblemError: the degradation is not linear.
        """
        x = self.start(problem)
        for std in self._levels():
            moved = towards(problem, self.denoiser(x, std), self.pull, self.inner)
            x = moved.clamp(0, 1)
        return x

    def _levels(self) -> list[float]:
        if self.steps == 1:
            return [self.first]
        fall = (self.last / self.first) ** (1 / (self.steps - 1))
        return [self.first * fall**step for step in range(self.steps)]


def towards(problem: Problem, image: Image, pull: float, iterations: int) -> Image:
    """Minimise |A(x) − y|² + μ·|x − image|² by conjugate gradients that begin at `image`.

    Args:
        problem: y and A, linear but for what it makes of nothing, such as the fill of a mask.
        image: (B, C, H, W).
        pull: μ, 0 or more.
        iterations: of conjugate gradients, at most.

    Raises:
        ProblemError: A is not linear.
    """
    forward, back = _linear(problem.operator, image)
    residual = back(problem.observation - problem.operator(image))
    moved, direction = torch.zeros_like(image), residual.clone()
    energy = _dot(residual, residual)
    for _ in range(iterations):
        image_of = back(forward(direction)) + pull * direction
        length = energy / _dot(direction, image_of).clamp_min(torch.finfo(image.dtype).tiny)
        moved += length * direction
        residual = residual - length * image_of
        before, energy = energy, _dot(residual, residual)
        direction = residual + energy / before.clamp_min(1e-30) * direction
    return image + moved


_Map = Callable[[Tensor], Tensor]


def _linear(degradation: Degradation, image: Image) -> tuple[_Map, _Map]:
    """A less what it makes of nothing, and its adjoint."""
    with torch.enable_grad():
        nothing = torch.zeros_like(image, requires_grad=True)
        seen = degradation(nothing)
    constant = seen.detach()

    def forward(x: Image) -> Observation:
        return degradation(x) - constant

    def back(observation: Observation) -> Image:
        return torch.autograd.grad(seen, nothing, observation, retain_graph=True)[0]

    if not torch.allclose(forward(2 * image), 2 * forward(image), atol=1e-3):
        raise ProblemError("this estimate needs a linear degradation")
    return forward, back


def _dot(one: Image, other: Image) -> Image:
    """(B, 1, 1, 1), for each image alone."""
    return (one * other).sum((1, 2, 3), keepdim=True)
