"""The clean picture that a result is measured against."""

from pathlib import Path

import torch

from priorfit import images
from priorfit.errors import ProblemError
from priorfit.images import Picture
from priorfit.metrics import psnr, psnr_y, ssim
from priorfit.types import Image, Shape


def read_reference(path: Path, like: Picture, shape: Shape) -> Image:
    """Read a reference, (1, C, H, W) on the scale of the picture that is restored.

    Args:
        path: of the clean picture.
        like: the picture that is restored.
        shape: of the result.

    Raises:
        ImageFileError: it cannot be read.
        ProblemError: it is of another shape than the result, or has NaN.
    """
    picture = images.read(path)
    reference = picture.tensor()
    # The first SSIM loads what it needs, for seconds: now, not when a time limit is nearly over.
    ssim(reference[..., :16, :16], reference[..., :16, :16])
    if picture.shape != shape:
        expected, got = (
            "{2}×{1} pixels of {0} channels".format(*s) for s in (shape, picture.shape)
        )
        raise ProblemError(f"expected a reference of {expected}, got {path} of {got}")
    if not torch.isfinite(reference).all():
        raise ProblemError(f"expected a reference without NaN, got {path}")
    if picture.dtype != like.dtype or picture.scale == like.scale:
        return reference
    # Float pictures are scaled by their own range: go back to what is stored, and on from there.
    low, high = like.scale.low, like.scale.high
    stored = picture.scale.low + reference * (picture.scale.high - picture.scale.low)
    return (stored - low) / ((high - low) or 1.0)


def scores(image: Image, reference: Image, *, on_luma: bool) -> dict[str, float]:
    """PSNR and SSIM, and on request the PSNR of the luma inside a border of four pixels."""
    image, reference = image.cpu(), reference.cpu()
    values = {"psnr": psnr(image, reference).item(), "ssim": ssim(image, reference).item()}
    if on_luma and image.shape[1] in (1, 3):
        values["psnr_y"] = psnr_y(image, reference).item()
    return values
