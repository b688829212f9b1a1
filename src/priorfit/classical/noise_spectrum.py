"""Noise as the flattest blocks of a picture hold it: its spectrum, and its level by intensity.

Blocks of 8×8 pixels are turned into their cosines. Which of them are flat for one half of the
cosines is judged by the other half, so that choosing them does not choose weak noise.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

FEWEST = 64
"""Blocks below which there are no statistics."""

_SIDE = 8
_MOST = 40_000  # blocks looked at, spread over the picture
_SHARE, _LEAST = 0.02, 96  # of the blocks, the flattest
_GROUPS, _GROUP = 5, 800  # of intensities, and the blocks that one needs
_EXCESS = 0.1  # what texture adds may lie above the line at so much of the cost
_LEVEL = 0.55  # root of the finest powers by those in the middle: 0.64 and more, 0.35 for cameras
_MEDIAN = 0.4549  # of the square of a standard normal number
_DEAD = 3  # rows and columns of one value in a block that is no evidence

_WAVES = torch.arange(_SIDE)
_FREQUENCY = (_WAVES[:, None] + _WAVES).flatten()
_EVEN = (_FREQUENCY % 2 == 0) & (_FREQUENCY > 0)
_ODD = (_FREQUENCY % 2 == 1) & (_FREQUENCY > 1)  # the plane through a block is taken out of it
_LOST, _NEXT = [0, 1, _SIDE], [2, _SIDE + 1, 2 * _SIDE]  # cosines of planes, and those after them
_HALVES = ((_EVEN, _ODD), (_ODD, _EVEN))
ALL = _EVEN | _ODD
"""True for the cosines that count, (64,)."""

FINE = _FREQUENCY >= 9
"""True for the finest of them, (64,)."""

_FINEST, _MIDDLE = _FREQUENCY >= 12, (_FREQUENCY >= 7) & (_FREQUENCY < 9)


def quantile(values: Tensor, share: float) -> Tensor:
    """The value below which a share of the values lies."""
    return values.kthvalue(max(1, round(share * len(values)))).values


class Level(NamedTuple):
    """Variance, its growth, its value in the dark, the correlation of neighbours, and how many
    times as lively the quarter of the blocks is as the calmest: 1.3 to 1.6 for noise.
    """

    variance: float
    shot: float
    read: float
    correlation: float
    varied: float = 1.0


def mean_level(blocks: Sequence[tuple[Tensor, Tensor]], cosines: Tensor) -> Level:
    """Mean over the channels, of variances, as a squared error does."""
    levels = [_level(powers, means, cosines) for powers, means in blocks]
    return Level(*torch.tensor(levels, dtype=torch.float64).mean(0).tolist())


def evidence(plane: Tensor) -> tuple[Tensor, Tensor] | None:
    """Squares of cosines, (N, 64), and means, (N,), of the blocks that are evidence.

    None where blocks are too few for statistics; N is 0 where all are dead.
    """
    if min(plane.shape) < _SIDE:
        return None
    powers, means, whole, alive = _blocks(plane)
    if alive.sum() >= min(FEWEST, len(alive)) and alive.any():
        powers, means, whole = powers[alive], means[alive], whole[alive]
    elif len(alive) >= FEWEST:
        return powers[:0], means[:0]
    if len(powers) < FEWEST:
        return None
    if whole.sum() > 2 * _LEAST:  # a clipped block has lost a part of its noise
        powers, means = powers[whole], means[whole]
    return powers, means


def levels_out(spectrum: Tensor) -> bool:
    """Whether the finest cosines hold as much as those before them: white noise under texture."""
    return bool(spectrum[_FINEST].mean() >= _LEVEL**2 * spectrum[_MIDDLE].mean())


def _level(powers: Tensor, means: Tensor, cosines: Tensor) -> Level:
    """What blocks of one channel say.

    Args:
        powers: squares of their cosines, (N, 64).
        means: of the blocks, (N,).
        cosines: true where one counts: the fine ones where they level out, (64,).
    """
    if not len(powers):
        return Level(0.0, 0.0, 0.0, 0.0)
    strength = torch.ones_like(means)
    shot, read = 0.0, 1.0
    for _ in range(2):  # what is flat depends on the noise at its intensity
        spectrum = spectrum_of(powers / strength[:, None])
        intensities, levels = _levels(powers, means, spectrum, cosines)
        shot, read = _line(intensities, levels)
        strength = (shot * means + read).clamp_min(1e-9)
    variance = shot * means.mean().item() + read
    if cosines is FINE:
        return Level(variance, shot, read, 0.0)
    return Level(variance, shot, read, _correlation(spectrum), _varied(powers, means, spectrum))


def _varied(powers: Tensor, means: Tensor, spectrum: Tensor) -> float:
    """How many times as lively a quarter of the blocks is as the calmest of a like intensity."""
    activity = (powers / spectrum)[:, ALL].mean(1)
    groups = means.argsort().chunk(max(1, min(_GROUPS, len(powers) // _GROUP)))
    pairs = [[quantile(activity[group], share) for share in (0.25, _SHARE)] for group in groups]
    return min((quarter / calmest.clamp_min(1e-12)).item() for quarter, calmest in pairs)


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


def spectrum_of(powers: Tensor) -> Tensor:
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


def _levels(
    powers: Tensor, means: Tensor, spectrum: Tensor, cosines: Tensor
) -> tuple[list[float], list[float]]:
    """Mean intensity and noise variance of the flattest blocks in groups of like intensity."""
    groups = max(1, min(_GROUPS, len(powers) // _GROUP))
    usual = spectrum[cosines].mean() if cosines is FINE else spectrum.mean()
    intensities, levels = [], []
    for group in means.argsort().chunk(groups):
        count = min(len(group), max(_LEAST, int(_SHARE * len(group))))
        ratio = (_measured(powers[group], spectrum, count) / spectrum)[cosines]
        intensities.append(means[group].mean().item())
        levels.append((ratio.median() * usual).item())
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
