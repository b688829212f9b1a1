"""A prior made of two functions, for families of images that priorfit does not know."""

from collections.abc import Callable
from dataclasses import dataclass

from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.problem import Problem
from priorfit.types import Code, Image


@dataclass(frozen=True, eq=False)
class FunctionPrior(Prior):
    """x = draws(code), with a code of your own.

    Args:
        begins: makes the code a fit starts with, from a problem and its noise: named tensors, each
            (B, ...), one entry per image. All randomness comes from the noise.
        draws: the image of a code, (B, C, H, W) in [0, 1], differentiable.
    """

    begins: Callable[[Problem, Noise], Code]
    draws: Callable[[Code], Image]

    def start(self, problem: Problem, noise: Noise) -> Code:
        return self.begins(problem, noise)

    def render(self, code: Code) -> Image:
        return self.draws(code)
