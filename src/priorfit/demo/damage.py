"""What is damaged, and how: crops of photographs that scikit-image carries with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw
from skimage import data
from torch import Tensor

from priorfit import images
from priorfit.degradations import Border, Downsample, Identity, Lanczos, Mask, mask
from priorfit.degradations.simulate import GaussianNoise, simulate
from priorfit.guarantee.comparators import (
    BICUBIC,
    BIHARMONIC,
    BLOCK_MATCHING,
    NON_LOCAL_MEANS,
    Comparator,
)
from priorfit.problem import Problem
from priorfit.tasks import Denoise, Inpaint, Task, Upscale
from priorfit.tasks.base import AUTO
from priorfit.types import Image

SIDE = 160
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
        task: the file with what is to be filled, which may be missing, to what is to be done.
        command: of the command line that does the same, and its options.
        recipe: as the command takes it.
        comparators: cheap classical methods.
        seconds: that the restoration is worth, on one quiet core.
    """

    name: str
    title: str
    about: str
    photograph: Callable[[], NDArray[np.uint8]]
    corner: tuple[int, int]
    damage: Callable[[Image], Problem]
    task: Callable[[Path], Task]
    command: tuple[str, ...]
    recipe: str
    comparators: tuple[Comparator, ...]
    seconds: float

    def truth(self) -> Image:
        """The crop, (1, C, 160, 160) in [0, 1]."""
        top, left = self.corner
        crop = self.photograph()[top : top + SIDE, left : left + SIDE]
        return images.from_array(crop, None if crop.ndim == 2 else -1).tensor()


def hole_of(problem: Problem) -> Tensor | None:
    """(1, H, W), 1 where pixels are to be filled; None where the damage is of another kind."""
    return 1 - problem.known[0].float() if problem.operator.masked else None


def overwrite(image: Image) -> Problem:
    """Write over a picture, in letters of 18 pixels."""
    words = "every word that stands here hides a part of the photograph below it"
    return _mask(image, mask.text(_size(image), words, font_size=18))


def scratch(image: Image) -> Problem:
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
    return _mask(image, mask.from_hole(hole, fill=1.0))


def add_noise(image: Image) -> Problem:
    """Add white noise with a standard deviation of 25/255."""
    draws = torch.Generator().manual_seed(0)
    observation = simulate(image, Identity(), GaussianNoise(_NOISE_STD), generator=draws)
    return Problem(_quantise(observation), Identity(), noise_std=_NOISE_STD)


def reduce(image: Image) -> Problem:
    """Leave a quarter of the pixels of each row and column, as Pillow's LANCZOS does."""
    smaller = Downsample(4, Lanczos(3), border=Border.RENORMALISE)
    return Problem(_quantise(simulate(image, smaller)), smaller)


def _mask(image: Image, hidden: Mask) -> Problem:
    return Problem(_quantise(simulate(image, hidden)), hidden)


def _quantise(observation: Image) -> Image:
    """What is left of it in a file of 8 bits."""
    return (observation * 255).round() / 255


def _size(image: Image) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]


def _filling(hole: Path) -> Task:
    return Inpaint(hole_mask=hole)


def _as_it_is(task: Task, hole: Path) -> Task:
    return task


EXHIBITS = (
    Exhibit(
        "text",
        "Text written over it",
        "One pixel in seven lies under a letter; a mask says which.",
        data.astronaut,
        (10, 130),
        overwrite,
        _filling,
        ("inpaint", "--hole-mask", "text-hole.png"),
        AUTO,
        (BIHARMONIC,),
        seconds=24,
    ),
    Exhibit(
        "scratch",
        "Scratches",
        "Lines of two to five pixels go through the picture; a mask says where.",
        data.coffee,
        (60, 180),
        scratch,
        _filling,
        ("inpaint", "--hole-mask", "scratch-hole.png"),
        AUTO,
        (BIHARMONIC,),
        seconds=24,
    ),
    Exhibit(
        "noise",
        "Noise",
        "White noise with a standard deviation of 25/255 in every channel.",
        data.chelsea,
        (40, 120),
        add_noise,
        partial(_as_it_is, Denoise(noise_std=_NOISE_STD)),
        ("denoise", "--noise-std", "25/255"),
        "dip/denoise",
        (NON_LOCAL_MEANS, BLOCK_MATCHING),
        seconds=34,
    ),
    Exhibit(
        "small",
        "A fourfold loss of resolution",
        "Of sixteen pixels one is left.",
        data.camera,
        (60, 160),
        reduce,
        partial(_as_it_is, Upscale(factor=4)),
        ("upscale", "--factor", "4"),
        "dip/upscale",
        (BICUBIC,),
        seconds=27,
    ),
)
"""In the order of the page."""
