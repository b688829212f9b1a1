"""How the images of a suite are damaged, what the command is told of it, and how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage

from priorfit.metrics import psnr, psnr_y, ssim
from priorfit.problem import Problem
from priorfit.tasks import Denoise, Inpaint, Task, Upscale
from priorfit.tasks.denoise import denoising
from priorfit.tasks.inpaint import inpainting
from priorfit.tasks.upscale import upscaling
from priorfit.types import Image

Pixels = NDArray[np.uint8]
"""8-bit, (H, W) or (H, W, 3)."""

_FACTOR = 4
_STD = 25 / 255


@dataclass(frozen=True)
class Damage:
    """One kind of damage.

    Args:
        task: that undoes it.
        arguments: of its command, as a user types them.
        make: true picture and a generator to the damaged one.
        pose: damaged picture and hole to the problem.
        suffix: of the published damaged files; None where they are to be made.
        hides: pixels are missing, which a mask has to say.
    """

    task: Task
    arguments: tuple[str, ...]
    make: Callable[[Pixels, np.random.Generator], Pixels]
    pose: Callable[[Image, Pixels | None], Problem]
    suffix: str | None = None
    hides: bool = False

    def hole(self, damaged: Pixels, truth: Pixels, draws: np.random.Generator) -> Pixels | None:
        """White where pixels are missing, which the published files have at 0 and no mask of.

        Where the truth is black as well nobody can tell, and a coin decides, as it did in the mask.

        Args:
            damaged: as the suite has it, or as `make` made it.
            truth: of the same size.
            draws: the coin; what `make` was given, from its beginning.
        """
        if not self.hides:
            return None
        missing = (damaged == 0) & ((truth != 0) | _missing(truth, draws))
        return np.where(missing, 255, 0).astype(np.uint8)

    def score(self, image: Pixels, truth: Pixels) -> dict[str, float]:
        """PSNR in dB as the suite's protocol has it, and SSIM over all channels."""
        a, b = tensor(image), tensor(truth)
        ratio = psnr_y(a, b) if self.task.on_luma else psnr(a, b)
        return {"psnr": ratio.item(), "ssim": ssim(a, b).item()}


def tensor(pixels: Pixels) -> Image:
    """(1, C, H, W) in [0, 1]."""
    planes = pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / 255
    return torch.from_numpy(planes).permute(2, 0, 1)[None].contiguous()


def levels(image: Image) -> Pixels:
    """One image, (1, C, H, W), rounded to 8 bits."""
    array = image[0].detach().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    rounded = (array * 255).round().astype(np.uint8)
    return rounded[..., 0] if rounded.shape[2] == 1 else rounded


def crop_corner(truth: Pixels, side: int | None) -> Pixels:
    """The top left corner of an image, (H, W) or (H, W, 3), or all of it."""
    return truth if side is None else truth[:side, :side].copy()


def _noisy(truth: Pixels, draws: np.random.Generator) -> Pixels:
    noise = draws.normal(0, 255 * _STD, truth.shape)
    return (truth + noise).round().clip(0, 255).astype(np.uint8)


def _punch(truth: Pixels, draws: np.random.Generator) -> Pixels:
    return np.where(_missing(truth, draws), 0, truth).astype(np.uint8)


def _missing(truth: Pixels, draws: np.random.Generator) -> NDArray[np.bool_]:
    return draws.random(truth.shape[:2]) < 0.5


def _shrink(truth: Pixels, draws: np.random.Generator) -> Pixels:
    height, width = (side // _FACTOR for side in truth.shape[:2])
    small = PillowImage.fromarray(truth).resize((width, height), PillowImage.Resampling.LANCZOS)
    return np.asarray(small)


def _denoising(image: Image, hole: Pixels | None) -> Problem:
    return denoising(image, _STD)


def _inpainting(image: Image, hole: Pixels | None) -> Problem:
    return inpainting(image, None if hole is None else torch.from_numpy(hole) > 0)


def _upscaling(image: Image, hole: Pixels | None) -> Problem:
    return upscaling(image, _FACTOR)


NOISE25 = Damage(Denoise(noise_std=_STD), ("--noise-std", "25/255"), _noisy, _denoising, "noisy")
"""White noise with a standard deviation of 25/255, rounded to 8 bits."""

PIXELS50 = Damage(Inpaint(), (), _punch, _inpainting, "masked", hides=True)
"""Every pixel is missing with a probability of one half."""

SMALL = Damage(Upscale(factor=_FACTOR), ("--factor", "4"), _shrink, _upscaling)
"""A quarter of the rows and columns are left, as Pillow's LANCZOS makes them."""
