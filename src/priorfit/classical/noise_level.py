"""How strong the noise of a picture is, and of what kind, with nothing but the picture to go by.

Noise is looked for where there is nothing else: in the flattest blocks of 8×8 pixels, each turned
into its cosines, as [ponomarenko2007]_ does. Which blocks are flat for one half of the cosines is
judged by the other half, so that choosing them does not choose weak noise. The spectrum need not be
flat, as it is not for noise that came through a demosaicking, a blur or JPEG [colom2014]_; and the
variance may grow with the intensity, as that of counted photons does [foi2008]_.
"""

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pywt
import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.types import Image

COLOURED = 0.3
"""Correlation of neighbours from which noise is not white."""

_SIDE = 8
_MOST = 40_000  # blocks looked at, spread over the picture
_FEWEST = 64  # below, second differences are what is left to judge by
_SHARE, _LEAST = 0.02, 96  # of the blocks, the flattest
_GROUPS, _GROUP = 5, 800  # of intensities, and the blocks that one needs
_INDEPENDENT = 0.2  # below this correlation noise is as good as independent
_CREDIBLE = 0.7  # share of the variance that a second estimate of white noise has at least
_EXCESS = 0.1  # what texture adds may lie above the line at so much of the cost
_MEDIAN = 0.4549  # of the square of a standard normal number

_SHARED = 0.9  # of channels, from which their noise is one; texture comes to 0.85
_APART = 2.0  # factor between two estimates from which they disagree
_WIDE, _LOCAL = 15, 9  # pixels a side of the means of the second estimate
_QUIET, _QUIETER = 0.1, 0.9  # share of its places, and what is left of white noise there
_PARTS, _PART = 4, 512  # along a side of a large picture, and pixels a side of each
_DEAD = 3  # rows and columns of one value in a block that is no evidence

