"""Noise that is not white, as cameras leave it: neighbours and channels share it.

Demosaicking, sharpening and JPEG make grain of it. Stein's estimate and filters that count on white
noise take the grain for detail. So the picture is denoised three times over, each time otherwise:
by what looks alike, once more after its coarse grain is gone, and by blocks with a level higher
than that of fine noise. Their mean is better than each; where hardly a place is calm, and the
level is little more than guessed, some of the picture is left in it, and where it may well be
texture that was taken for noise, most: nothing is as bad as fur or grass made smooth.
"""

import torch
import torch.nn.functional as F

from priorfit.classical import guides
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.noise_level import NoiseEstimate, estimate_noise, local_power
from priorfit.degradations import Identity
from priorfit.problem import Problem
from priorfit.types import Image

_SEARCH = BlockMatching()
_ALIKE = 1.1  # strength of non-local means, times the level
_ALIKE_AGAIN = 0.8  # the same where the coarse grain is gone
_HALVED = 0.8  # level of half the resolution, times the level
_BLOCKS = 1.5  # level of block matching, times the level
_QUIET, _QUIETER, _CALM = 0.1, 0.9, 1.5  # see `_calm_share`
_FEW, _MANY = 0.25, 0.5  # share of calm places where most is left, and from which nothing is
_LEFT = 1 / 3  # of the picture, at most, for want of calm places
_TEXTURE = 0.85  # of the picture, at most, for texture


def camera_denoised(problem: Problem) -> Image:
    """Remove noise that neighbours share, (B, C, H, W) in [0, 1].

    Args:
        problem: with the noise level.
    """
    y = problem.observation
    found = estimate_noise(y[:1])
    left = _left(y)
    std = _strength(problem.noise_std or found.std, found, left)
    left = max(left, _TEXTURE * found.texture)
    alike = guides.non_local_means(_white(y, std), _ALIKE)
    coarse = F.avg_pool2d(y, 2, ceil_mode=True, count_include_pad=False)
    grain = _SEARCH(coarse, _HALVED * std) - coarse
    calmer = (
        y + F.interpolate(grain, scale_factor=2, mode="bicubic")[..., : y.shape[2], : y.shape[3]]
    )
    again = guides.non_local_means(_white(calmer.clamp(0, 1), std), _ALIKE_AGAIN)
    blocks = _SEARCH(y, _BLOCKS * std)
    return ((1 - left) * (alike + again + blocks) / 3 + left * y).clamp(0, 1)


def camera_smoothed(problem: Problem) -> Image:
    """The quick part of `camera_denoised` alone."""
    y = problem.observation
    found = estimate_noise(y[:1])
    left = _left(y)
    std = _strength(problem.noise_std or found.std, found, left)
    left = max(left, _TEXTURE * found.texture)
    return (1 - left) * guides.non_local_means(_white(y, std), _ALIKE) + left * y


def _strength(std: float, found: NoiseEstimate, left: float) -> float:
    """The level to count on: where much of the picture is left in it the lowest that was found."""
    if abs(std - found.std) > 0.3 * found.std:  # it was not estimated, but given
        return max(std, 1e-4)
    calm = 1 - left / _LEFT
    return max(calm * std + (1 - calm) * min(std, found.least), 1e-4)


def _white(image: Image, std: float) -> Problem:
    return Problem(image, Identity(), noise_std=std)


def _left(image: Image) -> float:
    """Share of the picture that is left in it: the fewer calm places, the more."""
    share = _calm_share(image)
    return _LEFT * min(max((_MANY - share) / (_MANY - _FEW), 0.0), 1.0)


def _calm_share(image: Image) -> float:
    """Share of places that vary little more than the calmest tenth."""
    power = local_power(image).flatten(2)[0]
    power = power[:, :: max(1, power.shape[1] // 1_000_000)]
    usual = torch.quantile(power, _QUIET, dim=1).mean() / _QUIETER**2
    return (power < _CALM**2 * usual).float().mean().item()
