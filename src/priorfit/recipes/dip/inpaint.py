"""Our settings for missing pixels."""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Weighed
from priorfit.loop.steps import Lengthening, Rewinding, Sequential, Smoothed
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.precision import fastest
from priorfit.priors.inputs import Guide, Hiding, MeshGrid, Relative, UniformNoise
from priorfit.recipes.dip.parts import (
    ADAM,
    AVERAGED,
    FILLED,
    FOUND,
    QUICK,
    WATCHED,
    full_resolution,
)
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import HeldOut, Mse, Near

_SCRIPT = "a public script after the authors' notebook"
_MASKED = "as published, restoration.ipynb: mse(out * mask, img * mask)"
_NARROW = full_resolution(16, 16, 3)

FILLED_LONGER = replace(FILLED, denoiser=QUICK, last=0.005, steps=32)

# Without skip connections: what is far from every known pixel comes from the coarse scales alone.
_SMOOTH = partial(
    Hourglass,
    scales=[Scale(w, w, downsampling=AVERAGE, upsample=bilinear) for w in (16, 32, 32, 32, 32)],
)

# The published network for large holes, narrower: with filters of 3×3 on the way down it is worse.
_DEEP = partial(
    Hourglass,
    scales=[Scale(w, w, down_filter=5, upsample=nearest, mix=False) for w in (16, *[32] * 5)],
)

INPAINT = Setting(
    about="missing pixels: text, scratches, dropouts, regions",
    task="inpaint",
    network=Cited(_NARROW, FOUND),
    inputs=Cited([UniformNoise(8), Hiding(guides.biharmonic, copies=24, fraction=0.1)], FOUND),
    jitter=Cited(0.0, FOUND),
    rate=Cited(0.01, "as published, denoising.ipynb: LR = 0.01"),
    steps=Cited(1200, FOUND),
    objective=Cited(HeldOut(weight=8.0), FOUND),
    filters=Cited([*WATCHED, partial(Weighed, FILLED)], FOUND),
    optimizer=ADAM,
    precision=fastest,
    sooner="dip/inpaint-unguided",
)

INPAINT_UNGUIDED = replace(
    INPAINT,
    about="as dip/inpaint, without a fill to start from, nor another beside it",
    inputs=Cited([UniformNoise(8), Hiding(guides.observed, copies=24, fraction=0.1)], FOUND),
    filters=Cited(WATCHED, FOUND),
    sooner=None,
)

INPAINT_DRAWN = replace(
    INPAINT,
    about="missing pixels of drawn pictures: from noise alone, slower",
    network=Cited(full_resolution(32, 32, 3), FOUND),
    inputs=Cited([UniformNoise(32)], "as published, restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "as published, restoration.ipynb: reg_noise_std = 0.03"),
    objective=Cited(Mse(), _MASKED),
)

INPAINT_SPARSE = replace(
    INPAINT,
    about="a few hundredths of the pixels known",
    network=Cited(_SMOOTH, FOUND),
    inputs=Cited([MeshGrid(), Guide(guides.biharmonic)], FOUND),
    steps=Cited(120, FOUND),
    objective=Cited(Mse(), _MASKED),
    filters=Cited(WATCHED, FOUND),
    longest=Cited(120, "longer fits follow the few known pixels too closely"),
    runs=Cited(4, FOUND),
    sooner=None,
)

INPAINT_LARGE = replace(
    INPAINT,
    about="a large hole",
    network=Cited(_DEEP, FOUND),
    inputs=Cited([UniformNoise(1)], "as published, inpainting.ipynb: input_depth = 1"),
    steps=Cited(200, FOUND),
    objective=Cited(Mse(), "as published, inpainting.ipynb: mse(out * mask, img * mask)"),
    filters=Cited(WATCHED, FOUND),
    longest=Cited(None, "more than 200 steps were not tried"),
    runs=Cited(3, FOUND),
    sooner=None,
)

INPAINT_BEST = replace(
    INPAINT,
    about="missing pixels, for more time: two runs from noise alone, and more of plug and play",
    network=Cited(full_resolution(32, 32, 3), FOUND),
    inputs=Cited([UniformNoise(32)], "as published, restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "as published, restoration.ipynb: reg_noise_std = 0.03"),
    objective=Cited(Mse(), _MASKED),
    filters=Cited([*WATCHED, partial(Weighed, FILLED_LONGER, 0.05, 4000)], FOUND),
    steps=Cited(2400, FOUND),
    runs=Cited(2, "[ulyanov2018]_ averages over two runs"),
)

# What is fitted and how the input moves are the papers'; the rest, so that a processor can run
# them, is that of dip/inpaint.

INPAINT_SELF_GUIDED = replace(
    INPAINT,
    about="missing pixels, by a network and its input fitted together: for comparison",
    inputs=Cited([UniformNoise(3, scale=1.0)], "authors' notebook: U(0, 1), shaped like the image"),
    jitter=Cited(Relative(0.5), f"[liang2025]_: as strong as z; U(0, max z / 2): {_SCRIPT}"),
    draws=Cited(3, f"[liang2025]_: the mean over some draws; 3: {_SCRIPT}"),
    rate=Cited(
        {"network": 0.01, "z": 0.1},
        "z: authors' notebook, lr = 1e-1; network: as published, denoising.ipynb: LR = 0.01",
    ),
    objective=Cited(Mse() + 0.01 * Near("z.0"), f"[liang2025]_; the weight {FOUND}"),
    filters=Cited(AVERAGED, f"{FOUND}; authors' notebook: exp_weight = 0.99"),
    steps=Cited(600, FOUND),
    sooner=None,
)

INPAINT_SEQUENTIAL = replace(
    INPAINT,
    about="missing pixels, by a network fed with what it drew last: for comparison, less good",
    inputs=Cited([Guide(guides.observed)], "[alkhouri2024]_: z begins as the adjoint of y"),
    objective=Cited(Mse() + 1.0 * Near("z.0"), "[alkhouri2024]_; authors' code: weight 1"),
    filters=Cited(
        [
            partial(Rewinding, drop=10.0),
            partial(Sequential, every=2),
            partial(Smoothed, Lengthening()),
        ],
        f"[alkhouri2024]_: N = 2; averages {FOUND}",
    ),
    steps=Cited(400, FOUND),
    longest=Cited(400, FOUND),
    sooner=None,
)

METHODS: dict[str, Method] = {
    "dip/inpaint": INPAINT,
    "dip/inpaint-unguided": INPAINT_UNGUIDED,
    "dip/inpaint-drawn": INPAINT_DRAWN,
    "dip/inpaint-large": INPAINT_LARGE,
    "dip/inpaint-sparse": INPAINT_SPARSE,
    "dip/inpaint-best": INPAINT_BEST,
    "dip/inpaint-self-guided": INPAINT_SELF_GUIDED,
    "dip/inpaint-sequential": INPAINT_SEQUENTIAL,
}
"""By name."""
