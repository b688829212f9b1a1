"""Images whose pixels are optimised themselves, to compare priors with."""

from priorfit.recipes.method import Method
from priorfit.recipes.pixels import analyses
from priorfit.recipes.pixels.setting import PixelSetting

ANALYSES: dict[str, Method] = analyses.METHODS
"""Recipes of the analyses, by name."""

__all__ = ["ANALYSES", "PixelSetting"]
