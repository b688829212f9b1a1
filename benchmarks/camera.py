"""Cameras of our own: photons on a Bayer mosaic, colours made of it in two ways, a curve, a JPEG.

What is true of a picture is what the same camera makes of it without noise and without JPEG, as the
mean of very many shots would be.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.degradations.simulate import jpeg
from priorfit.types import Image

_CURVE = 2.2
_PATTERN = ((0, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1))  # channel, row and column: RGGB


@dataclass(frozen=True)
class Camera:
    """What happens to light on its way into a file.

    Args:
        demosaick: makes colours of a mosaic, (B, 1, H, W) and where it saw what, (1, 3, H, W).
        photons: in a white pixel.
        read: standard deviation of the reading, as a fraction of white.
        quality: of the JPEG; None for 8 bits without.
        subsampling: of its colours.
    """

    demosaick: Callable[[Image, Tensor], Image]
    photons: float
    read: float
    quality: int | None = None
    subsampling: tuple[int, int] = (2, 2)

    def __call__(self, scene: Image, generator: torch.Generator) -> tuple[Image, Image]:
        """A picture of a scene (1, 3, H, W) in [0, 1], and what it would be without noise."""
        light = scene.double().clamp(0, 1) ** _CURVE
        seen = pattern(scene.shape[-2], scene.shape[-1])
        mosaic = (light * seen).sum(1, keepdim=True)
        counted = torch.poisson(self.photons * mosaic, generator=generator) / self.photons
        draws = torch.randn(mosaic.shape, generator=generator, dtype=torch.float64)
        noisy, clean = (
            _developed(self.demosaick(raw, seen)) for raw in (counted + self.read * draws, mosaic)
        )
        noisy = (noisy * 255).round() / 255
        if self.quality is not None:
            noisy = jpeg(noisy, self.quality, self.subsampling).observation
        return noisy.float(), clean.float()


def pattern(height: int, width: int) -> Tensor:
    """Where a Bayer mosaic sees which colour, (1, 3, H, W)."""
    seen = torch.zeros(1, 3, height, width, dtype=torch.float64)
    for channel, row, column in _PATTERN:
        seen[:, channel, row::2, column::2] = 1
    return seen


def bilinear(mosaic: Image, seen: Tensor) -> Image:
    """Each colour interpolated by itself."""
    taps = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 2
    return _filtered(mosaic * seen, torch.outer(taps, taps).expand(3, 1, 3, 3)) / _filtered(
        seen, torch.outer(taps, taps).expand(3, 1, 3, 3)
    )


def gradient_corrected(mosaic: Image, seen: Tensor) -> Image:
    """Colours interpolated linearly, bent by what the one that is there does [malvar2004]_."""
    cross = torch.tensor(
        [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
    )
    along = torch.tensor(
        [
            [0, 0, 0.5, 0, 0],
            [0, -1, 0, -1, 0],
            [-1, 4, 5, 4, -1],
            [0, -1, 0, -1, 0],
            [0, 0, 0.5, 0, 0],
        ]
    )
    corners = torch.tensor(
        [
            [0, 0, -1.5, 0, 0],
            [0, 2, 0, 2, 0],
            [-1.5, 0, 6, 0, -1.5],
            [0, 2, 0, 2, 0],
            [0, 0, -1.5, 0, 0],
        ]
    )
    green, rows, columns, across = (
        _filtered(mosaic, kernel.double()[None, None] / 8)
        for kernel in (cross, along, along.T, corners)
    )
    red, blue = seen[:, 0:1], seen[:, 2:3]
    in_red_row = torch.zeros_like(red)  # greens whose neighbours along the row are red
    in_red_row[..., 0::2, 1::2] = 1
    in_blue_row = torch.zeros_like(red)
    in_blue_row[..., 1::2, 0::2] = 1
    return torch.cat(
        [
            red * mosaic + in_red_row * rows + in_blue_row * columns + blue * across,
            seen[:, 1:2] * mosaic + (1 - seen[:, 1:2]) * green,
            blue * mosaic + in_blue_row * rows + in_red_row * columns + red * across,
        ],
        1,
    )


def _filtered(image: Image, kernel: Tensor) -> Image:
    margin = kernel.shape[-1] // 2
    padded = F.pad(image, [margin] * 4, mode="reflect")
    return F.conv2d(padded, kernel, groups=len(kernel))


def _developed(light: Image) -> Image:
    return light.clamp(0, 1) ** (1 / _CURVE)
