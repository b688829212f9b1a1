"""Colour conversions on tensors."""

import torch
from torch import Tensor

from priorfit.types import Image

# ITU-R BT.601, studio swing: 8-bit luma reaches from 16 to 235.
_LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)

BT601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, as JFIF, Pillow and [gu2020]_ have them."""


def luma(image: Image) -> Tensor:
    """Luma Y of BT.601 in [16, 235]/255: (B, 3, H, W) or (B, 1, H, W) in [0, 1] -> (B, 1, H, W)."""
    if image.shape[1] == 1:
        return image * sum(_LUMA) + 16 / 255
    return weighted(image, _LUMA) + 16 / 255


def weighted(image: Image, weights: tuple[float, float, float]) -> Tensor:
    """Weighted sum of the colours, (B, 3, H, W) -> (B, 1, H, W)."""
    factors = torch.tensor(weights, dtype=image.dtype, device=image.device)
    return (image * factors[:, None, None]).sum(1, keepdim=True)


def to_ycc(image: Image) -> tuple[Tensor, Tensor, Tensor]:
    """Luma and the differences of blue and red from it, as JFIF defines them.

        Y = 0.299·R + 0.587·G + 0.114·B,   Cb = (B − Y) / 1.772,   Cr = (R − Y) / 1.402

    Args:
        image: (B, 3, H, W) on any scale.

    Returns:
        Each (B, H, W) on that scale, the differences around 0.
    """
    red, green, blue = image.unbind(1)
    y = BT601[0] * red + BT601[1] * green + BT601[2] * blue
    return y, (blue - y) / 1.772, (red - y) / 1.402


def from_ycc(y: Tensor, cb: Tensor, cr: Tensor) -> Image:
    """The inverse of `to_ycc`."""
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    green = (y - BT601[0] * red - BT601[2] * blue) / BT601[1]
    return torch.stack((red, green, blue), 1)


def recoloured(grey: Image, colours: Image) -> Image:
    """The luma of one picture with the colours of another, (B, 3, H, W); it may leave [0, 1].

    As colorization.py of [gu2020]_ ends, but for its 8 bits.

    Args:
        grey: (B, 1, H, W); what is known to be right.
        colours: (B, 3, H, W) on the same scale.
    """
    _, cb, cr = to_ycc(colours)
    return from_ycc(grey[:, 0], cb, cr)
