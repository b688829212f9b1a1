"""Fewer pixels: whole-factor downsampling with the usual kernels and borders.

Along one axis it is a sparse matrix, and along both y = R·x·Cᵀ: two small matrix products, exact
for every size, phase and border, which beat a strided convolution with its padding.
"""

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.errors import ProblemError
from priorfit.kernels import lanczos_window
from priorfit.types import Image, Observation, Shape


class Kernel(Protocol):
    """A symmetric window, given by its reach and its weights before they are made to sum to 1."""

    def reach(self, factor: int) -> float:
        """Distance in image pixels beyond which the window is zero."""
        ...

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        """Weights at distances of at most `reach` image pixels from the window's centre."""
        ...


@dataclass(frozen=True)
class Lanczos:
    """sinc(t)·sinc(t / lobes), t in observed pixels: 2 lobes in [ulyanov2018]_, 3 in Pillow."""

    lobes: int = 2

    def reach(self, factor: int) -> float:
        return self.lobes * factor

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        return lanczos_window(distance / factor, self.lobes)


@dataclass(frozen=True)
class Gauss:
    """exp(−d² / 2·std²), d and std in *image* pixels whatever the factor, cut at three std."""

    std: float

    def reach(self, factor: int) -> float:
        return math.floor(3 * self.std)

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        return torch.exp(-(distance**2) / (2 * self.std**2))


# The released code halves the distance first, so that its σ of 1/2 and 1/√2 are 1 and √2 pixels.
# It has them at phase 0 only.
GAUSS12 = Gauss(1.0)
GAUSS1SQ2 = Gauss(math.sqrt(2))


@dataclass(frozen=True)
class Box:
    """Mean over a window of `width` image pixels; an end pixel that it only halves counts half."""

    width: int

    def reach(self, factor: int) -> float:
        return self.width / 2

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        return torch.where(distance.abs() < self.width / 2, 1.0, 0.5).to(distance)


@dataclass(frozen=True)
class Area:
    """Mean over the image pixels that one observed pixel covers."""

    def reach(self, factor: int) -> float:
        return Box(factor).reach(factor)

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        return Box(factor).weigh(distance, factor)


@dataclass(frozen=True)
class Bicubic:
    """Cubic convolution with slope `a` at distance one, stretched by the factor, as in Pillow."""

    a: float = -0.5

    def reach(self, factor: int) -> float:
        return 2 * factor

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        a, t = self.a, (distance / factor).abs()
        near = (a + 2) * t**3 - (a + 3) * t**2 + 1
        far = a * (t**3 - 5 * t**2 + 8 * t - 4)
        return torch.where(t < 1, near, far)


@dataclass(frozen=True)
class Linear:
    """Interpolation between the nearest pixels alone: what lies farther away counts nothing.

    `F.interpolate` with "bilinear", as [gu2020]_ makes a small image.
    """

    def reach(self, factor: int) -> float:
        return 1

    def weigh(self, distance: Tensor, factor: int) -> Tensor:
        return 1 - distance.abs()


