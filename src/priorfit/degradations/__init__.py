"""A of y = A(x) + noise: frozen values that can be printed, compared and called."""

from priorfit.degradations.base import Degradation
from priorfit.degradations.blind import BlindDownsample
from priorfit.degradations.blur import Blur, defocus_psf, gaussian_psf, motion_psf
from priorfit.degradations.color import Grayscale
from priorfit.degradations.compose import Compose
from priorfit.degradations.enlarge import Enlarge
from priorfit.degradations.foreign import Foreign, as_degradation
from priorfit.degradations.identity import Identity
from priorfit.degradations.mask import Mask
from priorfit.degradations.resample import (
    GAUSS1SQ2,
    GAUSS12,
    Area,
    Bicubic,
    Border,
    Box,
    Downsample,
    Gauss,
    Lanczos,
    Linear,
)
from priorfit.degradations.window import Window

__all__ = [
    "Area",
    "as_degradation",
    "Bicubic",
    "BlindDownsample",
    "Blur",
    "Border",
    "Box",
    "Compose",
    "defocus_psf",
    "Degradation",
    "Downsample",
    "Enlarge",
    "Foreign",
    "Gauss",
    "GAUSS12",
    "GAUSS1SQ2",
    "gaussian_psf",
    "Grayscale",
    "Identity",
    "Lanczos",
    "Linear",
    "Mask",
    "motion_psf",
    "Window",
]
