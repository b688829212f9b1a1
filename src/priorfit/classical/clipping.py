"""Noise that was cut off at black and at white, and what it does to a mean [foi2009]_.

A file has no values below 0 or above 1, so that noise on black can only brighten it: by 0.4σ in the
mean, ten grey levels where σ is 25. Whoever averages such noise away arrives at a grey.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.types import Image, Observation

_LEAST = 1e-3
"""Share of the values of a picture below which nothing is gained."""

_PILE = 0.4
"""Share at the bound of the values within σ/2 of it: of cut-off noise there are 0.5 and more."""

_ROUNDS = 12  # of Newton's method
_NEAR = 7  # pixels a side that stand for the mean of a place
_SAMPLE, _PLACES = 1_000_000, 20_000  # pixels looked at, spread over a large picture
_MOST = 1.5  # times what is left of noise, as much as there may have been
_FAR = 12.0  # standard deviations, where nothing is left of a normal distribution


@dataclass(frozen=True, eq=False)
class Clipping:
    """y = clip(x + n, 0, 1), n normal with standard deviation σ.

    Args:
        std: σ, as a fraction of full scale.
        low: 1 for the images whose noise was cut off at 0, 0 for others, (B, 1, 1, 1).
        high: likewise at 1.
    """

    std: float
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, observation: Observation, std: float) -> Self:
        """Find out whether noise was cut off, by what has piled up at the bounds.

        Args:
            observation: y, (B, c, h, w).
            std: σ.
        """
        apart = _apart(observation, _SAMPLE)
        some = observation[..., ::apart, ::apart]
        sides = (_piled(distance, std) for distance in (some, 1 - some))
        return cls(std, *(side.to(observation)[:, None, None, None] for side in sides))

    @classmethod
    def none(cls, observation: Observation, std: float) -> Self:
        """Noise that was not cut off, whatever it looks like."""
        nothing = observation.new_zeros(len(observation), 1, 1, 1)
        return cls(std, nothing, nothing)

    def mean(self, image: Image) -> Image:
        """E[y] for an image x of (B, C, H, W): x itself away from the bounds."""
        return self._moments(image).mean

    def variance(self, image: Image) -> Image:
        """Var y for an image x of (B, C, H, W) in [0, 1]: σ² away from the bounds."""
        return self._variance(image, self._moments(image))

    def charge(self, image: Image) -> Image:
        """Var y / P(0 < y < 1): σ² away from the bounds, down to 0.68σ² at them.

        What Stein's estimate takes for the variance of a value that was not cut off. It is exact
        where the value's estimate is a line in it.
        """
        x = image.clamp(0, 1)
        moments = self._moments(x)
        return self._variance(x, moments) / moments.inside.clamp_min(0.1)

    def undone(self, mean: Image) -> Image:
        """The x in [0, 1] whose `mean` is nearest to this."""
        x = mean.clamp(0, 1)
        for _ in range(_ROUNDS):
            moments = self._moments(x)
            x = (x + (mean - moments.mean) / moments.inside.clamp_min(0.05)).clamp(0, 1)
        return x

    def _moments(self, x: Image) -> "_Moments":
        std = max(self.std, 1e-6)
        # Very far where nothing is cut off.
        below = torch.where(self.low > 0, -x / std, -_FAR)
        above = torch.where(self.high > 0, (1 - x) / std, _FAR)
        under, over, cut = _density(below), _density(above), _tail(above)
        inside = _share(below, above)
        mean = x * inside + self.std * (under - over) + cut
        return _Moments(below, above, under, over, cut, inside, mean)

    def _variance(self, x: Image, at: "_Moments") -> Image:
        bent = at.below * at.under - at.above * at.over
        middle = (x.square() + self.std**2) * at.inside + self.std**2 * bent
        moved = 2 * self.std * x * (at.under - at.over)
        return (middle + moved + at.cut - at.mean.square()).clamp_min(0)


class _Moments(NamedTuple):
    """Distances of 0 and 1 from x in standard deviations, the density there, and what follows."""

    below: Tensor
    above: Tensor
    under: Tensor
    over: Tensor
    cut: Tensor  # P(y = 1)
    inside: Tensor  # P(0 < y < 1)
    mean: Image


def before_clipping(observation: Observation, left: float) -> float:
    """Standard deviation of noise of which so much was left when it was cut off, at most 1.

    Args:
        observation: y, (B, c, h, w).
        left: root of the mean variance of what noise is in it, as `noise_level` estimates it.
    """
    found = Clipping.of(observation, left)
    apart = _apart(observation, _PLACES)
    smooth = F.avg_pool2d(observation, _NEAR, apart, _NEAR // 2, count_include_pad=False)
    std = left
    for _ in range(_ROUNDS):
        clipping = Clipping(std, found.low, found.high)
        now = clipping.variance(clipping.undone(smooth)).mean().sqrt().item()
        std = min(std * left / max(now, 1e-6), _MOST * left)
    return min(std, 1.0)


def free(observation: Observation) -> Tensor:
    """1 where a value was not cut off and noise can move it either way, else 0."""
    return ((observation != 0) & (observation != 1)).to(observation)


def _apart(picture: Tensor, places: int) -> int:
    """Pixels between places of a picture, if there shall be so many or somewhat more."""
    return max(1, math.isqrt(picture[0, 0].numel() // places))


def _piled(distance: Tensor, std: float) -> Tensor:
    """Whether values lie at a bound as cut-off noise would, (B,)."""
    flat = distance.flatten(1).abs()
    at, near = ((flat <= reach).count_nonzero(1) for reach in (0, std / 2))
    return (at >= _LEAST * flat.shape[1]) & (at >= _PILE * near)


def _share(below: Tensor, above: Tensor) -> Tensor:
    """P(below < n < above) of a standard normal number."""
    return 1 - _tail(-below) - _tail(above)


def _density(z: Tensor) -> Tensor:
    return torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)


def _tail(z: Tensor) -> Tensor:
    return torch.erfc(z / math.sqrt(2)) / 2
