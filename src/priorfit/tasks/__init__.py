"""Tasks: an image and what is known about its damage, to a problem; and to a restored array."""

from priorfit.tasks.arrays import deblur, dejpeg, denoise, enhance, fuse, inpaint, upscale
from priorfit.tasks.choice import AUTO, Choice, for_hole
from priorfit.tasks.device import device_named
from priorfit.tasks.noisy import Noisy, pose_noisy
from priorfit.tasks.problems import (
    KERNELS,
    deblurring,
    dejpegging,
    denoising,
    enhancing,
    for_recipe,
    fusing,
    in_own_units,
    inpainting,
    kernel_of,
    upscaling,
)
from priorfit.tasks.solving import Progress

__all__ = [
    "AUTO",
    "Choice",
    "deblur",
    "deblurring",
    "dejpeg",
    "dejpegging",
    "denoise",
    "denoising",
    "device_named",
    "enhance",
    "enhancing",
    "for_hole",
    "for_recipe",
    "fuse",
    "fusing",
    "in_own_units",
    "inpaint",
    "inpainting",
    "kernel_of",
    "KERNELS",
    "Noisy",
    "pose_noisy",
    "Progress",
    "upscale",
    "upscaling",
]
