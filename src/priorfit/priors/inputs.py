"""What an untrained network is fed: noise, coordinates, a picture. Each is a value, called once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Image

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


@dataclass(frozen=True)
class Guide:
    """A cheap estimate of the image, fed to the network as a hint and never blended into its output.

    Args:
        estimate: problem to image, (B, c, H, W), one of `priorfit.guides`.
        centre: subtracted from the estimate, so that the network sees numbers around zero.
        scale: factor on what is left.
    """

    estimate: Callable[[Problem], Image]
    centre: float = 0.0
    scale: float = 1.0

    def __call__(self, problem: Problem, noise: Noise) -> Tensor:
        return (self.estimate(problem) - self.centre) * self.scale
