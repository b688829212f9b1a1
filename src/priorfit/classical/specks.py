"""Specks: single pixels that have nothing to do with those around them, and what lies under them.

Salt and pepper of a bad transmission, hot and dead pixels of a sensor. A denoiser takes them for
detail and keeps them; found and filled, they are gone. A star is wider than a pixel, a line goes
on in a neighbour, and noise has no such outliers.

Not every single pixel is a fault: sand, grain, a stippled drawing and faint stars are made of them.
A fault shows in its value, which is the lowest or the highest, or far outside the range; or in that
it strikes one channel of three. Where neither is so, pixels are left alone, and counted.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.classical.salt import salt_and_pepper, values_beside
from priorfit.types import Image

_APART = 7.0  # times the usual difference of a pixel from those around it
_OF_RANGE = 0.12  # that a speck differs by, at least, of what the picture spans
_ALONE = 0.3  # of a speck's difference, more than that of its nearest neighbour in value
_MOST = 0.12  # share of pixels: beyond, it is a pattern
_MANY = 0.005  # share from which specks may touch
_PASSES = 5
_FEWEST = 3e-4  # share below which they are taken for detail, unless they leave the range
_FAR = 0.5  # of the range, beyond it, where even one is no detail
_FEW_PLACES, _PLACES = 12, 20_000  # specks whose places say something, and that are looked at
_FAR_APART = 12  # pixels along rows and columns to the next of a pattern
_CHANCE, _IN_STEP = 5.0, 0.15  # deviations, and share of all, that chance brings to one distance
_LEANING = 0.025  # of a speck's height, that those beside it may have
_AT_BOUND = 0.6  # share of the specks on a side that have its extreme value, where they are faults
_ONE_CHANNEL = 0.7  # share of places where one channel alone is struck, likewise
_TILES, _EACH = 4, 3  # squares along a side that specks are counted in, and how many each, at least
_ONE_VALUE, _SEEN = 0.9, 0.1  # share of the specks that have it, and of the range to be seen by
_UNEVEN = 0.25  # squared deviation from one square to another, of the mean, beyond that of chance
_SAMPLE = 1_000_000
_BAND, _MARGIN = 256, 6  # rows that are looked at together, and those that they look at beyond


class Specks(NamedTuple):
    """Single pixels that have nothing to do with those around them.

    Args:
        faults: true where such a pixel is a fault and no detail, (1, C, H, W).
        unsure: how many others there are: grain, stipple or stars, or faults of no common value.
    """

    faults: Tensor
    unsure: int


def find_specks(image: Image) -> Tensor:
    """Find the faults among single pixels: `look_for_specks` without what is unsure."""
    return look_for_specks(image).faults


def look_for_specks(image: Image) -> Specks:
    """Find single pixels that have nothing to do with those around them.

    Args:
        image: (1, C, H, W) of numbers in any units.

    Returns:
        None in pictures that are mostly one value.
    """
    none = torch.zeros_like(image, dtype=torch.bool)
    flat = image.flatten()[:: -(-image.numel() // _SAMPLE)].double()
    low, middle, high = torch.quantile(flat, flat.new_tensor([0.02, 0.5, 0.98])).tolist()
    if not high > low or (flat == middle).double().mean() > 0.5:
        return Specks(none, 0)
    found = _single(image, _OF_RANGE * (high - low))
    salted = salt_and_pepper(image, found)
    found |= salted
    if not _at_random(found) or _spread_out(image, found):
        return Specks(none, 0)
    share = found.double().mean()
    if not salted.any() and share > _MOST:
        return Specks(none, 0)
    if share < _FEWEST and not salted.any():  # detail, unless it leaves the range
        beyond = _FAR * (high - low)
        return Specks(found & ((image < low - beyond) | (image > high + beyond)), 0)
    if (salted.any() or _faulty(image, found)) and _evenly(image, found):
        return Specks(found, 0)
    return Specks(none, int(found.any(1).count_nonzero()))


def _single(image: Image, least: float) -> Tensor:
    """Where pixels are far from all around them, in passes, as one may lie beside another."""
    found = torch.zeros_like(image, dtype=torch.bool)
    calm = image
    for _ in range(_PASSES):
        many = bool(found.double().mean() > _MANY)
        new = ~found & _alone(image, calm, least, touching=many)
        found |= new
        if not new.any():
            break
        calm = fill_specks(image, found)
    return found


def _faulty(image: Image, specks: Tensor) -> bool:
    """Whether specks have what detail has not: one extreme value, or one channel of several."""
    places = int(specks.any(1).count_nonzero())
    alone = int((specks.sum(1) == 1).count_nonzero())
    if image.shape[1] > 2 and alone >= max(_FEW_PLACES, _ONE_CHANNEL * places):
        return True
    middle = image.median()
    ends = [(image < middle, image == image.min()), (image > middle, image == image.max())]
    sides = [(int((specks & side).sum()), int((specks & end).sum())) for side, end in ends]
    return all(at >= _AT_BOUND * count for count, at in sides)


def _evenly(image: Image, specks: Tensor) -> bool:
    """Whether specks of one value lie as densely everywhere: dots of a drawing shade it.

    They are counted beside the places of a square where they would be seen.
    """
    value = image[specks].median()
    if (image[specks] == value).double().mean() < _ONE_VALUE:
        return True
    seen = (fill_specks(image, specks) - value).abs() > _SEEN * (image.max() - image.min())
    counts, places = (_in_squares(where) for where in (specks, seen))
    expected = places * counts.sum() / places.sum().clamp_min(1)
    if counts.sum() < _EACH * _TILES**2 or not (expected > 0).any():
        return True
    off = ((counts - expected).square() - expected)[expected > 0].mean()
    return bool(off <= _UNEVEN * expected[expected > 0].square().mean())


def _in_squares(where: Tensor) -> Tensor:
    """How many places there are in each of some squares of a picture."""
    there = where[0].sum(0).double()
    size = [side - side % _TILES for side in there.shape]
    parts = [side // _TILES for side in size]
    return F.avg_pool2d(there[None, : size[0], : size[1]], parts).flatten() * math.prod(parts)


def _at_random(specks: Tensor) -> bool:
    """Whether specks lie anywhere: dots of a grid, a screen or a line lie at one distance."""
    there = specks[0].any(0)
    places = there.nonzero()
    count = len(places)
    if count < _FEW_PLACES:
        return True
    places = places[:: -(-count // _PLACES)]
    density = count / there.numel()
    most = _CHANCE * len(places) ** 0.5 + len(places) * (density + _IN_STEP)
    return all(_repeated(there, places, step) <= most for step in _steps_apart())


def _steps_apart() -> Iterator[tuple[int, int]]:
    """Half of the steps to places not far away: the other half are the same, backwards."""
    for down in range(_FAR_APART + 1):
        for right in range(-_FAR_APART, _FAR_APART + 1):
            if (down, right) > (0, 0):
                yield down, right


def _repeated(there: Tensor, places: Tensor, step: tuple[int, int]) -> int:
    """How many places have one so far away too."""
    row, column = places[:, 0] + step[0], places[:, 1] + step[1]
    height, width = there.shape
    inside = (row < height) & (column >= 0) & (column < width)
    return int(there[row[inside], column[inside]].count_nonzero())


def _spread_out(image: Image, specks: Tensor) -> bool:
    """Whether what surrounds specks leans to them: stars are wider than a pixel, if only just."""
    places = specks[0].nonzero()
    if not len(places):
        return False
    beside, farther = (
        torch.stack([values_beside(image[0], places, step) for step in steps])
        for steps in (_CROSS, [(2 * y, 2 * x) for y, x in _CROSS])
    )
    level = farther.median(0).values
    peak = image[0][specks[0]] - level
    leaning = (beside.median(0).values - level) / peak
    leaning = leaning[peak.abs() > 0]
    error = leaning.std() / len(leaning) ** 0.5 if len(leaning) > 1 else leaning.new_tensor(0.0)
    return bool(leaning.median() > _LEANING + 2 * error)


def fill_specks(image: Image, specks: Tensor) -> Image:
    """Put in place of specks the median of what is around them.

    Args:
        image: (1, C, H, W).
        specks: true where they are, of the same shape.
    """
    filled = image.masked_fill(specks, torch.nan)
    places = specks[0].nonzero()
    while len(places):
        around = torch.stack([values_beside(filled[0], places, step) for step in _STEPS])
        values = around.nanmedian(0).values
        channel, row, column = places.unbind(1)
        filled[0, channel, row, column] = values
        places = places[values.isnan()]
    return filled


_CROSS = [(0, 1), (1, 0), (0, -1), (-1, 0)]
_STEPS = [(r * y, r * x) for r in (1, 2) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]


def _alone(image: Image, calm: Image, least: float, *, touching: bool) -> Tensor:
    """Where a pixel is far from all around it: but for one where specks may touch.

    Band by band, since eight neighbours of a large picture do not fit into memory.
    """
    height = image.shape[-2]
    bands = []
    for top in range(0, height, _BAND):
        first, last = max(0, top - _MARGIN), min(height, top + _BAND + _MARGIN)
        rows = (..., slice(first, last), slice(None))
        found = _alone_in_band(image[rows], calm[rows], least, touching=touching)
        bands.append(found[..., top - first : min(top + _BAND, height) - first, :])
    return torch.cat(bands, -2)


def _alone_in_band(image: Image, calm: Image, least: float, *, touching: bool) -> Tensor:
    around = _around(calm).sort(0).values
    middle = around[(len(around) - 1) // 2][None]
    apart = image - middle
    usual = _usual(calm - middle)
    above, below = (around[-2], around[1]) if touching else (around[-1], around[0])
    nearest = torch.where(apart > 0, above[None] - middle, middle - below[None])
    size = apart.abs()
    return (size > least) & (size > _APART * usual) & (nearest < _ALONE * size)


def _usual(apart: Image) -> Image:
    """How far pixels are from those around them hereabouts, outliers cut off."""
    size = apart.abs()
    flat = size.flatten()[:: -(-size.numel() // _SAMPLE)]
    size = size.clamp(max=4 * flat.median() + 1e-12 + 4 * flat.mean())
    return F.avg_pool2d(size.square(), 9, 1, 4, count_include_pad=False).sqrt()


def _around(image: Image) -> Tensor:
    """The eight pixels around each, (8, C, H, W)."""
    height, width = image.shape[-2:]
    padded = F.pad(image, [1] * 4, mode="replicate")
    steps = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return torch.cat([padded[..., y : y + height, x : x + width] for y, x in steps], 0)
