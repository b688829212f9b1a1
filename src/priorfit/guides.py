"""Cheap classical estimates: fed to a network as a hint, and the comparators of every result.

Each is a function of a problem, giving (B, C, H, W) in [0, 1]; none of them learns anything.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import restoration

from priorfit.degradations import Blur, Downsample, Mask
from priorfit.problem import Problem
from priorfit.types import Image

Array = NDArray[np.float32]


def noise_level(image: Image) -> float:
    """Estimate the standard deviation of white noise in (B, C, H, W), as a fraction of full scale."""
    picture = image[0].permute(1, 2, 0).double().cpu().numpy()
    return float(restoration.estimate_sigma(picture, average_sigmas=True, channel_axis=-1))


def non_local_means(problem: Problem, strength: float = 0.8) -> Image:
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


def total_variation(problem: Problem) -> Image:
    """Chambolle's total-variation denoising with the weight that suits the noise level."""
    std = problem.noise_std or noise_level(problem.observation)

    def denoise(picture: Array) -> Array:
        return restoration.denoise_tv_chambolle(picture, weight=max(std, 1e-4), channel_axis=-1)

    return _each(problem.observation, denoise)


def _each(batch: Image, function: Callable[[Array], Array]) -> Image:
    """Apply a function of (H, W, C) float32 arrays to every image of a batch."""
    pictures = batch.permute(0, 2, 3, 1).float().cpu().numpy()
    results = np.stack([np.asarray(function(picture)) for picture in pictures])
    return torch.from_numpy(results).permute(0, 3, 1, 2).to(batch).clamp(0, 1)
