"""What an untrained network is fed: noise, coordinates, a picture. Each is a value, called once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from priorfit.classical.clipping import free
from priorfit.degradations.mask import near
from priorfit.errors import ProblemError
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Image

_REACH = 6
"""Pixels from the nearest known one from which on a place in a hole is deep."""

_LEAST = 0.1
"""Share of the known pixels that every masking leaves: from fewer nothing can be filled."""

Input = Callable[[Problem, Noise], Tensor]
"""Problem and noise to z, (B, c, H, W), of the size of the image sought."""


@dataclass(frozen=True)
class UniformNoise:
    """z ~ U(0, scale), the released default: a factor on U(0, 1), not a variance.

    In the released code: utils/common_utils.py, get_noise, 32 channels, noise_type 'u', var 1/10.
    """

    channels: int = 32
    scale: float = 0.1

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        y = problem.observation
        return noise.uniform(self.channels, *problem.shape[1:], dtype=y.dtype).to(y) * self.scale


@dataclass(frozen=True)
class NormalNoise:
    """z ~ N(0, scale²); get_noise with noise_type 'n'."""

    channels: int = 32
    scale: float = 0.1

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        y = problem.observation
        return noise.normal(self.channels, *problem.shape[1:], dtype=y.dtype).to(y) * self.scale


@dataclass(frozen=True)
class Relative:
    """Noise on an input as strong as the input is: z ← z + η,  η ~ U(0, share · max z).

    The disturbance of [liang2025]_, whose input is fitted, so that its size is not known before.

    Args:
        share: of the largest value of each image's own input.
    """

    share: float = 0.5

    def __call__(self, z: Tensor, noise: Noise) -> Tensor:
        top = self.share * z.detach().amax((1, 2, 3), keepdim=True)
        return z + top * noise.uniform(*z.shape[1:], dtype=z.dtype)


@dataclass(frozen=True)
class MeshGrid:
    """Coordinates: channel 0 grows from 0 to 1 along a row, channel 1 down a column."""

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        y = problem.observation
        _, height, width = problem.shape
        rows = torch.linspace(0, 1, height, device=y.device, dtype=y.dtype)
        columns = torch.linspace(0, 1, width, device=y.device, dtype=y.dtype)
        down, along = torch.meshgrid(rows, columns, indexing="ij")
        return torch.stack([along, down]).expand(len(problem), -1, -1, -1)


@dataclass(frozen=True)
class Companion:
    """A second photograph of the same scene: the flash image in flash/no-flash fusion.

    Raises:
        ProblemError: the problem has none.
    """

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        if problem.companion is None:
            raise ProblemError("this recipe starts from a second photograph, and there is none")
        return problem.companion.to(problem.observation)


@dataclass(frozen=True)
class Observed:
    """The observation itself, where it has the size of the image sought.

    A network that may see its target copies it in the end: for short fits only.
    """

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        return problem.observation


Estimator = Callable[[Problem], Image]
"""A cheap classical estimate, one of `priorfit.classical.guides`: problem to (B, C, H, W)."""


@dataclass(frozen=True)
class Guide:
    """A cheap estimate of the image: a hint for the network, never blended into its output."""

    estimate: Estimator

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        return estimated(self.estimate, problem)


class Pooled(ABC):
    """An input that is varied at every step with one of a pool of tensors made beforehand."""

    @abstractmethod
    def pool(self, problem: Problem, noise: Noise) -> dict[str, Tensor]:
        """Make the pool: part to (B, P, c, H, W); the same member is drawn of each."""

    @abstractmethod
    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        """What the network is fed undisturbed, (B, c, H, W)."""

    def settled(self, problem: Problem) -> "Pooled":
        """The same with as many copies as there will be for this problem."""
        return self


@dataclass(frozen=True)
class Probing(Pooled):
    """The noisy image beside a cheap estimate of it, with the copies that `terms.Sure` probes.

    A copy is the same for y + εb, b = ±1, the estimate included, since that follows the noise too;
    b = 0 where y is black or white, from where noise that is cut off there cannot move it.

    Args:
        estimate: denoiser.
        copies: how many.
        epsilon: ε, on the scale of the image.
    """

    estimate: Estimator
    copies: int = 8
    epsilon: float = 0.02

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        return torch.cat([estimated(self.estimate, problem), problem.observation], 1)

    def pool(self, problem: Problem, noise: Noise) -> dict[str, Tensor]:
        y = problem.observation
        movable = free(y)
        draws = (noise.uniform(*y.shape[1:], dtype=y.dtype).to(y) for _ in range(self.copies))
        signs = (torch.where(draw < 0.5, -1.0, 1.0).to(y) * movable for draw in draws)
        pushes = _gathered((self.epsilon * sign for sign in signs), self.copies)
        beside = (replace(problem, observation=y + push) for push in pushes.unbind(1))
        return {"probe": _gathered((self(p, noise) for p in beside), self.copies), "push": pushes}


@dataclass(frozen=True)
class Hiding(Pooled):
    """A cheap fill of the hole beside the mask, with more known pixels hidden at every step.

    Single pixels at random; if the hole has places far from any known pixel, in every other masking
    the hole's own shape somewhere else instead, since a network that never had to cross such a
    distance paints anything there. A hole that would cover nearly all that is known, wherever it
    comes to lie, gives way to single pixels, and they to none where next to nothing is known.

    Args:
        estimate: fills what a mask hides.
        copies: how many maskings to draw from, if the hole is not too large for that.
        fraction: of the known pixels hidden in each.
        budget: pixels to fill in all copies together; at least four copies are made.
    """

    estimate: Estimator
    copies: int = 12
    fraction: float = 0.15
    budget: int = 900_000

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        y = problem.observation
        known = _known(problem).to(y).expand(len(y), 1, -1, -1)
        return torch.cat([estimated(self.estimate, problem), known], 1)

    def pool(self, problem: Problem, noise: Noise) -> dict[str, Tensor]:
        _require_hole(problem)
        y, known = problem.observation, _known(problem)
        given = problem.known.to(y)
        deep = not near(problem.known, _REACH).all()

        def masked(copy: int) -> Tensor:
            draw = noise.uniform(1, *y.shape[2:], dtype=y.dtype).to(y)
            kept = _sparing(given, (draw >= self.fraction).to(y))
            if deep and copy % 2:
                kept = _sparing(given, _moved(known, noise), kept)
            hidden = problem.operator.hide((kept == 0).expand(y.shape), y)
            assert hidden is not None
            seen = replace(problem, degradation=hidden[0], observation=hidden[1])
            filled = self(seen, noise)
            return torch.cat([filled, (known * (1 - kept)).expand(len(y), -1, -1, -1)], 1)

        count = self._affordable(known)
        members = _gathered((masked(copy) for copy in range(count)), count)
        return {"z": members[:, :, :-1], "hidden": members[:, :, -1:]}

    def settled(self, problem: Problem) -> "Hiding":
        return replace(self, copies=self._affordable(_known(problem)))

    def _affordable(self, known: Tensor) -> int:
        missing = 1 - (1 - self.fraction) * known.mean(dtype=torch.float64).item()
        each = max(1, round(missing * known.shape[-2] * known.shape[-1]))
        return min(self.copies, max(4, self.budget // each))


def estimated(estimate: Estimator, problem: Problem) -> Image:
    """The estimate, made once where several runs share one observation."""
    y = problem.observation
    if len(y) == 1 or y.stride(0) != 0:
        return estimate(problem)
    extra = problem.companion
    one = replace(problem, observation=y[:1], companion=None if extra is None else extra[:1])
    return estimate(one).expand(len(y), -1, -1, -1)


def name_of(estimate: Estimator) -> str:
    """Name of a function, or of the one inside a partial, or of a value's class."""
    while isinstance(estimate, partial):
        estimate = estimate.func
    return getattr(estimate, "__name__", type(estimate).__name__)


