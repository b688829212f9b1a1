"""The clean picture that a result is measured against."""

import math
from pathlib import Path

import torch

from priorfit import images
from priorfit.errors import ProblemError
from priorfit.images import Picture
from priorfit.metrics import lpips, psnr, psnr_y, ssim
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.lpips import Lpips
from priorfit.store import folders
from priorfit.types import Image, Shape
from priorfit.units import Units
from priorfit.wording import counted

_SMALLEST = 32
"""Pixels of a side that the deepest layers of LPIPS still see something of."""


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
    expected = f"expected a reference of {_described(shape)}"
    try:  # a larger one takes no memory
        picture = images.read(path, max_pixels=shape[1] * shape[2])
    except images.TooManyPixelsError as error:
        got = f"{error.width}×{error.height} pixels"
        raise ProblemError(f"{expected}, got {path} of {got}") from error
    reference = picture.tensor()
    # The first SSIM loads what it needs, for seconds: now, not when a time limit is nearly over.
    ssim(reference[..., :16, :16], reference[..., :16, :16])
    if picture.shape != shape:
        raise ProblemError(f"{expected}, got {path} of {_described(picture.shape)}")
    if not torch.isfinite(reference).all():
        raise ProblemError(f"expected a reference without NaN, got {path}")
    if picture.dtype != like.dtype or picture.scale == like.scale:
        return reference
    # Float pictures are scaled by their own range: go back to what is stored, and on from there.
    low, high = like.scale.low, like.scale.high
    stored = picture.scale.low + reference * (picture.scale.high - picture.scale.low)
    return (stored - low) / ((high - low) or 1.0)


def _described(shape: Shape) -> str:
    return f"{shape[2]}×{shape[1]} pixels of {counted(shape[0], 'channel')}"


def peak_units(reference: Image, like: Picture) -> Units:
    """Units in which metrics have their peak at 1.

    The full scale of pictures of 8 bits, and of others that use at least half of theirs; of the
    rest what the reference spans, since 12 bits in a 16-bit file would gain 24 dB otherwise.

    Args:
        reference: (1, C, H, W).
        like: the picture that is restored, on whose scale the reference is.
    """
    low, high = float(reference.min()), float(reference.max())
    if like.is_everyday or not high > low or (math.isfinite(like.limits[1]) and high - low >= 0.5):
        return Units()
    return Units(low, high)


def scores(
    image: Image,
    reference: Image,
    *,
    on_luma: bool,
    network: Lpips | None = None,
    peak: Units | None = None,
) -> dict[str, float]:
    """PSNR and SSIM, and on request the PSNR of the luma inside a border of four pixels.

    Args:
        image: (1, C, H, W).
        reference: likewise.
        on_luma: measure the luma too.
        network: for LPIPS, which is left out without one, for other than 1 or 3 channels, and for
            pictures too small for its layers.
        peak: what they are measured in; the scale of the picture by default.
    """
    image, reference = image.cpu(), reference.cpu()
    if peak is not None and not peak.is_identity:
        image, reference = ((x - peak.low) / peak.span for x in (image, reference))
    values = {"psnr": psnr(image, reference).item(), "ssim": ssim(image, reference).item()}
    colours = image.shape[1] in (1, 3)
    if on_luma and colours:
        values["psnr_y"] = psnr_y(image, reference).item()
    if network is not None and colours and min(image.shape[-2:]) >= _SMALLEST:
        values["lpips"] = lpips(image, reference, network).item()
    return values


def lpips_network() -> Lpips | None:
    """LPIPS on a classifier, if both are among the checkpoints that are here.

    Raises:
        CheckpointError: one is damaged.
    """
    for name, folder in sorted(folders.names().items()):
        if not name.startswith("lpips"):
            continue
        heads = Lpips.from_pretrained(folder)
        trunk = heads.config.trunk
        if heads.features is not None:
            return heads
        if trunk in folders.names():
            return heads.on(FeatureNetwork.from_pretrained(trunk))
    return None
