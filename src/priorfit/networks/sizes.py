"""Any size in, the same size out: growing, evening out and cutting of (B, C, H, W)."""

import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int]
"""(height, width)."""


def size_of(x: Tensor) -> Size:
    """(H, W) of (B, C, H, W)."""
    return x.shape[-2], x.shape[-1]


def make_even(x: Tensor) -> Tensor:
    """Repeat the last row and the last column where the height and the width are odd."""
    height, width = size_of(x)
    if height % 2 == 0 and width % 2 == 0:
        return x
    return F.pad(x, [0, width % 2, 0, height % 2], mode="replicate")


def crop_centre(x: Tensor, size: Size) -> Tensor:
    """Cut to `size` around the middle, half pixels towards the top left, as Concat as released."""
    height, width = size_of(x)
    if (height, width) == size:
        return x
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return x[..., top : top + size[0], left : left + size[1]]


def overlap(x: Tensor, y: Tensor) -> Size:
    """The largest size that both have."""
    return min(x.shape[-2], y.shape[-2]), min(x.shape[-1], y.shape[-1])


def working_size(size: Size, least: int, halvings: int) -> Size:
    """The size at which a network that halves so often can compute.

    Args:
        size: of the image.
        least: fewest pixels along a side, for the sake of reflections.
        halvings: after these, rounded up, batch statistics need more than one pixel.
    """
    height, width = max(size[0], least), max(size[1], least)
    single = 1 << halvings
    if height <= single and width <= single:
        return single + 1, single + 1
    return height, width


def pad_to(x: Tensor, size: Size) -> Tensor:
    """Pad around the middle to at least `size` by reflection, where impossible by repetition.

    One reflection brings at most `side - 1` new pixels to each end, so a small image is reflected
    more than once; a side of a single pixel is repeated first.
    """
    while x.shape[-2] < size[0] or x.shape[-1] < size[1]:
        (top, bottom), (left, right) = (
            _margins(side, wanted) for side, wanted in zip(size_of(x), size, strict=True)
        )
        single = [side == 1 < wanted for side, wanted in zip(size_of(x), size, strict=True)]
        if any(single):
            x = F.pad(x, [0, int(single[1]), 0, int(single[0])], mode="replicate")
        else:
            x = F.pad(x, [left, right, top, bottom], mode="reflect")
    return x


def _margins(side: int, wanted: int) -> tuple[int, int]:
    missing = max(0, wanted - side)
    return min(missing // 2, side - 1), min(missing - missing // 2, side - 1)
