"""The expectation over what disturbs a code: several renders of each step, averaged."""

from collections.abc import Collection

from torch import Tensor

from priorfit.errors import RecipeError
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.problem import Problem
from priorfit.types import Code, Image


class Expected(Prior):
    """x = mean of several renders, each of the code as another prior varies it anew.

    The E_η f(z + η) of [liang2025]_, for anything that a prior varies. The code that terms see is
    the undisturbed one, with `draw.0.*`, `draw.1.*`, … beside it: what each draw has otherwise. A
    step takes as many times the time and the memory; a code that is not varied is rendered once.

    Args:
        prior: draws one image of a code.
        draws: how many are averaged.

    Raises:
        RecipeError: there is no draw.
    """

    def __init__(self, prior: Prior, draws: int) -> None:
        if draws < 1:
            raise RecipeError(f"an expectation needs at least one draw, got {draws}")
        self.prior, self.draws, self.still = prior, draws, prior.still

    def settled(self, problem: Problem) -> Prior:
        return Expected(self.prior.settled(problem), self.draws)

    def guide(self, code: Code, moved: Collection[str]) -> tuple[str, Image] | None:
        return self.prior.guide(code, moved)

    def start(self, problem: Problem, noise: Noise) -> Code:
        return self.prior.start(problem, noise)

    def vary(self, code: Code, noise: Noise, step: int = 0) -> Code:
        varied = dict(code)
        for draw in range(self.draws):
            for name, tensor in self.prior.vary(code, noise, step).items():
                if code.get(name) is not tensor:
                    varied[f"draw.{draw}.{name}"] = tensor
        return varied

    def render(self, code: Code) -> Image:
        plain = {name: t for name, t in code.items() if not name.startswith("draw.")}
        draws: dict[str, dict[str, Tensor]] = {}
        for name in code.keys() - plain.keys():
            _, draw, inner = name.split(".", 2)
            draws.setdefault(draw, {})[inner] = code[name]
        if not draws:
            return self.prior.render(plain)
        images = [self.prior.render(plain | draws[draw]) for draw in sorted(draws)]
        total = images[0]
        for image in images[1:]:
            total = total + image
        return total / len(images)
