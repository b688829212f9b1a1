"""Our settings for more pixels, for a known blur, for two photographs of one scene, for detail."""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.denoised import Denoised
from priorfit.loop.ensemble import Blended
from priorfit.networks.precision import fastest
from priorfit.priors.deep_image import TARGET
from priorfit.priors.inputs import Companion, Guide, UniformNoise
from priorfit.recipes.dip.parts import (
    ADAM,
    AVERAGED,
    ENLARGED,
    FOUND,
    QUICK,
    SHARPENED,
    full_resolution,
)
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse, Near

_MSE = Cited(Mse(), "as published, super-resolution.ipynb: mse")
_FALLS = "woman falls from 27.27 dB to 26.42 by step 3457, benchmarks/README.md"

UPSCALE = Setting(
    about="more pixels, by any whole factor",
    task="upscale",
    network=Cited(full_resolution(28, 4, 1), FOUND),
    inputs=Cited([UniformNoise(16)], FOUND),
    jitter=Cited(0.0, FOUND),
    rate=Cited(0.01, "as published, denoising.ipynb: LR = 0.01"),
    steps=Cited(1200, FOUND),
    objective=Cited(Mse() + 0.3 * Near(TARGET), f"[mataev2019]_, the weight {FOUND}"),
    filters=Cited([*AVERAGED, partial(Denoised, QUICK)], FOUND),
    optimizer=ADAM,
    precision=fastest,
    kernel=Cited("lanczos3", "as Pillow's LANCZOS reduces"),
    target=Cited(ENLARGED, FOUND),
    sooner="dip/upscale-guided",
)

UPSCALE_GUIDED = replace(
    UPSCALE,
    about="as dip/upscale, with an enlargement as a hint and no denoiser: faster, less good",
    inputs=Cited([UniformNoise(8), Guide(guides.enlarged)], FOUND),
    objective=_MSE,
    filters=Cited(AVERAGED, FOUND),
    target=Cited(None, FOUND),
    longest=Cited(1200, _FALLS),
    sooner=None,
)

UPSCALE_UNGUIDED = replace(
    UPSCALE,
    about="as dip/upscale, without a denoiser: faster, less good",
    objective=_MSE,
    filters=Cited(AVERAGED, FOUND),
    target=Cited(None, FOUND),
    longest=Cited(1200, _FALLS),
    sooner=None,
)

UPSCALE_BEST = replace(
    UPSCALE,
    about="as dip/upscale, for more time: two runs, averaged",
    runs=Cited(2, "[ulyanov2018]_ averages over two runs"),
)

DEBLUR = replace(
    UPSCALE,
    about="a known blur",
    task="deblur",
    kernel=None,
    target=Cited(SHARPENED, FOUND),
    filters=Cited([*AVERAGED, partial(Denoised, QUICK), partial(Blended, SHARPENED, 0.5)], FOUND),
    sooner=None,
)

FUSE = replace(
    UPSCALE,
    about="flash and no-flash photographs of one scene",
    task="fuse",
    kernel=None,
    inputs=Cited([Companion()], "as published, flash-no-flash.ipynb: net_input = flash image"),
    objective=Cited(Mse(), "as published, flash-no-flash.ipynb: mse(out, no-flash)"),
    filters=Cited(AVERAGED, FOUND),
    target=Cited(None, FOUND),
    steps=Cited(300, FOUND),
    longest=Cited(300, FOUND),
    sooner=None,
)

ENHANCE = replace(
    UPSCALE,
    about="the coarse layer of a picture, whose detail is then boosted",
    task="enhance",
    kernel=None,
    objective=Cited(Mse(), "[ulyanov2018]_: squared error"),
    filters=Cited(AVERAGED, FOUND),
    target=Cited(None, FOUND),
    steps=Cited(200, "by eye, of 50, 100, 150, 200 and 300: the astronaut of docs/gallery.md"),
    longest=Cited(200, "a longer fit leaves less detail to boost"),
    sooner=None,
)

METHODS: dict[str, Method] = {
    "dip/upscale": UPSCALE,
    "dip/deblur": DEBLUR,
    "dip/fuse": FUSE,
    "dip/enhance": ENHANCE,
    "dip/upscale-guided": UPSCALE_GUIDED,
    "dip/upscale-unguided": UPSCALE_UNGUIDED,
    "dip/upscale-best": UPSCALE_BEST,
}
"""By name."""
