"""Between the values of a picture and those that a fit works with: one result whatever the units.

Recipes are tuned for pictures that span 0 to 1. Few files do: a camera of 12 bits fills a sixteenth
of a 16-bit file, photon counts lie between 0 and 20, one hot pixel stretches a range of floats a
hundredfold. So a picture is fitted at a range of its own, found without its outliers, and what
comes of it is put back on the picture's scale.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from priorfit.types import Image

Limits = tuple[float, float]
"""Lowest and highest value that a file can store, as pixels; infinite where nothing is known."""

UNLIMITED: Limits = (-math.inf, math.inf)

_TAIL = 1e-3
"""Share of the values at either end that do not settle the range: outliers are rarer than that."""

_ROOM = 0.1
"""Room beside the rest, as a share of it: what is sought may be darker or brighter than what was
seen, as a sharpened edge is."""

_BODY, _STRETCH = 0.01, 8.0
"""Beyond the outermost hundredths the range reaches so many times as far from the median as they
do, at most: a few thousandths of hot pixels do not make a picture dark."""

_MOST = 1_000_000  # values that the range is taken from, spread over a large picture


@dataclass(frozen=True)
class Units:
    """How the values of a picture become those of a fit: fit = (picture − low) / (high − low).

    Args:
        low: value of the picture that is 0 in the fit.
        high: value of the picture that is 1 in the fit.
        copies: channels of the picture that are all the same, of which the fit sees one.
    """

    low: float = 0.0
    high: float = 1.0
    copies: int = 1

    @classmethod
    def of(cls, image: Image, known: Tensor | None = None, limits: Limits = UNLIMITED) -> Self:
        """Those of a picture's own range.

        Args:
            image: (1, C, H, W); values that are not numbers count as unknown.
            known: true where a value counts, of the same shape.
            limits: of the file; the range does not go beyond them.
        """
        there = torch.isfinite(image) if known is None else known & torch.isfinite(image)
        copies = _copies(image, there)
        low, high = _range(image[:, ::copies][there[:, ::copies]], limits)
        return cls(low, high, copies)

    @property
    def span(self) -> float:
        """What 1 in the fit is in the picture."""
        return self.high - self.low

    @property
    def is_identity(self) -> bool:
        """Whether the fit sees the picture as it is."""
        return (self.low, self.high, self.copies) == (0.0, 1.0, 1)

    def inward(self, image: Image) -> Image:
        """From a picture, (B, C, H, W), to the fit: outliers are cut off, see `excess`."""
        if self.is_identity:
            return image
        cut = image[:, :: self.copies].clamp(self.low, self.high)
        return (cut - self.low) / self.span

    def outward(self, image: Image) -> Image:
        """From the fit to the picture, (B, C, H, W)."""
        if self.is_identity:
            return image
        return (self.low + image * self.span).expand(-1, image.shape[1] * self.copies, -1, -1)

    def excess(self, image: Image) -> Image:
        """What `inward` has cut off, on the scale of the picture."""
        return image - image.clamp(self.low, self.high)


def _copies(image: Image, known: Tensor) -> int:
    """Channels that are all the same, known in the same places; 1 if they differ."""
    channels = image.shape[1]
    first = image[:, :1]
    alike = (known == known[:, :1]).all() and bool(((image == first) | ~known).all())
    return channels if channels > 1 and alike else 1


def _range(values: Tensor, limits: Limits) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    flat = values[:: -(-len(values) // _MOST)].double()
    at = torch.tensor([_TAIL, _BODY, 0.5, 1 - _BODY, 1 - _TAIL], dtype=torch.float64)
    lowest, dark, middle, bright, highest = torch.quantile(flat, at.to(flat.device)).tolist()
    if bright > dark:  # else nearly all of it is one value, and the rest is the picture
        lowest = max(lowest, middle - _STRETCH * max(middle - dark, (bright - dark) / 2))
        highest = min(highest, middle + _STRETCH * max(bright - middle, (bright - dark) / 2))
    if not highest > lowest:
        lowest, highest = flat.min().item(), flat.max().item()
    if not highest > lowest:  # flat
        return (0.0, 1.0) if 0 <= lowest <= 1 else (lowest - 0.5, lowest + 0.5)
    room = _ROOM * (highest - lowest)
    bounds = _bounds(flat, limits)
    return max(lowest - room, bounds[0]), min(highest + room, bounds[1])


def _bounds(flat: Tensor, limits: Limits) -> Limits:
    """The limits of the file, or values at which a picture has piled up: a saturated sensor's."""
    low, high = flat.min(), flat.max()
    piled = _TAIL * len(flat) + 1
    dark = low.item() if (flat == low).count_nonzero() > piled else limits[0]
    light = high.item() if (flat == high).count_nonzero() > piled else limits[1]
    return max(dark, limits[0]), min(light, limits[1])
