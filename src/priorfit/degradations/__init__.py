"""A of y = A(x) + noise: frozen values that can be printed, compared and called."""

from priorfit.degradations.color import Grayscale
from priorfit.degradations.compose import Compose
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
)

__all__ = [
    "GAUSS1SQ2",
    "GAUSS12",
    "Area",
    "as_degradation",
    "Bicubic",
    "Border",
    "Box",
    "Compose",
    "Downsample",
    "Foreign",
    "Gauss",
    "Grayscale",
    "Identity",
    "Lanczos",
    "Mask",
]
