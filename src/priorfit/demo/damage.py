"""What is damaged, and how: crops of photographs that scikit-image carries with it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw
from skimage import data
from torch import Tensor

from priorfit import images
from priorfit.comparators import BICUBIC, BIHARMONIC, NON_LOCAL_MEANS, Comparator
from priorfit.degradations import Border, Downsample, Identity, Lanczos, Mask, mask
from priorfit.degradations.simulate import GaussianNoise, simulate
from priorfit.problem import Problem
from priorfit.types import Image

SIDE = 256
"""Of a crop, in pixels."""

_NOISE_STD = 25 / 255


@dataclass(frozen=True)
class Exhibit:
    """One photograph and what happens to it.

    Args:
        name: how its files begin.
        title: of its part of the page.
        about: a sentence on the damage.
        photograph: gives (H, W) or (H, W, 3), uint8.
        corner: (top, left) of the crop.
        damage: a clean image to the problem it leaves.
        command: of the command line, and its options.
        comparator: a cheap classical method.
    """

    name: str
    title: str
    about: str
    photograph: Callable[[], NDArray[np.uint8]]
    corner: tuple[int, int]
    damage: Callable[[Image], Problem]
    command: tuple[str, ...]
    comparator: Comparator

    def truth(self) -> Image:
        """The crop, (1, C, 256, 256) in [0, 1]."""
        top, left = self.corner
        crop = self.photograph()[top : top + SIDE, left : left + SIDE]
        return images.from_array(crop, None if crop.ndim == 2 else -1).tensor()


def hole_of(problem: Problem) -> Tensor | None:
    """(1, H, W), 1 where pixels are to be filled; None where the damage is of another kind."""
    degradation = problem.degradation
    return 1 - degradation.known[0] if isinstance(degradation, Mask) else None


def overwritten(image: Image) -> Problem:
    """Write over a picture, in letters of 18 pixels."""
    words = "every word that stands here hides a part of the photograph below it"
    return _masked(image, mask.text(_size(image), words, font_size=18))


def scratched(image: Image) -> Problem:
    """Scratch a picture: three thin lines that bend, one of them wide."""
    height, width = _size(image)
    page = PillowImage.new("L", (width, height), 0)
    pen = ImageDraw.Draw(page)
    for thickness, points in (
        (5, [(0.02, 0.16), (0.30, 0.28), (0.55, 0.33), (0.99, 0.62)]),
        (3, [(0.70, 0.00), (0.62, 0.35), (0.47, 0.70), (0.44, 1.00)]),
        (2, [(0.00, 0.85), (0.40, 0.80), (1.00, 0.90)]),
    ):
        pen.line([(x * width, y * height) for x, y in points], fill=255, width=thickness)
    hole = torch.from_numpy(np.array(page) > 127)
    return _masked(image, mask.from_hole(hole, fill=1.0))


def noisy(image: Image) -> Problem:
    """Add white noise with a standard deviation of 25/255."""
    draws = torch.Generator().manual_seed(0)
    observation = simulate(image, Identity(), GaussianNoise(_NOISE_STD), generator=draws)
    return Problem(_stored(observation), Identity(), noise_std=_NOISE_STD)


def reduced(image: Image) -> Problem:
    """Leave a quarter of the pixels of each row and column, as Pillow's LANCZOS does."""
    smaller = Downsample(4, Lanczos(3), border=Border.RENORMALISE)
    return Problem(_stored(simulate(image, smaller)), smaller)


def _masked(image: Image, hidden: Mask) -> Problem:
    return Problem(_stored(simulate(image, hidden)), hidden)


def _stored(observation: Image) -> Image:
    """What is left of it in a file of 8 bits."""
    return (observation * 255).round() / 255


def _size(image: Image) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]


EXHIBITS = (
    Exhibit(
        "text",
        "Text written over it",
        "One pixel in seven lies under a letter; a mask says which.",
        data.astronaut,
        (0, 90),
        overwritten,
        ("inpaint",),
        BIHARMONIC,
    ),
    Exhibit(
        "scratch",
        "Scratches",
        "Lines of two to five pixels go through the picture; a mask says where.",
        data.coffee,
        (30, 130),
        scratched,
        ("inpaint",),
        BIHARMONIC,
    ),
    Exhibit(
        "noise",
        "Noise",
        "White noise with a standard deviation of 25/255 in every channel.",
        data.chelsea,
        (10, 90),
        noisy,
        ("denoise", "--noise-std", "25/255"),
        NON_LOCAL_MEANS,
    ),
    Exhibit(
        "small",
        "A fourfold loss of resolution",
        "Of sixteen pixels one is left.",
        data.camera,
        (30, 140),
        reduced,
        ("upscale", "--factor", "4"),
        BICUBIC,
    ),
)
"""In the order of the page."""
