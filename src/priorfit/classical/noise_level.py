"""How strong the noise of a picture is, and of what kind, with nothing but the picture to go by.

Noise is looked for where there is nothing else: in the flattest blocks of 8×8 pixels, each turned
into its cosines, as [ponomarenko2007]_ does. Which blocks are flat for one half of the cosines is
judged by the other half, so that choosing them does not choose weak noise. The spectrum need not be
flat, as it is not for noise that came through a demosaicking, a blur or JPEG [colom2014]_; and the
variance may grow with the intensity, as that of counted photons does [foi2008]_.

Texture is told from coloured noise by the finest cosines: those of grass, sand or fur fall off
towards them, and level out where white noise lies beneath, which is then what they hold. Noise of
cameras goes on falling there.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pywt
import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.classical.noise_spectrum import (
    ALL,
    FEWEST,
    FINE,
    evidence,
    levels_out,
    mean_level,
    quantile,
    spectrum_of,
)
from priorfit.types import Image

COLOURED = 0.3
"""Correlation of neighbours from which noise is not white."""

_INDEPENDENT = 0.2  # below this correlation noise is as good as independent
_CREDIBLE = 0.7  # share of the variance that a second estimate of white noise has at least
_LOWER = 0.8  # times the variance in all cosines that the fine ones hold, where texture is beneath
_BUSY, _BUSIER = 1.5, 2.3  # times the first estimate that the second is, where texture begins
_VARIED, _MORE_VARIED = 1.6, 2.0  # times as lively the quarter of the blocks is as the calmest
_MUCH = 6 / 255  # of a picture's range: below it little is lost, from twice of it on much

_SHARED = 0.9  # of channels, from which their noise is one; texture comes to 0.85
_APART = 2.0  # factor between two estimates from which they disagree
_WIDE, _LOCAL = 15, 9  # pixels a side of the means of the second estimate
_QUIET, _QUIETER = 0.1, 0.9  # share of its places, and what is left of white noise there
_PARTS, _PART = 4, 512  # along a side of a large picture, and pixels a side of each


@dataclass(frozen=True)
class NoiseEstimate:
    """Noise of variance shot·x + read² at an intensity of x.

    Args:
        std: root of the variance's mean over the picture, as a fraction of full scale.
        shot: growth of the variance with the intensity: 1 / photons in a white pixel.
        read: standard deviation in the dark.
        correlation: of neighbouring pixels, from −1 to 1; 0 for white noise.
        shared: correlation of the channels, 0 for noise of their own, 1 for noise of all.
        least: the lowest standard deviation that any of the estimators found.
        doubt: what is doubtful about the estimate; None where two estimators agree.
        texture: from 0 to 1, how far what was found may be texture rather than coloured noise.
    """

    std: float
    shot: float
    read: float
    correlation: float
    shared: float = 0.0
    least: float = math.inf
    doubt: str | None = None
    texture: float = 0.0

    @property
    def white(self) -> bool:
        """Whether neighbours and channels are as good as independent.

        Texture makes a little correlation too.
        """
        return abs(self.correlation) < COLOURED and self.shared < _SHARED


def noise_level(image: Image) -> float:
    """Estimate the standard deviation of the noise, as a fraction of full scale.

    Args:
        image: (1, C, H, W), [0, 1] where it is a picture.
    """
    return estimate_noise(image).std


def estimate_noise(image: Image) -> NoiseEstimate:
    """Estimate the strength of the noise, its growth with the intensity, and its correlation.

    Texture passes for noise where there is nothing flatter: clean pictures of fur or grass come
    out at up to some hundredths. Of pictures with too few blocks for statistics the strength alone
    is estimated, by what two crossed second differences leave [immerkaer1996]_.

    Args:
        image: (1, C, H, W), [0, 1] where it is a picture.
    """
    picture = image[0].detach().double().cpu()
    found = _by_cosines(picture)
    second, shared = _second(picture)
    if second is None:
        return _at_most(replace(found, least=found.std), picture)
    doubt, least = None, min(found.std, second)
    coloured = abs(found.correlation) >= COLOURED
    ratio = second / max(found.std, 1e-12)
    texture = max(found.texture, _between(ratio, _BUSY, _BUSIER))
    std = found.std * math.sqrt(min(ratio, _BUSY)) if coloured else found.std
    if max(found.std, second) > _APART * max(least, 1e-12):
        std = least  # too little is taken away rather than too much
        doubt = "two estimates of the noise differ by more than a factor of 2: the lower is taken"
    factor = std / found.std if found.std else 0.0
    read = found.read * factor if found.std else std
    shot = found.shot * factor**2
    found = NoiseEstimate(std, shot, read, found.correlation, shared, least, doubt, texture)
    return _at_most(found, picture)


def _at_most(found: NoiseEstimate, picture: Tensor) -> NoiseEstimate:
    """An estimate that is no more than the picture's own standard deviation."""
    most = picture.std().item() if picture[0].numel() > 1 else 0.0
    if found.std <= most:
        return found
    return replace(found, std=most, read=min(found.read, most), least=min(found.least, most))


