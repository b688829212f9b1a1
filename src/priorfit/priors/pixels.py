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
        bounded: x = 1 / (1 + exp(−code)), in (0, 1) as a network draws. What is asked to grow
            without end would leave the range of pictures otherwise.
    """

    def __init__(self, low: float = 0.0, high: float = 0.1, *, bounded: bool = False) -> None:
        self.low, self.high, self.bounded = low, high, bounded

    def start(self, problem: Problem, noise: Noise) -> Code:
        y = problem.observation
        drawn = noise.uniform(*problem.shape, dtype=y.dtype).to(y)
        pixels = self.low + (self.high - self.low) * drawn
        return {"pixels": pixels.logit(1e-6) if self.bounded else pixels}

    def render(self, code: Code) -> Image:
        return code["pixels"].sigmoid() if self.bounded else code["pixels"]
