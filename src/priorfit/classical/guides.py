"""Cheap classical estimates: fed to a network as a hint, and the comparators of every result.

Each is a function of a problem, giving (B, C, H, W) in [0, 1]; none of them learns anything.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image as PillowImage
from skimage import filters, restoration

from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.clipping import Clipping
from priorfit.classical.noise_level import noise_level
from priorfit.errors import ProblemError
from priorfit.problem import Problem
from priorfit.types import Image

Array = NDArray[np.floating]

_SEARCH = BlockMatching()


def observation(problem: Problem) -> Image:
    """The observation itself: no estimate at all, where an input asks for one."""
    return problem.observation


def non_local_means(problem: Problem, strength: float = 0.6) -> Image:
    """Average what looks alike: 5×5 patches within 13×13 pixels, h = strength·σ."""
    std = problem.noise_std or noise_level(problem.observation)

    def denoise(picture: Array) -> Array:
        return restoration.denoise_nl_means(
            picture,
            patch_size=5,
            patch_distance=6,
            h=max(strength * std, 1e-4),
            sigma=std,
            fast_mode=True,
            channel_axis=-1,
        )

    return _each(problem.observation, denoise)


def block_matching(problem: Problem, search: BlockMatching = _SEARCH) -> Image:
    """Filter stacks of blocks that look alike together [dabov2007]_: slower, and far better."""
    std = problem.noise_std or noise_level(problem.observation)
    return search(problem.observation, max(std, 1e-4)).clamp(0, 1)


def correct_clipping(estimate: Callable[[Problem], Image], problem: Problem) -> Image:
    """Another estimate, put right where noise that was cut off has made black and white grey."""
    std = problem.noise_std or noise_level(problem.observation)
    return Clipping.of(problem.observation, std).undone(estimate(problem))


def total_variation(problem: Problem) -> Image:
    """Chambolle's total-variation denoising with the weight that suits the noise level."""
    std = problem.noise_std or noise_level(problem.observation)

    def denoise(picture: Array) -> Array:
        return restoration.denoise_tv_chambolle(picture, weight=max(std, 1e-4), channel_axis=-1)

    return _each(problem.observation, denoise)


def biharmonic(problem: Problem) -> Image:
    """Fill what a mask hides with the smoothest surface through the known pixels.

    A channel of which nothing is known becomes grey.
    """
    _require_hole(problem)
    known = problem.known.cpu().numpy()
    pictures = problem.observation.double().cpu().numpy()
    shared = bool((known == known[:, :1]).all())  # one hole for all channels is solved in one go
    fill = _fill_together if shared else _fill_by_channel
    filled = np.stack([fill(x, ~m) for x, m in zip(pictures, known, strict=True)])
    image = torch.from_numpy(filled).to(problem.observation).clamp(0, 1)
    return problem.operator.lift(image)


def pyramid(problem: Problem) -> Image:
    """Fill what a mask hides from ever coarser means of what is known: quick, and rough."""
    _require_hole(problem)
    y, known = problem.observation, problem.known.to(problem.observation)
    return problem.operator.lift(_pulled_up(y * known, known).clamp(0, 1))


def _require_hole(problem: Problem) -> None:
    if not problem.operator.masked:
        raise ProblemError("a fill needs a picture with missing pixels, got another degradation")


def _pulled_up(weighted: Image, weight: Image) -> Image:
    """Means of what is known, and where nothing is those of half the resolution."""
    mean = weighted / weight.clamp_min(torch.finfo(weight.dtype).tiny)
    if min(weight.shape[-2:]) < 2 or (weight > 0).all():
        return mean
    coarse = _pulled_up(
        *(F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (weighted, weight))
    )
    size = list(weight.shape[-2:])
    return mean.where(weight > 0, F.interpolate(coarse, size, mode="bilinear"))


def _fill_together(picture: Array, hole: NDArray[np.bool_]) -> Array:
    if hole.all():
        return np.full_like(picture, 0.5)
    channels_last = picture.transpose(1, 2, 0)
    # scikit-image wants a mask whose rows lie in one piece.
    mask = np.ascontiguousarray(hole[0])
    filled = restoration.inpaint_biharmonic(channels_last, mask, channel_axis=-1)
    return filled.transpose(2, 0, 1)


def _fill_by_channel(picture: Array, hole: NDArray[np.bool_]) -> Array:
    pairs = zip(picture, hole, strict=True)
    return np.concatenate([_fill_together(plane[None], missing[None]) for plane, missing in pairs])


def enlarge(
    problem: Problem, resample: PillowImage.Resampling = PillowImage.Resampling.LANCZOS
) -> Image:
    """Enlarge with one of Pillow's filters to the size of the image sought.

    The baselines of [ulyanov2018]_ are BICUBIC and NEAREST.
    """
    _, height, width = problem.shape
    planes = problem.observation.float().flatten(0, 1).cpu().numpy()
    large = [PillowImage.fromarray(plane).resize((width, height), resample) for plane in planes]
    stacked = torch.from_numpy(np.stack([np.asarray(plane) for plane in large]))
    return stacked.unflatten(0, problem.observation.shape[:2]).to(problem.observation).clamp(0, 1)


def unsharp(image: Image, amount: float = 1.0, std: float = 2.0) -> Image:
    """Boost what a Gaussian blur of so many pixels leaves out of a picture: unsharp masking."""

    def sharpen(picture: Array) -> Array:
        # Not scikit-image's own unsharp_mask, which in 0.26 leaves pictures of colour unwritten.
        return picture + amount * (picture - filters.gaussian(picture, std, channel_axis=-1))

    return _each(image, sharpen)


def wiener(problem: Problem, balance: float = 0.01) -> Image:
    """Wiener's deconvolution on the larger canvas, its margin made of repeated edge pixels."""
    spread = problem.operator.point_spread()
    if spread is None:
        raise ProblemError("a deconvolution needs a blur, got another degradation")
    psf = spread.cpu().numpy()
    canvas = problem.operator.lift(problem.observation.double())
    planes = canvas.flatten(0, 1).cpu().numpy()
    sharp = np.stack([restoration.wiener(plane, psf, balance, clip=False) for plane in planes])
    return (
        torch.from_numpy(sharp).unflatten(0, canvas.shape[:2]).to(problem.observation).clamp(0, 1)
    )


def _each(batch: Image, function: Callable[[Array], Array]) -> Image:
    """Apply a function of (H, W, C) float32 arrays to every image of a batch."""
    pictures = batch.permute(0, 2, 3, 1).float().cpu().numpy()
    # scikit-image drops an axis of one channel.
    results = np.stack([np.reshape(function(picture), picture.shape) for picture in pictures])
    return torch.from_numpy(results).permute(0, 3, 1, 2).to(batch).clamp(0, 1)
