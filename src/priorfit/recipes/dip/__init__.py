"""Deep Image Prior [ulyanov2018]_: a network that is fitted to one picture, and saw no other."""

from priorfit.recipes.dip import (
    analyses,
    compared,
    denoise,
    inpaint,
    published,
    published_holes,
    upscale,
)
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.family import Family

FAMILY = Family(
    "dip",
    "Deep Image Prior: an untrained network is fitted to the one picture",
    methods={
        **denoise.METHODS,
        **inpaint.METHODS,
        **upscale.METHODS,
        **compared.METHODS,
        **published.METHODS,
        **published_holes.METHODS,
    },
    analyses=analyses.METHODS,
)

__all__ = ["FAMILY", "Setting"]
