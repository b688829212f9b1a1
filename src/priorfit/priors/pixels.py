"""No prior: the pixels themselves are the code."""

from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.problem import Problem
from priorfit.types import Code, Image


class Pixels(Prior):
    """x = code: every image is as good as any other, unless a term says otherwise.

    What other priors are measured against; with a term such as `TotalVariation`, classical
    regularisation.

    Part of the code: `pixels`.

    Args:
        low: of the uniform noise that a fit begins with.
        high: likewise.
    """

    def __init__(self, low: float = 0.0, high: float = 0.1) -> None:
        self.low, self.high = low, high

    def start(self, problem: Problem, noise: Noise) -> Code:
        y = problem.observation
        drawn = noise.uniform(*problem.shape, dtype=y.dtype).to(y)
        return {"pixels": self.low + (self.high - self.low) * drawn}

    def render(self, code: Code) -> Image:
        return code["pixels"]
