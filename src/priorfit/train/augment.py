"""Differentiable augmentation: the discriminator sees drawings and photographs changed alike.

So it cannot memorise a few photographs, and as gradients pass through, the generator does not
learn to draw the changes [zhao2020]_.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from priorfit.types import Image

Augmentation = Callable[[Image, Generator], Image]
"""(B, 3, H, W) in [-1, 1] and a source of numbers on its device -> likewise."""

_SHIFT = 1 / 8  # of the side, as the authors have it
_CUTOUT = 1 / 2


def colour(image: Image, noise: Generator) -> Image:
    """Add up to ±½ of brightness, multiply saturation by 0 to 2 and contrast by ½ to 1½."""
    brightness, saturation, contrast = _uniform(image, 3, noise).unbind()
    image = image + (brightness - 0.5)
    grey = image.mean(1, keepdim=True)
    image = torch.lerp(grey, image, 2 * saturation)
    level = image.mean((1, 2, 3), keepdim=True)
    return torch.lerp(level, image, contrast + 0.5)


def translation(image: Image, noise: Generator) -> Image:
    """Shift by up to an eighth of the side, each image alone; mid-grey comes in."""
    batch, channels, height, width = image.shape
    reach = (round(height * _SHIFT), round(width * _SHIFT))
    down, right = (
        torch.randint(0, 2 * r + 1, (batch, 1), generator=noise, device=image.device) for r in reach
    )
    # Rows and columns of a canvas with a margin of zero, where a shifted window begins.
    canvas = F.pad(image, (reach[1], reach[1], reach[0], reach[0]))
    rows = (torch.arange(height, device=image.device) + down)[:, :, None] * canvas.shape[3]
    columns = (torch.arange(width, device=image.device) + right)[:, None, :]
    where = (rows + columns).view(batch, 1, -1).expand(-1, channels, -1)
    return canvas.flatten(2).gather(2, where).view_as(image)


def cutout(image: Image, noise: Generator) -> Image:
    """Hide a rectangle of half the height and width somewhere, in part perhaps outside."""
    batch, _, *size = image.shape
    masks = []
    for side in size:
        long = int(side * _CUTOUT + 0.5)
        first = torch.randint(
            0, side + 1 - long % 2, (batch, 1), generator=noise, device=image.device
        )
        away = torch.arange(side, device=image.device) - (first - long // 2)
        masks.append((away >= 0) & (away < long))
    hidden = masks[0][:, None, :, None] & masks[1][:, None, None, :]
    return image * ~hidden


def chain(*steps: Augmentation) -> Augmentation:
    """One augmentation that does several, in order; none leaves images as they are."""

    def changed(image: Image, noise: Generator) -> Image:
        for step in steps:
            image = step(image, noise)
        return image

    return changed


DIFFERENTIABLE = chain(colour, translation, cutout)
"""Colour, translation and cutout, the strongest policy of [zhao2020]_."""


def _uniform(image: Image, count: int, noise: Generator) -> Tensor:
    shape = (count, len(image), 1, 1, 1)
    return torch.rand(shape, generator=noise, device=image.device, dtype=image.dtype)
