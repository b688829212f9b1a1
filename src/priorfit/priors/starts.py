"""Where a fit of a generator's code begins: each way is a value, called once an image batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from priorfit.terms.objective import Estimate, Objective
from priorfit.types import Code, Image, PerImage


class Latents(Protocol):
    """What a prior offers to the start of a fit."""

    @property
    def z_dim(self) -> int:
        """Z."""
        ...

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where none are known."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Of the numbers of a code."""
        ...

    def class_number(self, label: int | str) -> int:
        """Number of a class by its name, or by its number.

        Raises:
            ProblemError: there is no such class.
        """
        ...

    def code(self, z: Tensor, labels: Tensor) -> Code:
        """The code of z, (B, Z), and of class numbers, (B,), in the space of the prior."""
        ...

    def encoded(self, w: Tensor) -> Code:
        """The code of w, (B, L, W).

        Raises:
            ProblemError: the prior has another space, or w another shape.
        """
        ...

    def seen(self, picture: Image) -> Image:
        """A picture as the generator would have to draw it, (B, C, H, W) -> (B, c, h, w)."""
        ...

    def render(self, code: Code) -> Image:
        """The image sought, (B, C, H, W), of a code."""
        ...


Start = Callable[[Latents, Problem, Noise], Code]
"""Makes the code that a fit begins with; its randomness comes from the noise alone."""


@dataclass(frozen=True)
class Drawn:
    """z ~ N(0, spread²), and the class of the problem, or one at random where there are any.

    Args:
        spread: less gives more usual pictures. Released: 1.0, 0.5 or 0.3, by task [pan2020]_.

    Raises:
        ProblemError: when called, that there is no such class as the problem's.
    """

    spread: float = 1.0

    def __call__(self, latents: Latents, problem: Problem, noise: Noise) -> Code:
        z, labels = self.pool(latents, problem, noise, 1)
        return latents.code(z[:, 0], labels[:, 0])

    def pool(
        self, latents: Latents, problem: Problem, noise: Noise, count: int
    ) -> tuple[Tensor, Tensor]:
        """Draw so many, (B, count, Z), and of so many classes, (B, count)."""
        label = None if problem.label is None else latents.class_number(problem.label)
        z = self.spread * noise.normal(count, latents.z_dim, dtype=latents.dtype)
        labels = (noise.uniform(count) * latents.classes).long()
        return z, labels if label is None else torch.full_like(labels, label)


_ANY, _PIXELS = Drawn(), 1.0 * Mse()


@dataclass(frozen=True)
class BestOf:
    """The one of several drawn codes that explains the observation best.

    Args:
        count: how many. Released: 500, and 1,000 for pictures without a class [pan2020]_.
        choice: what the best one has least of.
        drawn: how they are drawn.

    Raises:
        ProblemError: there is none.
    """

    count: int
    choice: Objective = _PIXELS
    drawn: Drawn = _ANY

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ProblemError(f"expected at least one latent to begin with, got {self.count}")

    def __call__(self, latents: Latents, problem: Problem, noise: Noise) -> Code:
        z, labels = self.drawn.pool(latents, problem, noise, self.count)
        best = latents.code(z[:, 0], labels[:, 0])
        if self.count == 1:
            return best
        losses_of = self.choice.against(problem)

        def loss(code: Code) -> PerImage:
            image = latents.render(code)
            estimate = Estimate(code, image, problem.operator(image), latents.render)
            return torch.stack(list(losses_of(estimate, 0).values())).sum(0)

        least = loss(best)
        for number in range(1, self.count):
            code = latents.code(z[:, number], labels[:, number])
            found = loss(code)
            better = found < least
            best = {name: _where(better, code[name], best[name]) for name in best}
            least = torch.where(better, found, least)
        return best


@dataclass(frozen=True, eq=False)
class Given:
    """A code that is there already: of a file, of another fit, of an edit.

    Args:
        code: its parts, (1 or B, ...); one alone serves every image.

    Raises:
        ProblemError: when called, that it has other parts or shapes than a code of the prior.
    """

    code: Code

    def __call__(self, latents: Latents, problem: Problem, noise: Noise) -> Code:
        return like_drawn(self.code, latents, len(problem), noise.device)


@dataclass(frozen=True, eq=False)
class Encoded:
    """w = E(y): what an encoder makes of the observation [zhu2020]_.

    Args:
        encoder: E, (B, c, h, w) in [-1, 1] -> (B, L, W), on the device of the observation.

    Raises:
        ProblemError: when called, that the code of the prior is no w, or of another shape.
    """

    encoder: Callable[[Image], Tensor]

    def __call__(self, latents: Latents, problem: Problem, noise: Noise) -> Code:
        seen = latents.seen(problem.observation)
        return latents.encoded(self.encoder(2 * seen - 1).to(latents.dtype))


def like_drawn(code: Code, latents: Latents, count: int, device: torch.device) -> Code:
    """A code of so many images, if it has the parts and shapes of those that a prior draws.

    Args:
        code: (count, ...) each, or (1, ...), which serves every image.
        latents: of the prior.
        count: how many images.
        device: where they are.

    Raises:
        ProblemError: it has others.
    """
    z = torch.zeros(count, latents.z_dim, dtype=latents.dtype, device=device)
    wanted = latents.code(z, torch.zeros(count, dtype=torch.long, device=device))
    if code.keys() != wanted.keys():
        expected, got = (", ".join(sorted(each)) for each in (wanted, code))
        raise ProblemError(f"expected a code with the parts {expected}, got {got}")
    return {name: _spread(name, code[name], wanted[name]) for name in wanted}


def _spread(name: str, given: Tensor, wanted: Tensor) -> Tensor:
    if given.shape[1:] != wanted.shape[1:] or len(given) not in (1, len(wanted)):
        expected, got = tuple(wanted.shape), tuple(given.shape)
        raise ProblemError(f"expected '{name}' of the shape {expected}, got {got}")
    return given.detach().to(wanted).expand_as(wanted).clone()


def _where(better: Tensor, one: Tensor, other: Tensor) -> Tensor:
    return torch.where(better.view(-1, *[1] * (one.ndim - 1)), one, other)
