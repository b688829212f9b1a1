"""How close a restored image is to the true one: one number an image, (B,)."""

from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from priorfit.color import luma
from priorfit.errors import ProblemError
from priorfit.networks.lpips import Lpips
from priorfit.types import Image, PerImage

Array = NDArray[np.generic]


@overload
def psnr(image: Image, reference: Image) -> PerImage:
    """Of tensors."""


@overload
def psnr(image: Array, reference: Array, *, channel_axis: int | None = None) -> float:
    """Of arrays."""


def psnr(
    image: Image | Array, reference: Image | Array, *, channel_axis: int | None = None
) -> PerImage | float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; inf if equal.

    Args:
        image: tensor (B, C, H, W) in [0, 1]; or array of any shape, whose scale is that of its
            dtype, for floats [0, 1], and where there is none the range of the reference.
        reference: likewise, of the same shape.
        channel_axis: of arrays, as every function here takes it; all channels count alike, so
            that it changes nothing.

    Returns:
        (B,) for tensors, a number for arrays.

    Raises:
        ProblemError: a tensor and an array, two of different shapes or scales, or an axis that
            they do not have.
    """
    if not (isinstance(image, Tensor) and isinstance(reference, Tensor)):
        one, other = on_one_scale(image, reference)
        if channel_axis is not None and not -one.ndim <= channel_axis < one.ndim:
            raise ProblemError(f"expected one of {one.ndim} axes, got channel_axis={channel_axis}")
        return psnr(one.reshape(1, 1, 1, -1), other.reshape(1, 1, 1, -1)).item()
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


@overload
def ssim(image: Image, reference: Image) -> PerImage:
    """Of tensors."""


@overload
def ssim(image: Array, reference: Array, *, channel_axis: int | None = None) -> float:
    """Of arrays."""


def ssim(
    image: Image | Array, reference: Image | Array, *, channel_axis: int | None = None
) -> PerImage | float:
    """Structural similarity, 1 if equal.

    Args:
        image: as for `psnr`; arrays are (H, W), or have one more axis for the channels.
        reference: likewise, of the same shape.
        channel_axis: of arrays; None for (H, W).

    Returns:
        (B,) for tensors, a number for arrays.

    Raises:
        ProblemError: as for `psnr`; or an array of other axes.
    """
    if not (isinstance(image, Tensor) and isinstance(reference, Tensor)):
        planes = [_planes(each, channel_axis) for each in on_one_scale(image, reference)]
        return ssim(planes[0], planes[1]).item()
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


def on_one_scale(image: object, reference: object) -> tuple[Tensor, Tensor]:
    """Two arrays as tensors on the scale of [0, 1].

    Raises:
        ProblemError: one is a tensor, they differ in shape, or nothing says how they are scaled.
    """
    if isinstance(image, Tensor) or isinstance(reference, Tensor):
        raise ProblemError("expected two arrays or two tensors, got one of each")
    one, other = np.asarray(image), np.asarray(reference)
    for each in (one, other):
        if each.dtype.kind not in "uif":
            raise ProblemError(f"expected arrays of numbers, got {each.dtype}")
    if one.shape != other.shape or not one.size:
        raise ProblemError(f"expected two arrays of one shape, got {one.shape} and {other.shape}")
    scales = _scale(one), _scale(other)
    if one.dtype == other.dtype or one.dtype.kind == other.dtype.kind == "f":
        scales = (scales[1] or _range(other),) * 2
    pairs = []
    for each, scale in zip((one, other), scales, strict=True):
        if scale is None:
            raise ProblemError(
                f"expected arrays of one dtype, or floats in [0, 1], got {one.dtype} and "
                f"{other.dtype} beyond that"
            )
        low, high = scale
        pairs.append(torch.from_numpy((each.astype(np.float64) - low) / ((high - low) or 1.0)))
    return pairs[0], pairs[1]


def _scale(array: Array) -> tuple[float, float] | None:
    """What stands for 0 and 1, None where only a range could say."""
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return 0.0, float(2 ** (8 * array.dtype.itemsize) - 1)
    low, high = _range(array)
    return (0.0, 1.0) if array.dtype.kind == "f" and low >= 0 and high <= 1 else None


def _range(array: Array) -> tuple[float, float]:
    numbers = array[np.isfinite(array)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)


def _planes(image: Tensor, channel_axis: int | None) -> Image:
    """(1, C, H, W)."""
    if image.ndim != (2 if channel_axis is None else 3):
        raise ProblemError(
            f"expected (H, W), or with channels and channel_axis, -1 if they come last, got "
            f"{tuple(image.shape)} for channel_axis={channel_axis}"
        )
    return image[None, None] if channel_axis is None else image.movedim(channel_axis, 0)[None]
