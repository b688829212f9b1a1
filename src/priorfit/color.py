"""Colour conversions on tensors."""

import torch
from torch import Tensor

from priorfit.types import Image

# ITU-R BT.601, studio swing: 8-bit luma reaches from 16 to 235.
_LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def luma(image: Image) -> Tensor:
    """Luma Y of BT.601 in [16, 235]/255: (B, 3, H, W) or (B, 1, H, W) in [0, 1] -> (B, 1, H, W)."""
    if image.shape[1] == 1:
        return image * sum(_LUMA) + 16 / 255
    weights = torch.tensor(_LUMA, dtype=image.dtype, device=image.device)
    return (image * weights[:, None, None]).sum(1, keepdim=True) + 16 / 255
