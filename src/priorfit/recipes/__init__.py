"""Recipes by name: `family/task[-variant]`, an explicit table."""

import difflib
import re
from collections.abc import Collection

from priorfit.errors import RecipeError
from priorfit.loop.fit import Recipe
from priorfit.recipes import best, fast, guided, published, zero_shot
from priorfit.recipes.analyses import ANALYSES
from priorfit.recipes.setting import Cited, PixelSetting, Setting

SETTINGS: dict[str, Setting] = {
    "dip/denoise": fast.DENOISE,
    "dip/inpaint": fast.INPAINT,
    "dip/upscale": fast.UPSCALE,
    "dip/deblur": fast.DEBLUR,
    "dip/dejpeg": fast.DEJPEG,
    "dip/fuse": fast.FUSE,
    "dip/enhance": fast.ENHANCE,
    "dip/denoise-unguided": fast.DENOISE_UNGUIDED,
    "dip/inpaint-unguided": fast.INPAINT_UNGUIDED,
    "dip/upscale-guided": fast.UPSCALE_GUIDED,
    "dip/upscale-unguided": fast.UPSCALE_UNGUIDED,
    "dip/inpaint-drawn": fast.INPAINT_DRAWN,
    "dip/inpaint-large": fast.INPAINT_LARGE,
    "dip/inpaint-sparse": fast.INPAINT_SPARSE,
    "dip/denoise-best": best.DENOISE,
    "dip/inpaint-best": best.INPAINT,
    "dip/upscale-best": best.UPSCALE,
    "dip/denoise-posterior": best.DENOISE_POSTERIOR,
    "dip/denoise-decoder": best.DENOISE_DECODER,
    "dip/denoise-self-guided": guided.DENOISE_SELF_GUIDED,
    "dip/inpaint-self-guided": guided.INPAINT_SELF_GUIDED,
    "dip/denoise-sequential": guided.DENOISE_SEQUENTIAL,
    "dip/inpaint-sequential": guided.INPAINT_SEQUENTIAL,
    "dip/denoise-paper": published.DENOISE,
    "dip/denoise-lbfgs": published.DENOISE_LBFGS,
    "dip/denoise50-paper": published.DENOISE_50,
    "dip/dejpeg-paper": published.DEJPEG,
    "dip/upscale-paper": published.UPSCALE,
    "dip/upscale-x8-paper": published.UPSCALE_8,
    "dip/inpaint-text-paper": published.INPAINT_TEXT,
    "dip/inpaint-region-paper": published.INPAINT_REGION,
    "dip/inpaint-large-paper": published.INPAINT_LARGE,
    "dip/inpaint-large-depth4-paper": published.INPAINT_LARGE_4,
    "dip/inpaint-large-depth2-paper": published.INPAINT_LARGE_2,
    "dip/inpaint-large-noise": published.INPAINT_LARGE_NOISE,
    "dip/inpaint-large-unet-paper": published.INPAINT_LARGE_UNET,
    "dip/inpaint-large-resnet-paper": published.INPAINT_LARGE_RESNET,
    "dip/inpaint-pixels-paper": published.INPAINT_PIXELS,
    "dip/inpaint-sparse-paper": published.INPAINT_SPARSE,
    "dip/fuse-paper": published.FUSE,
    "zs-n2n/denoise": zero_shot.DENOISE,
}

SOONER = {
    "dip/denoise": "dip/denoise-unguided",
    "dip/inpaint": "dip/inpaint-unguided",
    "dip/inpaint-drawn": "dip/inpaint-unguided",
    "dip/upscale": "dip/upscale-guided",
    "dip/denoise-best": "dip/denoise-unguided",
    "dip/inpaint-best": "dip/inpaint-unguided",
    "dip/upscale-best": "dip/upscale-guided",
}
"""What does the same with less to do before the first step, for large pictures in little time."""

__all__ = [
    "ANALYSES",
    "analysis_named",
    "Cited",
    "find",
    "is_published",
    "load",
    "longest",
    "PixelSetting",
    "Setting",
    "SETTINGS",
    "SOONER",
    "task_of",
    "UNLIMITED",
]


def find(name: str) -> Setting:
    """Look a setting up by its name.

    Raises:
        RecipeError: there is none of that name.
    """
    if name not in SETTINGS:
        raise _unknown(name, SETTINGS)
    return SETTINGS[name]


def analysis_named(name: str) -> Setting | PixelSetting:
    """Look the setting of an analysis up by its name.

    Raises:
        RecipeError: there is none of that name.
    """
    if name not in ANALYSES:
        raise _unknown(name, ANALYSES)
    return ANALYSES[name]


def task_of(name: str) -> str:
    """The task that a recipe is for: the first word after the family in its name."""
    return re.split(r"[^a-z]", name.partition("/")[2])[0]


def is_published(name: str) -> bool:
    """Whether the numbers of a recipe are somebody's published ones, for pictures from 0 to 1."""
    return name.endswith("-paper") or not name.startswith("dip/")


UNLIMITED = 10**9
"""Steps of a fit that the clock alone ends."""


def longest(name: str, steps: int | None, *, limited: bool) -> int:
    """Steps that a fit takes if no clock, no rule and nobody stops it.

    Args:
        name: of the recipe.
        steps: that were asked for.
        limited: whether its time is, so that it may become longer than the recipe's own.

    Raises:
        RecipeError: there is no recipe of that name.
    """
    setting = find(name)
    if steps is not None:
        return steps
    return (setting.most.value or UNLIMITED) if limited else setting.steps.value


def load(name: str, steps: int | None = None) -> Recipe:
    """Make a recipe.

    Args:
        name: one of `SETTINGS`.
        steps: length of the fit; the setting's own by default.

    Raises:
        RecipeError: there is none of that name.
    """
    return find(name).recipe(steps)


def _unknown(name: str, known: Collection[str]) -> RecipeError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return RecipeError(f"no recipe is called '{name}': {hint}`priorfit recipes list` names them")
