"""A simulated camera: what a sensor with a Bayer pattern sees, and two ways to colours."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Samples = NDArray[np.float64]
Seen = NDArray[np.bool_]
"""Which of three colours each pixel of a sensor sees, (H, W, 3)."""

# Filters of Malvar, He and Cutler (2004), times 8: green at red and blue, red in its row at green,
# red at blue.
_GREEN = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
)
_ALONG = np.array(
    [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
)
_ACROSS = np.array(
    [
        [0, 0, -1.5, 0, 0],
        [0, 2, 0, 2, 0],
        [-1.5, 0, 6, 0, -1.5],
        [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ]
)


def bayer(shape: tuple[int, ...]) -> Seen:
    """The pattern of red and green over green and blue."""
    seen = np.zeros(shape, bool)
    for channel, row, column in ((0, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1)):
        seen[row::2, column::2, channel] = True
    return seen


def bilinear(raw: Samples, seen: Seen) -> Samples:
    """Every colour from its nearest neighbours.

    Args:
        raw: what the sensor saw, (H, W).
        seen: its pattern.
    """
    taps = np.outer([1, 2, 1], [1, 2, 1]) / 4
    layers = np.moveaxis(seen, -1, 0)
    whole = [ndimage.convolve(np.where(layer, raw, 0), taps) for layer in layers]
    shares = [ndimage.convolve(layer.astype(float), taps) for layer in layers]
    return np.stack([w / s for w, s in zip(whole, shares, strict=True)], -1)


def corrected(raw: Samples, seen: Seen) -> Samples:
    """The same, corrected by the curvature of the colour that was seen.

    Args:
        raw: what the sensor saw, (H, W).
        seen: its pattern.
    """
    green, along, down, across = (
        ndimage.convolve(raw, taps / 8, mode="mirror")
        for taps in (_GREEN, _ALONG, _ALONG.T, _ACROSS)
    )
    rows_of_red = seen[..., 0].any(1, keepdims=True)
    colours = [
        np.select([layer, seen[..., 1] & own, seen[..., 1]], [raw, along, down], across)
        for layer, own in ((seen[..., 0], rows_of_red), (seen[..., 2], ~rows_of_red))
    ]
    return np.stack([colours[0], np.where(seen[..., 1], raw, green), colours[1]], -1)
