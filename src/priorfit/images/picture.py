"""A picture between file and tensor: pixels in [0, 1], and all that has to survive the way back."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from priorfit.errors import ImageFileError, ProblemError
from priorfit.images.extras import Chunk, Extras
from priorfit.images.jpeg_tables import JpegTables
from priorfit.images.scale import Scale

Notes = tuple[str, ...]
"""What was changed on the way, a phrase each."""

SMALLEST_SIDE = 16
"""Pixels; below this no network of the package has anything to work on."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """What a decoder gives and an encoder takes: samples as stored, and what travels with them.

    Args:
        samples: (H, W, C) colour samples in the stored dtype.
        alpha: (H, W), or None.
        icc: Colour profile.
        exif: EXIF as a TIFF structure, without the `Exif` signature that JPEG puts before it.
        orientation: EXIF orientation, 1 to 8; None: what `exif` says.
        jpeg: Tables of a JPEG file.
        chunks: Of a PNG file.
        channel_axis: Of a .npy file, None for (H, W).
        notes: What the decoder changed.
        extras: Further metadata.
    """

    samples: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    orientation: int | None = None
    jpeg: JpegTables | None = None
    chunks: tuple[Chunk, ...] = ()
    channel_axis: int | None = None
    notes: Notes = ()
    extras: Extras = field(default_factory=Extras)


@dataclass(frozen=True, eq=False)
class Picture:
    """An image in memory, with everything that its file wants back.

    Args:
        pixels: (C, H, W) float32 in [0, 1], colour only; NaN where the file has NaN. Outliers of
            samples without a range of their own may lie outside.
        alpha: (H, W) in the stored dtype, carried untouched, or None.
        scale: How `pixels` came from the stored samples.
        dtype: Of the stored samples.
        format: A name in `FORMATS`.
        icc: Colour profile.
        exif: EXIF with its orientation applied and reset to 1.
        jpeg: Tables of a JPEG file; its 8×8 blocks lie as stored, not as turned upright.
        notes: What was changed on reading.
        chunks: PNG chunks that go back into a PNG.
        channel_axis: Of the array it came from; None for (H, W) and for image files.
        stored: (C, H, W) samples as they were, where float32 pixels cannot give them back exactly:
            a pixel that nobody changed is written from here.
        extras: Further metadata.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    scale: Scale
    dtype: np.dtype
    format: str
    icc: bytes | None = None
    exif: bytes | None = None
    jpeg: JpegTables | None = None
    notes: Notes = ()
    chunks: tuple[Chunk, ...] = field(default=(), repr=False)
    channel_axis: int | None = None
    stored: np.ndarray | None = field(default=None, repr=False)
    extras: Extras = field(default_factory=Extras, repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pixels."""
        channels, height, width = self.pixels.shape
        return channels, height, width

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the pixels."""
        return self.shape[1:]

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest pixel that the file can store; infinite where its type sets none."""
        short = self.dtype.kind == "u" and self.dtype.itemsize <= 2
        return (0.0, 1.0) if short or self.scale.is_identity else (-math.inf, math.inf)

    @property
    def is_everyday(self) -> bool:
        """Whether its samples are of 8 bits, or floats from 0 to 1: what published numbers fit."""
        return self.scale.is_identity or (self.dtype.kind == "u" and self.dtype.itemsize == 1)

    def tensor(self) -> Tensor:
        """Copy the pixels to a (1, C, H, W) float32 tensor."""
        return torch.tensor(self.pixels)[None]

    def samples(self, pixels: np.ndarray) -> np.ndarray:
        """Turn (C, H, W) pixels into samples as this picture stores them.

        A pixel that is still the one read gives back the very sample it came from.

        Raises:
            ImageFileError: a pixel is NaN and the samples are integers.
        """
        samples = self.scale.samples(pixels, self.dtype)
        if self.stored is None or pixels.shape != self.pixels.shape:
            return samples
        np.copyto(samples, self.stored, where=pixels == self.pixels)
        return samples


def array_of(image: Tensor) -> np.ndarray:
    """Copy a (1, C, H, W) or (C, H, W) tensor to (C, H, W) float32.

    Raises:
        ProblemError: another shape, or infinite pixels.
    """
    if image.ndim not in (3, 4) or image.shape[:-3].numel() != 1:
        raise ProblemError(f"expected one image of (1, C, H, W), got {tuple(image.shape)}")
    pixels = image.detach().to("cpu", torch.float32).numpy().reshape(image.shape[-3:])
    if np.isinf(pixels).any():
        raise ProblemError("expected finite pixels to store, got infinite ones")
    return pixels


class TooManyPixelsError(ImageFileError):
    """A picture is larger than it may be, as its header says.

    Args:
        width: that it claims, in pixels.
        height: likewise.
        most: pixels that are allowed.
        path: of the file, if it is known.
    """

    def __init__(self, width: int, height: int, most: int, path: str = "") -> None:
        self.width, self.height, self.most = width, height, most
        about = f"claims {width}×{height} pixels, more than the {most:,} that are allowed"
        super().__init__(f"{path}: {about}" if path else about)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse an image that is too small to restore or too large to hold.

    Raises:
        ImageFileError: a side below 16 pixels.
        TooManyPixelsError: more than `max_pixels` pixels.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise ImageFileError(
            f"is {width}×{height} pixels, expected at least {SMALLEST_SIDE}×{SMALLEST_SIDE}"
        )
    if width * height > max_pixels:
        raise TooManyPixelsError(width, height, max_pixels)