class Border(Enum):
    """What a window that reaches beyond the edge of the image finds there."""

    REPLICATE = "replicate"
    """The edge pixel, again and again."""
    RENORMALISE = "renormalise"
    """Nothing: the weights inside are made to sum to 1, as Pillow does."""
    VALID = "valid"
    """It does not reach beyond: the image is larger than the observation by the window's reach."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Downsample(Degradation):
    """Reduce by a whole factor, (B, C, H, W) -> (B, C, H/factor, W/factor).

    `Downsample(4)` is the operator of [ulyanov2018]_ (models/downsampler.py, lanczos2, phase 0.5);
    `Downsample(4, Lanczos(3), border=Border.RENORMALISE)` is Pillow's resize with LANCZOS.

    Args:
        factor: image pixels per observed pixel along each axis, at least 2.
        kernel: the window, `Lanczos(2)` by default.
        phase: where in its block of image pixels an observed pixel sits, 0 on the first one, 0.5 in
            the middle.
        border: see `Border`.
        allow_remainder: accept sizes that are no multiple of the factor, and leave out the
            incomplete last block as the released code does (phase 0 keeps it).

    Raises:
        ProblemError: factor or phase are out of range; when called, that the size is no multiple.
    """

    factor: int
    kernel: Kernel = Lanczos(2)
    phase: float = 0.5
    border: Border = Border.REPLICATE
    allow_remainder: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 2:
            raise ProblemError(f"expected a whole factor of at least 2, got {self.factor}")
        if not 0 <= self.phase <= 0.5:
            raise ProblemError(f"expected a phase between 0 and 0.5, got {self.phase}")

    def __call__(self, image: Image) -> Observation:
        height, width = image.shape[-2:]
        rows, columns = self._matrix(height, image), self._matrix(width, image)
        return rows @ F.linear(image, columns)

    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the image: `factor` times larger, or what the windows cover if `VALID`."""
        channels, height, width = observation
        if self.border is not Border.VALID:
            return channels, height * self.factor, width * self.factor
        margin = len(self.taps()) - self.factor
        return channels, height * self.factor + margin, width * self.factor + margin

    def lift(self, observation: Observation) -> Image:
        large = observation.repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)
        if self.border is not Border.VALID:
            return large
        margin = len(self.taps()) - self.factor
        around = [margin // 2, margin - margin // 2] * 2
        return F.pad(large, around, mode="replicate")

    def enlargement(self) -> int:
        return super().enlargement() if self.border is Border.VALID else self.factor

    def taps(self) -> Tensor:
        """The window on the pixel grid, (k,) in float64, with sum 1."""
        return _window(self)[1]

    def _matrix(self, size: int, image: Image) -> Tensor:
        """R of y = R·x along an axis of this size."""
        if self.border is not Border.VALID and size % self.factor and not self.allow_remainder:
            raise ProblemError(
                f"cannot reduce {size} pixels by {self.factor}: expected a multiple, "
                "crop the image or allow a remainder"
            )
        return _matrix(self, size, image.dtype, image.device)


def _window(how: Downsample) -> tuple[int, Tensor]:
    """Image pixel where the first window begins, below 0 beyond the edge, and the weights."""
    centre = how.phase * (how.factor - 1)
    reach = how.kernel.reach(how.factor)
    first, last = math.ceil(centre - reach), math.floor(centre + reach)
    pixels = torch.arange(first, last + 1, dtype=torch.float64, device="cpu")
    weights = how.kernel.weigh(pixels - centre, how.factor)
    return first, weights / weights.sum()


def _count(how: Downsample, size: int, taps: int) -> int:
    """Observed pixels along an axis of this size."""
    if how.border is Border.VALID:
        return (size - taps) // how.factor + 1
    # At phase 0 the last block needs its first pixel only, at phase 0.5 all of them.
    return int((size - 1 - 2 * how.phase * (how.factor - 1)) // how.factor) + 1


@lru_cache(maxsize=64)
def _matrix(how: Downsample, size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(observed, image) pixels along one axis: row i holds the window of observed pixel i."""
    # Cached for all later calls: a tensor made in inference mode could not be used for gradients.
    with torch.inference_mode(False), torch.no_grad():
        first, taps = _window(how)
        count = _count(how, size, len(taps))
        if count < 1:
            raise ProblemError(f"expected at least {max(how.factor, len(taps))} pixels, got {size}")
        start = 0 if how.border is Border.VALID else first
        offsets = torch.arange(len(taps), device="cpu")
        pixels = start + how.factor * torch.arange(count, device="cpu")[:, None] + offsets
        weights = taps.repeat(count, 1)
        if how.border is Border.RENORMALISE:
            weights = weights * ((pixels >= 0) & (pixels < size))
            weights = weights / weights.sum(1, keepdim=True)
        matrix = torch.zeros(count, size, dtype=torch.float64, device="cpu")
        matrix.scatter_add_(1, pixels.clamp(0, size - 1), weights)
        return matrix.to(device, dtype)
