"""The less usual samples of a TIFF made plain: packed, palette, inverted, premultiplied."""

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.picture import Notes
from priorfit.images.scale import widened

WHITE_IS_ZERO = "stored with white as zero, turned into black as zero"
TRUE_IS_WHITE = "booleans of an array, true taken for white"
"""Notes on which way round black and white are: what a mask should not be silent about."""


def whole(samples: np.ndarray, bits: int) -> tuple[np.ndarray, Notes]:
    """Spread samples of fewer bits over the 8 or 16 bits that hold them, and note it."""
    if samples.dtype.kind == "b":
        samples = samples.astype(np.uint8)
    if bits >= 16 or samples.dtype.kind != "u" or bits == 8 * samples.itemsize:
        return samples, ()
    note = f"{bits}-bit samples widened to {8 * samples.itemsize} bits"
    return widened(samples, bits), (note,)


def looked_up(index: np.ndarray, palette: np.ndarray | None) -> np.ndarray:
    """Colours of a palette: 16 bits, or the 8 that they were made of.

    Args:
        index: (H, W) places in the palette.
        palette: (3, N) colours of 16 bits.

    Raises:
        ImageFileError: no palette, or an index beyond it.
    """
    if palette is None or index.max() >= palette.shape[1]:
        raise ImageFileError("is damaged: its palette is missing or too short")
    colours = palette.T.astype(np.uint16)
    # Programs multiply bytes by 257 or 256, or forget to.
    if not (colours % 257).any() or not (colours % 256).any():
        colours = (colours >> 8).astype(np.uint8)
    if colours.max() < 256:
        colours = colours.astype(np.uint8)
    return colours[index.astype(np.intp)]


def inverted(colour: np.ndarray) -> np.ndarray:
    """Integers that count from white to black, counted from black to white.

    Raises:
        ImageFileError: floats, which have no white of their own.
    """
    if colour.dtype.kind == "f":
        raise ImageFileError("holds floats of which 0 is white, expected 0 to be black")
    return ~colour


def straight(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Divide colours by the alpha they were multiplied with; where it is 0 they stay."""
    full = 1.0 if colour.dtype.kind == "f" else float(np.iinfo(colour.dtype).max)
    divided = colour * (full / np.where(alpha > 0, alpha, full).astype(np.float64)[..., None])
    if colour.dtype.kind == "f":
        return divided.astype(colour.dtype)
    return np.clip(np.rint(divided), 0, full).astype(colour.dtype)