def _second(picture: Tensor) -> tuple[float | None, float]:
    """Another estimate, and how much the channels share of the noise.

    What a mean over 15 pixels leaves, in the tenth of the places where that is least: coarse noise
    counts in full, which the cosines of 8 pixels hardly see. None for small or flat pictures.

    Args:
        picture: (C, H, W).
    """
    if min(picture.shape[1:]) < 3 * _WIDE:
        return None, 0.0
    parts = _spread(picture)
    inside = (..., slice(_WIDE, -_WIDE), slice(_WIDE, -_WIDE))
    there = _alive(parts)[inside].flatten()
    if there.count_nonzero() < FEWEST:
        return None, 0.0
    quiet = local_power(parts)[inside].transpose(0, 1).flatten(1)[:, there]
    levels = torch.stack([quantile(channel, _QUIET) for channel in quiet])
    together = quiet.mean(0)
    calm = together <= quantile(together, _QUIET)
    fine = (parts - _boxed(parts, 5))[inside].transpose(0, 1).flatten(1)[:, there][:, calm]
    return levels.mean().sqrt().item() / _QUIETER, _together(fine)


def _spread(picture: Tensor) -> Tensor:
    """A picture, or parts of a large one that are spread over it, (N, C, h, w)."""
    height, width = picture.shape[1:]
    if height * width <= _PARTS**2 * _PART**2:
        return picture[None]
    tops, lefts = (
        [round(i * max(0, side - _PART) / (_PARTS - 1)) for i in range(_PARTS)]
        for side in (height, width)
    )
    size = min(_PART, height), min(_PART, width)
    cuts = [picture[:, t : t + size[0], left : left + size[1]] for t in tops for left in lefts]
    return torch.stack(cuts)


def _together(values: Tensor) -> float:
    """Mean correlation of channels, (C, N); 0 for one of them or where nothing varies."""
    count = len(values)
    if count < 2 or values.shape[1] < FEWEST or (values.std(1) == 0).any():
        return 0.0
    return ((torch.corrcoef(values).sum() - count) / (count * (count - 1))).item()


def _alive(picture: Tensor) -> Tensor:
    """Where the surroundings are not for a tenth of one value, (N, 1, H, W)."""
    spread = _pooled(picture) + _pooled(-picture)
    dead = (spread == 0).any(1, keepdim=True).double()
    reach = _WIDE + _LOCAL - 1
    return F.avg_pool2d(dead, reach, 1, reach // 2) < 0.1


def _pooled(picture: Tensor) -> Tensor:
    return F.max_pool2d(picture, 3, 1, 1)


def local_power(picture: Tensor) -> Tensor:
    """How much pixels vary hereabouts, less what is coarse: a mean square, (N, C, H, W)."""
    return _boxed((picture - _boxed(picture, _WIDE)).square(), _LOCAL)


def _boxed(picture: Tensor, side: int) -> Tensor:
    """Means over squares, smaller ones in pictures that are smaller, (N, C, H, W)."""
    down, right = (min(side // 2, edge - 1) for edge in picture.shape[-2:])
    padded = F.pad(picture, [right, right, down, down], mode="reflect")
    return F.avg_pool2d(padded, [2 * down + 1, 2 * right + 1], 1)


def _by_cosines(picture: Tensor) -> NoiseEstimate:
    planes = [evidence(plane) for plane in picture]
    found = [plane for plane in planes if plane is not None]
    if len(found) < len(planes):
        std = _immerkaer(picture)
        return NoiseEstimate(std, 0.0, std, 0.0)
    seen = [(powers, means, spectrum_of(powers)) for powers, means in found if len(powers)]
    level_out = bool(seen) and sum(levels_out(s) for _, _, s in seen) > len(seen) / 2
    variance, shot, read, correlation, varied = mean_level(found, ALL)
    if level_out:
        fine = mean_level(found, FINE)
        if fine.variance < _LOWER * variance:  # else all cosines say it with more certainty
            variance, shot, read, correlation, varied = fine
    if abs(correlation) < _INDEPENDENT:
        # Texture adds to both estimates. One that is far lower has counted clipped pixels.
        scale = _finest(picture) ** 2 / max(variance, 1e-12)
        if _CREDIBLE < scale < 1:
            variance, shot, read = scale * variance, scale * shot, scale * read
    std = math.sqrt(variance)
    texture = _between(varied, _VARIED, _MORE_VARIED) * _between(std, _MUCH, 2 * _MUCH)
    return NoiseEstimate(std, shot, math.sqrt(read), correlation, texture=texture)


def _between(value: float, low: float, high: float) -> float:
    """How far a value is from one bound to another, from 0 to 1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


_QUARTILE = np.float64(0.6744897501960817)
"""Three quarters of normal numbers of standard deviation 1 are below."""


def _finest(planes: Tensor) -> float:
    """Standard deviation by the median of the finest wavelets, which is for white noise."""
    # As scikit-image does it, which warns of a channel without any detail: to silence that would
    # change the filters of all threads.
    details = [pywt.dwtn(plane.numpy(), wavelet="db2")["dd"] for plane in planes]
    levels = [np.median(np.abs(d[d != 0])) / _QUARTILE if d.any() else 0.0 for d in details]
    return float(np.mean(levels))


def _immerkaer(planes: Tensor) -> float:
    """Standard deviation of white noise in (C, H, W)."""
    bend = torch.tensor([1.0, -2.0, 1.0], dtype=planes.dtype)
    rows, columns = (int(side < 3) for side in planes.shape[1:])  # nothing bends in two pixels
    padded = F.pad(planes[:, None], (columns, columns, rows, rows), mode="replicate")
    left = F.conv2d(padded, torch.outer(bend, bend)[None, None])
    return left.abs().mean().item() * math.sqrt(math.pi / 2) / 6
