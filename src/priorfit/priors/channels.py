"""Which channels of a picture become which of a drawing, and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from priorfit.color import BT601
from priorfit.types import Image

Weights = tuple[tuple[float, ...], ...]
"""A row for each channel that is made, a number for each channel that it is made of."""


@dataclass(frozen=True)
class Channels:
    """Linear maps between the channels of a picture and those of a drawing.

        d = M·x,   x ← x + N·(d − M·x) = N·d + (I − N·M)·x

    A grey picture is drawn in equal colours and comes back as their luma. A grey drawing stands for
    the luma of a colour picture, which keeps its colours. Of two channels a third is the mean.
    Channels beyond those of the drawing are left alone, bit for bit.

    Args:
        picture: C, how many a picture has.
        drawn: c, how many a drawing has.
    """

    picture: int
    drawn: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left of a picture that is drawn anew."""
        return not any(any(row) for row in self._left)

    def inward(self, picture: Image) -> Image:
        """M·x, (B, C, H, W) -> (B, c, H, W)."""
        if self.picture == self.drawn:
            return picture
        return torch.cat([_sum(row, picture) for row in self._inward], 1)

    def outward(self, drawing: Image, picture: Image | None = None) -> Image:
        """N·d + (I − N·M)·x, (B, c, H, W) -> (B, C, H, W).

        Args:
            drawing: d.
            picture: x, where something of it is left.
        """
        if self.picture == self.drawn:
            return drawing
        channels = [_sum(row, drawing) if any(row) else None for row in self._outward]
        if picture is None:
            picture = drawing.new_zeros(len(drawing), self.picture, *drawing.shape[-2:])
        made = []
        for channel, rest in zip(channels, self._left, strict=True):
            if channel is None:
                made.append(_sum(rest, picture))
            else:
                made.append(channel + _sum(rest, picture) if any(rest) else channel)
        return torch.cat(made, 1)

    @property
    def _inward(self) -> Weights:
        """M."""
        if self.picture > 1 and self.drawn == 1:
            return (_luma(self.picture),)
        mean = (1 / self.picture,) * self.picture
        return tuple(
            _unit(row, self.picture) if row < self.picture else mean for row in range(self.drawn)
        )

    @property
    def _outward(self) -> Weights:
        """N."""
        if self.picture == 1 and self.drawn > 1:
            return (_luma(self.drawn),)
        if self.drawn == 1:
            return ((1.0,),) * self.picture
        return tuple(_unit(row, self.drawn) for row in range(self.picture))

    @property
    def _left(self) -> Weights:
        """I − N·M, rounded: what should be 0 is."""
        into, every = self._inward, range(self.picture)
        columns = [tuple(row[j] for row in into) for j in every]
        return tuple(
            tuple(
                round((i == j) - math.fsum(map(float.__mul__, row, columns[j])), 12) for j in every
            )
            for i, row in enumerate(self._outward)
        )


def _luma(channels: int) -> tuple[float, ...]:
    return BT601 if channels == 3 else (1 / channels,) * channels


def _unit(place: int, length: int) -> tuple[float, ...]:
    return tuple(float(i == place) for i in range(length))


def _sum(weights: Sequence[float], picture: Image) -> Image:
    """A weighted sum of channels, (B, 1, H, W); what weighs nothing may be no number."""
    planes = [
        picture[:, i : i + 1] if weight == 1 else weight * picture[:, i : i + 1]
        for i, weight in enumerate(weights)
        if weight
    ]
    total = planes[0]
    for plane in planes[1:]:
        total = total + plane
    return total
