"""Our own settings for missing pixels, found by experiment for two CPU cores.

They run at a constant rate and average what they render, so that they may be stopped at any step.
The figures behind every choice: benchmarks/README.md.
"""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Weighed
from priorfit.priors.inputs import Guide, Hiding, MeshGrid, UniformNoise
from priorfit.recipes.dip.parts import (
    ADAM,
    DEEP,
    FASTEST,
    FILLED,
    FILLED_LONGER,
    FOUND,
    SMOOTH,
    averaged,
    full_resolution,
)
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import HeldOut, Mse

# Maskings differ in how hard they are: of two steps one may lose ten times as much.
_WATCHED = averaged(drop=30.0)

_RATE = Cited(0.01, "as published, inpainting.ipynb: LR = 0.01")
_MASKED_MSE = Cited(Mse(), "as published, restoration.ipynb: mse(out * mask, img * mask)")

INPAINT = Setting(
    about="missing pixels: text, scratches, dropouts, regions",
    task="inpaint",
    network=Cited(full_resolution(16, 16, 3), FOUND),
    inputs=Cited([UniformNoise(8), Hiding(guides.biharmonic, copies=24, fraction=0.1)], FOUND),
    rate=_RATE,
    steps=Cited(1200, FOUND),
    objective=Cited(HeldOut(weight=8.0), FOUND),
    filters=Cited([*_WATCHED, partial(Weighed, FILLED)], FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    sooner="dip/inpaint-unguided",
)

INPAINT_UNGUIDED = replace(
    INPAINT,
    about="as dip/inpaint, without a fill to start from, nor another beside it",
    inputs=Cited([UniformNoise(8), Hiding(guides.observation, copies=24, fraction=0.1)], FOUND),
    filters=Cited(_WATCHED, FOUND),
    sooner=None,
)

INPAINT_DRAWN = Setting(
    about="missing pixels of drawn pictures: from noise alone, slower",
    task="inpaint",
    network=Cited(full_resolution(32, 32, 3), FOUND),
    inputs=Cited([UniformNoise(32)], "as published, restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "as published, restoration.ipynb: reg_noise_std = 0.03"),
    rate=_RATE,
    steps=Cited(1200, FOUND),
    objective=_MASKED_MSE,
    filters=Cited([*_WATCHED, partial(Weighed, FILLED)], FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    sooner="dip/inpaint-unguided",
)

INPAINT_BEST = replace(
    INPAINT_DRAWN,
    about="missing pixels, for more time: two runs from noise alone, and more of plug and play",
    filters=Cited([*_WATCHED, partial(Weighed, FILLED_LONGER, 0.05, 4000)], FOUND),
    steps=Cited(2400, FOUND),
    runs=Cited(2, "[ulyanov2018]_ averages over two runs"),
)

INPAINT_SPARSE = Setting(
    about="a few hundredths of the pixels known",
    task="inpaint",
    network=Cited(SMOOTH, FOUND),
    inputs=Cited([MeshGrid(), Guide(guides.biharmonic)], FOUND),
    rate=Cited(0.01, "as published, restoration.ipynb: LR = 0.01 for kate"),
    steps=Cited(120, FOUND),
    objective=_MASKED_MSE,
    filters=Cited(_WATCHED, FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(120, "longer fits follow the few known pixels too closely"),
    runs=Cited(4, FOUND),
)

INPAINT_LARGE = Setting(
    about="a large hole",
    task="inpaint",
    network=Cited(DEEP, FOUND),
    inputs=Cited([UniformNoise(1)], "as published, inpainting.ipynb: input_depth = 1"),
    rate=_RATE,
    steps=Cited(200, FOUND),
    objective=Cited(Mse(), "as published, inpainting.ipynb: mse(out * mask, img * mask)"),
    filters=Cited(_WATCHED, FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    runs=Cited(3, FOUND),
)

METHODS: dict[str, Method] = {
    "dip/inpaint": INPAINT,
    "dip/inpaint-unguided": INPAINT_UNGUIDED,
    "dip/inpaint-drawn": INPAINT_DRAWN,
    "dip/inpaint-best": INPAINT_BEST,
    "dip/inpaint-sparse": INPAINT_SPARSE,
    "dip/inpaint-large": INPAINT_LARGE,
}
"""By name."""
