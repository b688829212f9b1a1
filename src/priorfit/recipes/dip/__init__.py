"""Deep Image Prior [ulyanov2018]_: a network that is fitted to one picture, and saw no other."""

from priorfit.recipes.dip import analyses, denoise, inpaint, published, upscale
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Method

METHODS: dict[str, Method] = {
    **denoise.METHODS,
    **inpaint.METHODS,
    **upscale.METHODS,
    **published.METHODS,
}
"""Recipes that restore, by name."""

ANALYSES: dict[str, Method] = analyses.METHODS
"""Recipes of the analyses, by name."""

__all__ = ["ANALYSES", "METHODS", "Setting"]
