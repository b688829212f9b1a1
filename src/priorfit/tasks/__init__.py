"""Tasks: an image and what is known about its damage, to a problem; and to a restored array."""

from priorfit.tasks.arrays import deblur, dejpeg, denoise, enhance, fuse, inpaint, upscale
from priorfit.tasks.choice import AUTO, Choice, for_hole
from priorfit.tasks.device import device_named
from priorfit.tasks.problems import (
    KERNELS,
    Posed,
    deblurring,
    dejpegging,
    denoising,
    enhancing,
    fusing,
    inpainting,
    kernel_of,
    upscaling,
)

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
    "fuse",
    "fusing",
    "inpaint",
    "inpainting",
    "kernel_of",
    "KERNELS",
    "Posed",
    "upscale",
    "upscaling",
]
