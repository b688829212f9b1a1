"""Networks that were grown scale by scale, and what they draw while they are not grown up."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.networks.style_layers import repeat
from priorfit.types import Image


def widths(resolution: int, base: int = 16384, most: int = 512) -> tuple[int, ...]:
    """Channels at 4, 8, … pixels up to a resolution: base / pixels, but not more than `most`.

    The defaults are those of [karras2018]_ and [karras2019]_.

    Raises:
        ProblemError: the resolution is no power of two, or below 8.
    """
    if resolution < 8 or resolution & (resolution - 1):
        raise ProblemError(f"expected a power of two from 8 as resolution, got {resolution}")
    scales = resolution.bit_length() - 2
    return tuple(min(base >> (scale + 2), most) for scale in range(scales))


def draw_layers(
    x: Tensor,
    layer: int,
    *,
    run: Callable[[int, Tensor], Tensor],
    color: Callable[[int, Tensor], Image],
    scales: int,
    lod: float,
) -> Image:
    """Run the layers from `layer` on, two a scale, and colour what they end in.

    With a `lod` the finest scales are left out, and their pixels repeated instead; between two
    whole values the images of both are mixed [karras2018]_.

    Args:
        x: features, (B, C, h, w).
        layer: how many layers have been run.
        run: one layer.
        color: image of the features of one scale.
        scales: how many there are.
        lod: how many of them are left out.

    Raises:
        ProblemError: all are left out, or some that have been run already.
    """
    if not 0 <= lod < scales:
        raise ProblemError(f"expected a lod from 0 to below {scales}, got {lod}")
    left_out, share = math.floor(lod), lod % 1
    last = scales - 1 - left_out
    coarser: Image | None = None
    for index in range(layer, 2 * last + 2):
        if share and last and index == 2 * last:
            coarser = color(last - 1, x)
        x = run(index, x)
    if layer > 2 * last + 2 or (share and last and coarser is None):
        raise ProblemError(f"features after layer {layer} are too fine to draw with a lod of {lod}")
    image = color(last, x)
    if coarser is not None:
        image = torch.lerp(image, repeat(coarser, 2), share)
    return repeat(image, 1 << left_out)


def smooth(image: Image, factor: int) -> Image:
    """Each square of so many pixels a side as its mean, of the same size."""
    return image if factor == 1 else repeat(F.avg_pool2d(image, factor), factor)
