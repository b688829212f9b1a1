"""Arrays to pictures and back, in the manners of scikit-image."""

import numpy as np
from torch import Tensor

from priorfit.errors import ImageFileError, ProblemError
from priorfit.images.picture import SMALLEST_SIDE, Picture, Sheet, array_of
from priorfit.images.read import picture_of
from priorfit.images.write import resized

_RGBA = 4  # channels


def from_array(array: np.ndarray, channel_axis: int | None = None) -> Picture:
    """Take an array as an image.

    Args:
        array: (H, W), or with one more axis for the colours. Samples of uint8 and uint16 go over
            their full range, floats within [0, 1] as they are, all others over the range of their
            values. NaN stays. Of four channels the last is alpha, as in RGBA.
        channel_axis: Axis of the colours; None for (H, W).

    Raises:
        ProblemError: another number of axes, booleans, infinite values, or a side below 16 pixels.
    """
    _check_axes(array, channel_axis)
    samples = array[..., None] if channel_axis is None else np.moveaxis(array, channel_axis, -1)
    if min(samples.shape[:2]) < SMALLEST_SIDE:
        raise ProblemError(f"expected at least {SMALLEST_SIDE} pixels a side, got {array.shape}")
    try:
        alpha = samples[..., 3] if samples.shape[-1] == _RGBA else None
        colours = samples if alpha is None else samples[..., :3]
        return picture_of(Sheet(colours, alpha, channel_axis=channel_axis), "npy")
    except ImageFileError as error:
        raise ProblemError(f"the array {error}") from error


def _check_axes(array: np.ndarray, channel_axis: int | None) -> None:
    """Refuse arrays of other axes, with the argument that says which there are.

    Raises:
        ProblemError: they have not the axes of one picture.
    """
    if array.ndim == 0:
        raise ProblemError(
            "expected an array (H, W), or with channels, got none: the name of a file is for "
            "priorfit.Job, or for priorfit.images.read"
        )
    axes = 2 if channel_axis is None else 3
    if array.ndim != axes:
        hints = {
            2: "leave channel_axis out for (H, W)",
            3: "give channel_axis=-1 if the last axis is that of the channels",
        }
        hint = hints.get(array.ndim, "one picture at a time")
        raise ProblemError(
            f"expected an array of {axes} axes for channel_axis={channel_axis}, got "
            f"{array.shape}: {hint}"
        )
    if channel_axis is not None and not -3 <= channel_axis < 3:
        raise ProblemError(f"expected a channel_axis from -3 to 2, got {channel_axis}")


def to_array(image: Tensor, like: Picture) -> np.ndarray:
    """Give an image the dtype, range and order of axes of the array it came from.

    Args:
        image: (1, C, H, W) or (C, H, W) in [0, 1].
        like: What `from_array` made of the array, or a picture that was read.

    Returns:
        (H, W) for a single channel unless `like` has an axis for it; otherwise colours on that
        axis, or on the last one, the alpha of an array after them.

    Raises:
        ProblemError: not one image, infinite pixels, or NaN pixels for integers.
    """
    try:
        samples = like.samples(array_of(image))
    except ImageFileError as error:
        raise ProblemError(str(error)) from error
    if like.alpha is not None and like.channel_axis is not None:
        alpha = resized(like.alpha, samples.shape[1:])
        samples = np.concatenate([samples, alpha[None]])
    if len(samples) == 1 and like.channel_axis is None:
        return samples[0]
    return np.moveaxis(samples, 0, -1 if like.channel_axis is None else like.channel_axis)
