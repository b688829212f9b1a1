"""Salt and pepper: values of many single pixels that were set to the lowest or the highest.

Where some pixels of one extreme value have nothing to do with those around them, the others of that
value are suspects too, also those that touch, or lie in detail, where no pixel would be conspicuous
by itself. What is white or black over an area of its own is left alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.types import Image

_FEWEST, _SHARE = 8, 3e-4  # of plain specks at a value, and their share of all pixels
_OF_PLAIN = 0.6  # of the plain specks on a side, those that have its extreme value
_MOST = 0.5  # share of suspects: beyond, it is a picture of two values
_AREA = 0.3  # share around a pixel, above that in the picture, from which its value is an area's
_OF_RANGE = 0.08  # that a suspect differs by from what is around it
_MANY = 0.02  # share of pixels at each of the two values, from which they may speak for themselves
_ALONE = 0.7  # of the pixels at a value that chance would leave without their like beside them
_ACROSS = 0.75  # of the range, that both together lie away from what is around them
_REACH = 2
_AT_ONCE, _SOME = 1_000_000, 20_000


def salt_and_pepper(image: Image, plain: Tensor) -> Tensor:
    """Find all pixels that were set to the lowest or the highest value, given some of them.

    Args:
        image: (1, C, H, W) of numbers in any units.
        plain: true where a pixel is plainly a speck, of the same shape.

    Returns:
        True where there is a speck at one of the two values, of the same shape; nowhere if the
        plain ones have others.
    """
    low, high = image.min(), image.max()
    pair = [image == bound for bound in (low, high)]
    if _scattered(image, pair):
        suspects = pair[0] & ~_areas(pair[0]) | pair[1] & ~_areas(pair[1])
    else:
        middle = image.median()
        sides = [plain & (image < middle), plain & (image > middle)]
        suspects = _named(pair[0], sides[0]) | _named(pair[1], sides[1])
    if not 0 < _share(suspects) <= _MOST:
        return torch.zeros_like(plain)
    # Suspects are compared with what is beside them, less other suspects.
    rest = image.masked_fill(suspects, torch.nan)
    places = suspects[0].nonzero()
    for some in places.split(_AT_ONCE):
        channel, row, column = some.unbind(1)
        apart = (image[0, channel, row, column] - _middle(rest[0], some)).abs()
        keep = (apart > _OF_RANGE * (high - low)) | apart.isnan()
        suspects[0, channel, row, column] = keep
    return suspects


def _named(there: Tensor, plain: Tensor) -> Tensor:
    """Pixels of an extreme value that most of the plain specks on its side have, but for areas."""
    firm = int((plain & there).count_nonzero())
    few = firm < max(_FEWEST, _SHARE * there.numel())
    if few or firm < _OF_PLAIN * int(plain.count_nonzero()):
        return torch.zeros_like(there)
    return there & ~_areas(there)


def _scattered(image: Image, pair: list[Tensor]) -> bool:
    """Whether two extreme values lie over a picture as chance would have it, far from the rest.

    This finds specks that are too many to be conspicuous one by one. Strokes and areas hang
    together; clipped noise and the levels of a dither lie near the values around them.
    """
    shares = [_share(there) for there in pair]
    if not all(_MANY < share < _MOST / 2 for share in shares):
        return False
    rest = image.masked_fill(pair[0] | pair[1], torch.nan)
    across = 0.0
    for there, share in zip(pair, shares, strict=True):
        at = there.float()
        near = F.avg_pool2d(at, (3, 1), 1, (1, 0)) + F.avg_pool2d(at, (1, 3), 1, (0, 1))
        alone = (there & (near < 0.8)).count_nonzero() / there.count_nonzero()  # 2 / 3 is itself
        if alone < _ALONE * (1 - share) ** 4:
            return False
        places = there[0].nonzero()
        places = places[:: -(-len(places) // _SOME)]
        channel, row, column = places.unbind(1)
        apart = (image[0, channel, row, column] - _middle(rest[0], places)).abs()
        across += apart.nanmedian().item()
    return across > _ACROSS * (image.max() - image.min()).item()


def _share(there: Tensor) -> float:
    return int(there.count_nonzero()) / there.numel()


def _areas(there: Tensor) -> Tensor:
    """Where a value covers more of the surroundings than it usually does."""
    width = 2 * _REACH + 1
    around = F.avg_pool2d(there.float(), width, 1, _REACH, count_include_pad=False)
    usual = around.flatten()[:: -(-around.numel() // _AT_ONCE)].median()
    return around >= usual + _AREA


def _middle(planes: Tensor, places: Tensor) -> Tensor:
    """Median of the numbers around places, (N,); no number where there are none."""
    reach = range(-_REACH, _REACH + 1)
    steps = [(y, x) for y in reach for x in reach if y or x]
    around = torch.stack([values_beside(planes, places, step) for step in steps])
    return around.nanmedian(0).values


def values_beside(planes: Tensor, places: Tensor, step: tuple[int, int]) -> Tensor:
    """Values so many rows and columns away from places, or at the edge of the picture, (N,).

    Args:
        planes: (C, H, W).
        places: channel, row and column of each, (N, 3).
        step: rows and columns.
    """
    height, width = planes.shape[1:]
    channel, row, column = places.unbind(1)
    down, right = (row + step[0]).clamp(0, height - 1), (column + step[1]).clamp(0, width - 1)
    return planes[channel, down, right]
