"""What the gallery restores: photographs that come with scikit-image, damaged by our own code."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from scipy.interpolate import griddata
from skimage import data
from torch import Generator, Tensor

from priorfit import images
from priorfit.classical import guides
from priorfit.degradations import Blur, Identity, Mask
from priorfit.degradations.blur import gaussian_psf
from priorfit.degradations.mask import bernoulli, from_hole
from priorfit.degradations.simulate import GaussianNoise, simulate
from priorfit.demo.damage import hole_of, overwrite
from priorfit.metrics import psnr
from priorfit.problem import Problem
from priorfit.report.embed import levels
from priorfit.types import Image

Files = dict[str, Image | bytes]
"""Pictures, or whole files of JPEG, by name."""

_CORNERS = {
    "astronaut": (0, 90),
    "brick": (100, 100),
    "camera": (30, 140),
    "chelsea": (10, 90),
    "coffee": (30, 130),
}
_WHOLE = 256  # pixels of a crop, which is then reduced


def photograph(name: str, side: int = 96) -> Image:
    """A crop of 256×256 pixels, reduced to so many by Pillow's LANCZOS, (1, C, side, side)."""
    top, left = _CORNERS[name]
    crop = getattr(data, name)()[top : top + _WHOLE, left : left + _WHOLE]
    reduced = PillowImage.fromarray(crop).resize((side, side), PillowImage.Resampling.LANCZOS)
    pixels = np.asarray(reduced)
    return images.from_array(pixels, None if pixels.ndim == 2 else -1).tensor()


def noisy(name: str, side: int = 96) -> Files:
    """White noise of 25/255."""
    truth = photograph(name, side)
    noise = GaussianNoise(25 / 255)
    return {"truth": truth, "damaged": simulate(truth, Identity(), noise, generator=draws())}


def noisy_and_overwritten(name: str, side: int = _WHOLE) -> Files:
    """One photograph twice: with white noise of 25/255, and with text written over it."""
    files = noisy(name, side)
    covered = overwrite(files["truth"])  # type: ignore[arg-type]
    hole = hole_of(covered)
    assert hole is not None
    return {
        "truth": files["truth"],
        "noisy": files["damaged"],
        "overwritten": covered.observation,
        "hole": hole[None],
    }


def missing(name: str, fraction: float, side: int = 96) -> Files:
    """Pixels lost at random."""
    truth = photograph(name, side)
    mask = bernoulli((side, side), fraction, draws())
    return {"truth": truth, "damaged": mask(truth), "hole": 1 - mask.known.float()}


def cut_out(name: str, shape: Callable[[int], Tensor], side: int = 96) -> Files:
    """A part of the picture lost."""
    truth = photograph(name, side)
    hole = shape(side)
    return {"truth": truth, "damaged": from_hole(hole)(truth), "hole": hole[None, None].float()}


def blobs(side: int) -> Tensor:
    """Three discs, (side, side), true in them."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    discs = [(0.3, 0.3, 0.1), (0.65, 0.45, 0.12), (0.4, 0.8, 0.09)]
    inside = [
        (rows - y * side).square() + (columns - x * side).square() < (radius * side) ** 2
        for y, x, radius in discs
    ]
    return torch.stack(inside).any(0)


def square(side: int) -> Tensor:
    """A square of 3/8 of the side in the middle."""
    hole = torch.zeros(side, side, dtype=torch.bool)
    middle = slice(side * 5 // 16, side * 11 // 16)
    hole[middle, middle] = True
    return hole


def compressed(name: str, quality: int, side: int = 96) -> Files:
    """A JPEG file."""
    truth, file = photograph(name, side), io.BytesIO()
    levels(truth[0]).save(file, "JPEG", quality=quality)
    return {"truth": truth, "damaged": file.getvalue()}


def blurred(name: str, std: float, side: int = 96) -> Files:
    """A Gaussian blur, and noise of 1/255."""
    truth = photograph(name, side)
    return {"truth": truth, "damaged": _seen(Blur(gaussian_psf(std)), truth)}


def flashed(name: str, side: int = 96) -> Files:
    """A scene by a dim warm lamp with much noise, and by flash: cold, without noise, dark far off.

    Simulated from one photograph: the light is a colour and a fall-off, which multiply it.
    """
    scene = photograph(name, side)
    down, along = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    lamp = (0.35 + 0.3 * along)[None, None] * torch.tensor([1.15, 0.9, 0.6])[:, None, None]
    flash = (1 - 0.4 * (down.square() + along.square()))[None, None]
    tint = torch.tensor([0.92, 1.0, 1.08])[:, None, None]
    truth = (scene * (lamp + 0.35)).clamp(0, 1)
    noise = GaussianNoise(25 / 255)
    return {
        "truth": truth,
        "damaged": simulate(truth, Identity(), noise, generator=draws()),
        "flash": (scene * flash * tint).clamp(0, 1),
    }


def biharmonic(files: Files) -> Image:
    """The smoothest fill."""
    return guides.biharmonic(_holed(files))


def nearest(files: Files) -> Image:
    """Every pixel as the nearest known one: Voronoi's cells."""
    problem = _holed(files)
    known = problem.operator.known[0, 0].numpy() > 0  # type: ignore[attr-defined]
    values = problem.observation[0].permute(1, 2, 0).numpy()
    everywhere = np.moveaxis(np.indices(known.shape), 0, -1)
    filled = griddata(np.argwhere(known), values[known], everywhere, "nearest")
    return torch.from_numpy(filled).permute(2, 0, 1)[None].float().contiguous()


def smoothed(files: Files) -> Image:
    """Total variation's best of five weights, which it could not know."""
    damaged, truth = _picture(files["damaged"]), _picture(files["truth"])
    tried = [
        guides.total_variation(Problem(damaged, Identity(), noise_std=std / 255))
        for std in (2, 4, 6, 8, 12)
    ]
    return max(tried, key=lambda image: psnr(image, truth).item())


def wiener(files: Files) -> Image:
    """Wiener's deconvolution."""
    blur = Blur(gaussian_psf(1.6))
    problem = Problem(_picture(files["damaged"]), blur)
    return blur.crop(guides.wiener(problem))


def unsharp(files: Files) -> Image:
    """A Gaussian of two pixels as the coarse layer."""
    return guides.unsharp(_picture(files["picture"]))


def write(folder: Path, name: str, content: Image | bytes) -> None:
    """Write a picture as PNG, a file as it is."""
    if isinstance(content, bytes):
        (folder / f"{name}.jpg").write_bytes(content)
    else:
        levels(content[0]).save(folder / f"{name}.png")


def draws() -> Generator:
    """The same numbers for every exhibit."""
    return Generator().manual_seed(0)


def _seen(blur: Blur, truth: Image) -> Image:
    """The middle of a picture blurred on a canvas that goes on beyond it, mirrored."""
    left, right, top, bottom = blur.margins
    return simulate(
        F.pad(truth, (left, right, top, bottom), mode="reflect"),
        blur,
        GaussianNoise(1 / 255),
        generator=draws(),
    )


def _holed(files: Files) -> Problem:
    mask = Mask(_picture(files["hole"]) < 0.5)
    return Problem(mask(_picture(files["damaged"])), mask)


def _picture(content: Image | bytes) -> Image:
    if isinstance(content, bytes):
        pixels = np.asarray(PillowImage.open(io.BytesIO(content)))
        return images.from_array(pixels, None if pixels.ndim == 2 else -1).tensor()
    return content
