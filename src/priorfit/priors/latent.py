"""A trained generator: the image is what it draws from a latent."""

from typing import Any

import torch
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.networks.generator import Generator
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from priorfit.priors.base import Prior
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from priorfit.terms.objective import Estimate, Objective
from priorfit.types import Code, Image, PerImage

_PIXELS = 1.0 * Mse()


class LatentPrior(Prior):
    """x = G(latent), G trained and left as it is; a fit begins with the best of some latents.

    Parts of the code, by space: for z, `z`, (B, Z), and, where the generator knows classes, `c`,
    (B, E), the embedding of one; for w, `w`, (B, 1, W); for w+, `w`, (B, L, W).

    Args:
        generator: G, on the device of the observations. What is kept is a copy, see `frozen`.
        space: `z`, `w` or `w+`, of those that the generator has.
        candidates: latents drawn for every image, each of a class drawn for it, to start with the
            best one. Released: 500 in z [pan2020]_.
        choice: what the best candidate has least of.

    Raises:
        ProblemError: there is no such space, or no candidate; when started, that images of another
            shape are sought than the generator draws.
    """

    def __init__(
        self,
        generator: Generator,
        space: str = "z",
        *,
        candidates: int = 1,
        choice: Objective = _PIXELS,
    ) -> None:
        if space not in generator.spaces:
            known = ", ".join(generator.spaces)
            raise ProblemError(f"this generator has latents in {known}, got '{space}'")
        if candidates < 1:
            raise ProblemError(f"expected at least one latent to begin with, got {candidates}")
        kept: Any = frozen(generator).eval()
        self.generator: Generator = kept.to(memory_format=torch.channels_last)
        self.space, self.candidates, self.choice = space, candidates, choice

    @torch.no_grad()
    def start(self, problem: Problem, noise: Noise) -> Code:
        self._check(problem)
        dtype = next(self.generator.parameters()).dtype
        z = noise.normal(self.candidates, self.generator.z_dim, dtype=dtype)
        labels = (noise.uniform(self.candidates) * self.generator.classes).long()
        best = self._code(z[:, 0], labels[:, 0])
        if self.candidates == 1:
            return best
        losses_of = self.choice.against(problem)

        def loss(code: Code) -> PerImage:
            image = self.render(code)
            estimate = Estimate(code, image, problem.operator(image), self.render)
            return torch.stack(list(losses_of(estimate, 0).values())).sum(0)

        least = loss(best)
        for number in range(1, self.candidates):
            code = self._code(z[:, number], labels[:, number])
            found = loss(code)
            better = found < least
            best = {name: _where(better, code[name], best[name]) for name in best}
            least = torch.where(better, found, least)
        return best

    def render(self, code: Code) -> Image:
        if self.space == "z":
            return self.generator.image(self.generator(code["z"], code.get("c")))
        return self.generator.image(self.generator.draw(code["w"]))

    def _code(self, z: Tensor, labels: Tensor) -> Code:
        """What the loop may tune, away from the weights."""
        c = self.generator.embed(labels) if self.generator.classes else None
        if self.space == "z":
            return {"z": z.clone()} if c is None else {"z": z.clone(), "c": c.clone()}
        w = self.generator.map(z, c)
        return {"w": (w[:, :1] if self.space == "w" else w).clone()}

    def _check(self, problem: Problem) -> None:
        drawn = (3, *self.generator.size)
        if problem.shape != drawn:
            raise ProblemError(
                f"this generator draws images of shape {drawn}, the problem seeks {problem.shape}: "
                "cut or scale the observation"
            )


def _where(better: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return torch.where(better.view(-1, *[1] * (one.ndim - 1)), one, other)