def _gathered(members: Iterator[Tensor], count: int) -> Tensor:
    """Stack (B, c, H, W) each to (B, count, c, H, W), with no more than one beside the stack."""
    first = next(members)
    pool = first.new_empty(len(first), count, *first.shape[1:])
    pool[:, 0] = first
    for i, member in enumerate(members, 1):
        pool[:, i] = member
    return pool


def _moved(known: Tensor, noise: Noise) -> Tensor:
    """The mask somewhere else, mirrored at random, wrapped around, for each image another way."""
    chances = noise.uniform(4).cpu()
    height, width = known.shape[-2:]
    moved = []
    for mask, (down, along, upset, mirrored) in zip(
        known.expand(len(chances), -1, -1, -1), chances.tolist(), strict=True
    ):
        axes = [axis for axis, chance in ((-2, upset), (-1, mirrored)) if chance < 0.5]
        moved.append(mask.flip(axes).roll((int(down * height), int(along * width)), (-2, -1)))
    return torch.stack(moved)


def _sparing(given: Tensor, kept: Tensor, instead: Tensor | None = None) -> Tensor:
    """What a masking keeps, or for each image that it leaves too little of something else.

    Args:
        given: 1 where something is known, (1 or B, 1 or C, H, W); somewhere in every channel.
        kept: (B, 1, H, W).
        instead: likewise; everything by default.
    """
    before, left = given.sum((2, 3)), (given * kept).sum((2, 3))
    enough = (left >= (_LEAST * before).clamp_min(1)).all(1)[:, None, None, None]
    return kept.where(enough, torch.ones_like(kept) if instead is None else instead)


def _known(problem: Problem) -> Tensor:
    _require_hole(problem)
    return problem.known.to(problem.observation).amin(1, keepdim=True)


def _require_hole(problem: Problem) -> None:
    if not problem.operator.masked or problem.shape[1:] != problem.size:
        raise ProblemError(
            "pixels can be hidden where some are missing: the degradation is no mask"
        )
