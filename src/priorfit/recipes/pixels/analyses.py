"""Analyses without a network: nothing stands for a prior (`pixels`), or total variation (`tv`).

Those that end in `-paper` are of the notebooks of [ulyanov2018]_, deep-image-prior@042e0d4.
"""

from dataclasses import replace

from priorfit.recipes.method import Cited, Method
from priorfit.recipes.pixels.setting import PixelSetting
from priorfit.terms.data import Ascent, Mse, TotalVariation

_FOUND = "our choice after the few runs of docs/analyses.md"
_CHOSEN = "our choice, not compared with others"
_TV = TotalVariation(mean=True)

PIXELS_EFFECT_PAPER = PixelSetting(
    about="no prior, as published",
    task="effect",
    start=Cited((0.0, 0.1), "common_utils.py, get_noise: U(0, 1) / 10"),
    rate=Cited(0.01, "sr_prior_effect.ipynb: LR = 0.01"),
    steps=Cited(2000, "sr_prior_effect.ipynb: num_iter = 2000"),
    objective=Cited(Mse(), "sr_prior_effect.ipynb: mse, OPT_OVER = 'input', net = identity"),
    published=True,
)

TV_EFFECT_PAPER = replace(
    PIXELS_EFFECT_PAPER,
    about="total variation, as published",
    objective=Cited(
        Mse() + 1e-7 * TotalVariation(),
        "sr_prior_effect.ipynb: tv_weight = 1e-7; utils/sr_utils.py: beta 0.5",
    ),
)

PIXELS_EFFECT = replace(
    PIXELS_EFFECT_PAPER,
    about="no prior",
    steps=Cited(1200, "as dip/effect"),
    published=False,
)

TV_EFFECT = replace(
    PIXELS_EFFECT_PAPER,
    about="total variation",
    steps=Cited(1200, "as dip/effect"),
    objective=Cited(Mse() + 0.01 * _TV, _CHOSEN),
    published=False,
)

TV_EFFECT_NOISE = replace(
    PIXELS_EFFECT_PAPER,
    about="total variation against noise",
    steps=Cited(1200, "as dip/effect"),
    objective=Cited(Mse() + 0.15 * _TV, _CHOSEN),
    published=False,
)

PIXELS_PREIMAGE = PixelSetting(
    about="an image with the same features, pixel by pixel",
    task="preimage",
    start=Cited((0.45, 0.55), _CHOSEN),
    rate=Cited(0.02, _CHOSEN),
    steps=Cited(1000, _CHOSEN),
    objective=Cited(Mse(), "as dip/preimage"),
)

TV_PREIMAGE = replace(
    PIXELS_PREIMAGE,
    about="an image with the same features and little total variation",
    objective=Cited(Mse() + 0.3 * _TV, _FOUND),
)

PIXELS_MAXIMISE = PixelSetting(
    about="an image that a channel or a class answers to most, pixel by pixel",
    task="maximise",
    start=Cited((0.45, 0.55), _CHOSEN),
    rate=Cited(0.05, _CHOSEN),
    steps=Cited(400, "as dip/maximise"),
    objective=Cited(Ascent(), "as dip/maximise"),
    bounded=Cited(True, "what a network draws is bounded too"),
)

TV_MAXIMISE = replace(
    PIXELS_MAXIMISE,
    about="an image that a channel or a class answers to most, with little total variation",
    objective=Cited(Ascent() + 3000.0 * _TV, _FOUND),
)

PIXELS: dict[str, Method] = {
    "pixels/preimage": PIXELS_PREIMAGE,
    "pixels/maximise": PIXELS_MAXIMISE,
    "pixels/effect": PIXELS_EFFECT,
    "pixels/effect-paper": PIXELS_EFFECT_PAPER,
}
"""By name."""

TV: dict[str, Method] = {
    "tv/preimage": TV_PREIMAGE,
    "tv/maximise": TV_MAXIMISE,
    "tv/effect": TV_EFFECT,
    "tv/effect-noise": TV_EFFECT_NOISE,
    "tv/effect-paper": TV_EFFECT_PAPER,
}
"""By name."""
