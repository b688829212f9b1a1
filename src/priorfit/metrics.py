"""How close a restored image is to the true one: one number an image, (B,)."""

import torch

from priorfit.color import luma
from priorfit.errors import ProblemError
from priorfit.networks.lpips import Lpips
from priorfit.types import Image, PerImage


def psnr(image: Image, reference: Image) -> PerImage:
    """Peak signal-to-noise ratio in dB over all channels, (B, C, H, W) in [0, 1]; inf if equal."""
    _same_size(image, reference)
    error = (image.double() - reference.double()).square().flatten(1).mean(1)
    return -10 * torch.log10(error)


def psnr_y(image: Image, reference: Image, border: int = 4) -> PerImage:
    """PSNR in dB of the luma in [16, 235]/255, inside a border: how upscaling is judged.

    In the released code: super-resolution_eval_script.py, a border of 4 pixels.

    Args:
        image: (B, 1 or 3, H, W) in [0, 1].
        reference: likewise.
        border: pixels left out on each side.
    """
    _same_size(image, reference)
    inner = (..., slice(border, -border or None), slice(border, -border or None))
    return psnr(luma(image)[inner], luma(reference)[inner])


def ssim(image: Image, reference: Image) -> PerImage:
    """Structural similarity, 1 if equal; (B, C, H, W) in [0, 1]."""
    # Here, since it imports matplotlib and half of scipy, two seconds that few commands need.
    from torchmetrics.functional.image import structural_similarity_index_measure

    _same_size(image, reference)
    value = structural_similarity_index_measure(
        image.double(), reference.double(), data_range=1.0, reduction="none"
    )
    assert isinstance(value, torch.Tensor)
    return value.reshape(-1)


def lpips(image: Image, reference: Image, network: Lpips) -> PerImage:
    """How different they look, 0 if equal; (B, 1 or 3, H, W) in [0, 1] [zhang2018]_.

    Args:
        image: on the device of the network.
        reference: likewise.
        network: LPIPS on its classifier.
    """
    _same_size(image, reference)
    dtype = next(network.parameters()).dtype
    with torch.no_grad():
        return network(image.to(dtype), reference.to(dtype))


def _same_size(image: Image, reference: Image) -> None:
    if image.shape != reference.shape:
        raise ProblemError(
            f"a reference has the shape of the image, {tuple(image.shape)}, "
            f"got {tuple(reference.shape)}"
        )