_WAVES = torch.arange(_SIDE)
_FREQUENCY = (_WAVES[:, None] + _WAVES).flatten()
_EVEN = (_FREQUENCY % 2 == 0) & (_FREQUENCY > 0)
_ODD = (_FREQUENCY % 2 == 1) & (_FREQUENCY > 1)  # the plane through a block is taken out of it
_LOST, _NEXT = [0, 1, _SIDE], [2, _SIDE + 1, 2 * _SIDE]  # cosines of planes, and those after them
_HALVES = ((_EVEN, _ODD), (_ODD, _EVEN))


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
    """

    std: float
    shot: float
    read: float
    correlation: float
    shared: float = 0.0
    least: float = math.inf
    doubt: str | None = None

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
    std = math.sqrt(found.std * second) if coloured else found.std
    if max(found.std, second) > _APART * max(least, 1e-12):
        std = least  # too little is taken away rather than too much
        doubt = "two estimates of the noise differ by more than a factor of 2: the lower is taken"
    factor = std / found.std if found.std else 0.0
    read = found.read * factor if found.std else std
    shot = found.shot * factor**2
    found = NoiseEstimate(std, shot, read, found.correlation, shared, least, doubt)
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
    if there.count_nonzero() < _FEWEST:
        return None, 0.0
    quiet = local_power(parts)[inside].transpose(0, 1).flatten(1)[:, there]
    levels = torch.stack([_quantile(channel, _QUIET) for channel in quiet])
    together = quiet.mean(0)
    calm = together <= _quantile(together, _QUIET)
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


def _quantile(values: Tensor, share: float) -> Tensor:
    """The value below which a share of the values lies."""
    return values.kthvalue(max(1, round(share * len(values)))).values


def _together(values: Tensor) -> float:
    """Mean correlation of channels, (C, N); 0 for one of them or where nothing varies."""
    count = len(values)
    if count < 2 or values.shape[1] < _FEWEST or (values.std(1) == 0).any():
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
    planes = [_plane(plane) for plane in picture]
    found = [plane for plane in planes if plane is not None]
    if len(found) < len(planes):
        std = _immerkaer(picture)
        return NoiseEstimate(std, 0.0, std, 0.0)
    # Variances are averaged over the channels, as a squared error does.
    variance, shot, read, correlation = torch.tensor(found, dtype=torch.float64).mean(0).tolist()
    if abs(correlation) < _INDEPENDENT:
        # Texture adds to both estimates. One that is far lower has counted clipped pixels.
        scale = _finest(picture) ** 2 / max(variance, 1e-12)
        if _CREDIBLE < scale < 1:
            variance, shot, read = scale * variance, scale * shot, scale * read
    return NoiseEstimate(math.sqrt(variance), shot, math.sqrt(read), correlation)


def _plane(plane: Tensor) -> tuple[float, float, float, float] | None:
    """Variance, its growth, its value in the dark and the correlation of one channel."""
    if min(plane.shape) < _SIDE:
        return None
    powers, means, whole, alive = _blocks(plane)
    if alive.sum() >= min(_FEWEST, len(alive)) and alive.any():
        powers, means, whole = powers[alive], means[alive], whole[alive]
    elif len(alive) >= _FEWEST:
        return 0.0, 0.0, 0.0, 0.0
    if len(powers) < _FEWEST:
        return None
    overall = means.mean().item()
    if whole.sum() > 2 * _LEAST:  # a clipped block has lost a part of its noise
        powers, means = powers[whole], means[whole]
    strength = torch.ones_like(means)
    shot, read = 0.0, 1.0
    for _ in range(2):  # what is flat depends on the noise at its intensity
        spectrum = _spectrum(powers / strength[:, None])
        shot, read = _line(*_levels(powers, means, spectrum))
        strength = (shot * means + read).clamp_min(1e-9)
    return shot * overall + read, shot, read, _correlation(spectrum)


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


def _blocks(plane: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Squares of cosines (N, 64) and means (N,) of blocks, which are not clipped, which are alive.

    A border, a caption or a saturated sky has no noise, and tells nothing of that beside it: a
    block is dead where whole rows or columns of it hold one value, which noise does not leave.
    """
    stride = 1
    while math.prod((side - _SIDE) // stride + 1 for side in plane.shape) > _MOST:
        stride += 2  # odd, so that no grid of a JPEG meets the blocks' own
    blocks = plane.unfold(0, _SIDE, stride).unfold(1, _SIDE, stride).flatten(0, 1)
    cosines = _cosines()
    means = blocks.mean((1, 2))
    ramp = (_WAVES - _WAVES.double().mean()) / math.sqrt(42 * _SIDE)  # of power 1 in a block
    along, down = (blocks @ ramp).sum(1), (blocks.transpose(1, 2) @ ramp).sum(1)
    bent = blocks - along[:, None, None] * ramp - down[:, None, None] * ramp[:, None]
    powers = (cosines @ bent @ cosines.T).square().flatten(1)
    clipped = (blocks <= 0.002) | (blocks >= 0.998)
    rows, columns = (blocks.amax(axis) == blocks.amin(axis) for axis in (2, 1))
    alive = rows.sum(1) + columns.sum(1) < _DEAD
    return powers, means, clipped.flatten(1).double().mean(1) < 0.02, alive


def _spectrum(powers: Tensor) -> Tensor:
    """Variance of each cosine in the flattest blocks, (64,)."""
    spectrum = torch.ones(powers.shape[1], dtype=powers.dtype)
    count = min(len(powers), max(_LEAST, int(_SHARE * len(powers))))
    for _ in range(3):
        spectrum = _measured(powers, spectrum, count).clamp_min(1e-12)
    spectrum[_LOST] = spectrum[_NEXT].mean()
    return spectrum


def _measured(powers: Tensor, spectrum: Tensor, count: int) -> Tensor:
    """The spectrum in the blocks that are the flattest for the other half of the cosines."""
    measured = spectrum.clone()
    for judge, judged in _HALVES:
        activity = (powers[:, judge] / spectrum[judge]).mean(1)
        flat = activity.topk(count, largest=False).indices
        median = powers[flat][:, judged].median(0).values
        measured[judged] = median / _MEDIAN
    return measured


def _levels(powers: Tensor, means: Tensor, spectrum: Tensor) -> tuple[list[float], list[float]]:
    """Mean intensity and noise variance of the flattest blocks in groups of like intensity."""
    groups = max(1, min(_GROUPS, len(powers) // _GROUP))
    intensities, levels = [], []
    for group in means.argsort().chunk(groups):
        count = min(len(group), max(_LEAST, int(_SHARE * len(group))))
        ratio = (_measured(powers[group], spectrum, count) / spectrum)[_EVEN | _ODD]
        intensities.append(means[group].mean().item())
        levels.append((ratio.median() * spectrum.mean()).item())
    return intensities, levels


def _line(intensities: list[float], levels: list[float]) -> tuple[float, float]:
    """The line a·x + b, a and b ≥ 0, that runs along the lower edge of the points."""
    points = list(zip(intensities, levels, strict=True))
    lines = [(0.0, level) for level in levels]
    lines += [(level / x, 0.0) for x, level in points if x > 0]
    for (x, level), (x2, level2) in combinations(points, 2):
        slope = (level2 - level) / (x2 - x) if x2 != x else -1.0
        if slope >= 0 and level - slope * x >= 0:
            lines.append((slope, level - slope * x))

    def cost(line: tuple[float, float]) -> float:
        above = [
            math.log(max(level, 1e-12) / max(line[0] * x + line[1], 1e-12)) for x, level in points
        ]
        return sum(_EXCESS * gap if gap > 0 else -gap for gap in above)

    return min(lines, key=cost)


def _correlation(spectrum: Tensor) -> float:
    """Correlation of neighbours that a spectrum of cosines stands for, along both axes."""
    cosines, square = _cosines(), spectrum.reshape(_SIDE, _SIDE)
    found = []
    for powers in (square.mean(0), square.mean(1)):
        covariance = cosines.T @ torch.diag(powers) @ cosines
        found.append((covariance.diagonal(1).mean() / covariance.diagonal().mean()).item())
    return sum(found) / 2


def _cosines() -> Tensor:
    """The orthonormal discrete cosine transform, (8, 8)."""
    angles = math.pi * (_WAVES + 0.5).double() * _WAVES[:, None] / _SIDE
    cosines = torch.cos(angles) * math.sqrt(2 / _SIDE)
    cosines[0] /= math.sqrt(2)
    return cosines
