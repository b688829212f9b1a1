"""Specks: single pixels that have nothing to do with those around them, and what lies under them.

Salt and pepper of a bad transmission, hot and dead pixels of a sensor. A denoiser takes them for
detail and keeps them; found and filled, they are gone. A star is wider than a pixel, a line goes
on in a neighbour, and noise has no such outliers.
"""

from collections.abc import Iterator

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
_SAMPLE = 1_000_000
_BAND, _MARGIN = 256, 6  # rows that are looked at together, and those that they look at beyond


def find_specks(image: Image) -> Tensor:
    """Find single pixels that have nothing to do with those around them.

    Args:
        image: (1, C, H, W) of numbers in any units.

    Returns:
        True where there is a speck, (1, C, H, W); nowhere in pictures that are mostly one value.
    """
    found = torch.zeros_like(image, dtype=torch.bool)
    flat = image.flatten()[:: -(-image.numel() // _SAMPLE)].double()
    low, middle, high = torch.quantile(flat, flat.new_tensor([0.02, 0.5, 0.98])).tolist()
    if not high > low or (flat == middle).double().mean() > 0.5:
        return found
    calm = image
    for _ in range(_PASSES):
        many = bool(found.double().mean() > _MANY)
        new = ~found & _alone(image, calm, _OF_RANGE * (high - low), touching=many)
        found |= new
        if not new.any():
            break
        calm = fill_specks(image, found)
    salted = salt_and_pepper(image, found)
    found |= salted
    if not _at_random(found) or _spread_out(image, found):
        return torch.zeros_like(found)
    if salted.any():
        return found
    share = found.double().mean()
    if share < _FEWEST:
        beyond = _FAR * (high - low)
        found &= (image < low - beyond) | (image > high + beyond)
    return found if share <= _MOST else torch.zeros_like(found)


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
    around = _around(calm)
    middle = around.median(0, keepdim=True).values
    apart = image - middle
    usual = _usual(calm - middle)
    same = ((around - middle) * apart.sign()).sort(0, descending=True).values
    nearest = same[1 if touching else 0][None]
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
