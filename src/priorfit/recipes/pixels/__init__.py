"""Images whose pixels are optimised themselves, to compare priors with."""

from priorfit.recipes.family import Family
from priorfit.recipes.pixels import analyses
from priorfit.recipes.pixels.setting import PixelSetting

PIXELS = Family("pixels", "no prior: the pixels themselves are optimised", analyses=analyses.PIXELS)
TV = Family("tv", "total variation: the pixels, drawn to be smooth", analyses=analyses.TV)

__all__ = ["PIXELS", "PixelSetting", "TV"]
