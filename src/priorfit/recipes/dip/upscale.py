"""Our own settings for more pixels and for blur, and those fits that only smooth.

Found by experiment for two CPU cores: benchmarks/README.md has the figures. They run at a constant
rate and average what they render, so that they may be stopped at any step.
"""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.denoised import Denoised
from priorfit.loop.ensemble import Blended
from priorfit.priors.deep_image import TARGET
from priorfit.priors.inputs import Companion, Guide, UniformNoise
from priorfit.recipes.dip.parts import (
    ADAM,
    ENLARGED,
    FASTEST,
    FOUND,
    QUICK,
    SHARPENED,
    averaged,
    full_resolution,
)
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse, Near

_NETWORK = Cited(full_resolution(28, 4, 1), FOUND)
_NOISE = Cited([UniformNoise(16)], FOUND)
_RATE = Cited(0.01, "as published, super-resolution.ipynb: LR = 0.01")
_MSE = Cited(Mse(), "as published, super-resolution.ipynb: mse")
_LANCZOS3 = Cited("lanczos3", "as Pillow's LANCZOS reduces")
_ENOUGH = Cited(1200, "woman falls from 27.27 dB to 26.42 by step 3457, benchmarks/README.md")
_AS_UPSCALE = "as dip/upscale-unguided, not compared with others"

UPSCALE = Setting(
    about="more pixels, by any whole factor",
    task="upscale",
    network=_NETWORK,
    inputs=_NOISE,
    rate=_RATE,
    steps=Cited(1200, FOUND),
    objective=Cited(Mse() + 0.3 * Near(TARGET), f"[mataev2019]_, the weight {FOUND}"),
    target=Cited(ENLARGED, FOUND),
    filters=Cited([*averaged(), partial(Denoised, QUICK)], FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    kernel=_LANCZOS3,
    sooner="dip/upscale-guided",
)

UPSCALE_BEST = replace(
    UPSCALE,
    about="as dip/upscale, for more time: two runs, averaged",
    runs=Cited(2, "[ulyanov2018]_ averages over two runs"),
)

UPSCALE_GUIDED = Setting(
    about="as dip/upscale, with an enlargement as a hint and no denoiser: faster, less good",
    task="upscale",
    network=_NETWORK,
    inputs=Cited([UniformNoise(8), Guide(guides.enlarge)], FOUND),
    rate=_RATE,
    steps=Cited(1200, FOUND),
    objective=_MSE,
    filters=Cited(averaged(), FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    kernel=_LANCZOS3,
    longest=_ENOUGH,
)

UPSCALE_UNGUIDED = replace(
    UPSCALE_GUIDED,
    about="as dip/upscale, without a denoiser: faster, less good",
    inputs=_NOISE,
)

DEBLUR = Setting(
    about="a known blur",
    task="deblur",
    network=Cited(full_resolution(28, 4, 1), "as dip/upscale, not compared with others"),
    inputs=Cited([UniformNoise(16)], "as dip/upscale, not compared with others"),
    rate=Cited(0.01, "as dip/upscale, not compared with others"),
    steps=Cited(1200, "as dip/upscale, not compared with others"),
    objective=Cited(Mse() + 0.3 * Near(TARGET), "[mataev2019]_, the weight as in dip/upscale"),
    target=Cited(SHARPENED, FOUND),
    filters=Cited([*averaged(), partial(Denoised, QUICK), partial(Blended, SHARPENED, 0.5)], FOUND),
    optimizer=ADAM,
    precision=FASTEST,
)

FUSE = Setting(
    about="flash and no-flash photographs of one scene",
    task="fuse",
    network=Cited(full_resolution(28, 4, 1), _AS_UPSCALE),
    inputs=Cited([Companion()], "as published, flash-no-flash.ipynb: net_input = flash image"),
    rate=Cited(0.01, _AS_UPSCALE),
    steps=Cited(300, FOUND),
    objective=Cited(Mse(), "as published, flash-no-flash.ipynb: mse(out, no-flash)"),
    filters=Cited(averaged(), _AS_UPSCALE),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(300, FOUND),
)

ENHANCE = Setting(
    about="the coarse layer of a picture, whose detail is then boosted",
    task="enhance",
    network=Cited(full_resolution(28, 4, 1), _AS_UPSCALE),
    inputs=Cited([UniformNoise(16)], _AS_UPSCALE),
    rate=Cited(0.01, _AS_UPSCALE),
    steps=Cited(200, "by eye, of 50, 100, 150, 200 and 300: the astronaut of docs/gallery.md"),
    objective=Cited(Mse(), "[ulyanov2018]_: squared error against the picture"),
    filters=Cited(averaged(), _AS_UPSCALE),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(200, "a longer fit leaves less detail to boost"),
)

METHODS: dict[str, Method] = {
    "dip/upscale": UPSCALE,
    "dip/upscale-best": UPSCALE_BEST,
    "dip/upscale-guided": UPSCALE_GUIDED,
    "dip/upscale-unguided": UPSCALE_UNGUIDED,
    "dip/deblur": DEBLUR,
    "dip/fuse": FUSE,
    "dip/enhance": ENHANCE,
}
"""By name."""
