"""Our own settings for noise and compression artefacts, found by experiment for two CPU cores.

They run at a constant rate and average what they render, so that they may be stopped at any step.
The figures behind every choice: benchmarks/README.md.
"""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Blended
from priorfit.loop.stopping import Implausible
from priorfit.priors.inputs import Probing
from priorfit.priors.moves import Moving
from priorfit.recipes.dip.parts import ADAM, FASTEST, FOUND, HALF, averaged
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Sure

_MOVING = Cited(Moving(turning=True, shifting=16), FOUND)
_GUIDED = Cited([Probing(guides.non_local_means, copies=24, epsilon=0.02)], FOUND)
_BLOCK_MATCHED = partial(guides.correct_clipping, guides.block_matching)
_RATE = Cited(0.01, "as published, denoising.ipynb: LR = 0.01")

DENOISE = Setting(
    about="white noise of a known or estimated level",
    task="denoise",
    network=Cited(HALF, FOUND),
    inputs=_GUIDED,
    moving=_MOVING,
    rate=_RATE,
    steps=Cited(900, FOUND),
    objective=Cited(Sure(), "[stein1981]_, [ramani2008]_, cut-off noise as [foi2009]_"),
    filters=Cited(averaged(), FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(2000, FOUND),
    sooner="dip/denoise-unguided",
)

DENOISE_UNGUIDED = replace(
    DENOISE,
    about="as dip/denoise, without an estimate beside the noisy image",
    inputs=Cited([Probing(guides.observation, copies=24, epsilon=0.02)], FOUND),
    sooner=None,
)

DENOISE_BEST = replace(
    DENOISE,
    about="as dip/denoise, for more time: twice the steps, averaged with block matching",
    filters=Cited([*averaged(), partial(Blended, _BLOCK_MATCHED, 0.3)], FOUND),
    steps=Cited(1800, FOUND),
)

DEJPEG = Setting(
    about="compression artefacts",
    task="dejpeg",
    network=Cited(HALF, FOUND),
    inputs=_GUIDED,
    moving=_MOVING,
    rate=_RATE,
    steps=Cited(400, FOUND),
    objective=Cited(Sure(clipped=False), "[stein1981]_, [ramani2008]_"),
    filters=Cited([*averaged(), Implausible], FOUND),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(900, FOUND),
)

METHODS: dict[str, Method] = {
    "dip/denoise": DENOISE,
    "dip/denoise-unguided": DENOISE_UNGUIDED,
    "dip/denoise-best": DENOISE_BEST,
    "dip/dejpeg": DEJPEG,
}
"""By name."""
