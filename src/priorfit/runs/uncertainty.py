"""How sure a fit is of every pixel: a picture of standard deviations beside the restored one."""

import math
from pathlib import Path

import numpy as np
import torch

from priorfit import images, recipes
from priorfit.errors import ImageFileError, RecipeError
from priorfit.images import Picture, Scale
from priorfit.records.sidecar import Uncertainty
from priorfit.runs.job import Job
from priorfit.types import Image

ENDINGS = (".tif", ".tiff", ".npy", ".png")
"""Of files that hold standard deviations."""

_FLOATS = ENDINGS[:3]


def check_uncertainty(job: Job) -> None:
    """Find out before any work whether the uncertainty that a job asks for can be had.

    Raises:
        ImageFileError: the file cannot hold it.
        RecipeError: the recipe gives none.
    """
    if job.uncertainty is None:
        return
    if job.uncertainty.suffix.lower() not in ENDINGS:
        raise ImageFileError(
            f"{job.uncertainty}: standard deviations go into .png, .tif or .npy files"
        )
    if not _gives_uncertainty(job.recipe):
        able = ", ".join(name for name in recipes.METHODS if _gives_uncertainty(name))
        raise RecipeError(
            f"the recipe '{job.recipe}' draws one picture alone and gives no uncertainty: "
            f"expected one of {able}"
        )


def _gives_uncertainty(recipe: str) -> bool:
    """Whether a recipe makes its picture of several, so that their spread is known."""
    if recipes.find(recipe).needs:  # none does yet, and to make one reads its networks
        return False
    return any(make().spreads for make in recipes.load(recipe).filters)


def encode_deviation(path: Path, image: Image) -> tuple[bytes, Uncertainty]:
    """A file of standard deviations: as they are in TIFF and NumPy files, scaled into 16 bit else.

    White is then the power of two that holds the largest of them, as the sidecar says.

    Args:
        path: its ending is the format.
        image: (1, C, H, W), fractions of full scale.

    Raises:
        ImageFileError: as for `images.encode_for`.
    """
    largest = float(image.max())
    as_numbers = path.suffix.lower() in _FLOATS
    white = 1.0 if as_numbers or largest <= 0 else 2.0 ** math.ceil(math.log2(largest))
    dtype = np.dtype(np.float32 if as_numbers else np.uint16)
    scale = Scale(0.0, 1.0 if as_numbers else 65535.0)
    pixels = image[0].float().cpu().numpy() / white
    like = Picture(pixels, None, scale, dtype, images.format_of(path))
    data, _ = images.encode_for(path, torch.from_numpy(pixels), like)
    return data, Uncertainty(file=path.name, white=white, mean=float(image.mean()), largest=largest)
