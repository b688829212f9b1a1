"""Settings that spend more time for more quality, and others to compare them with.

The figures behind every choice: benchmarks/README.md. What the guides cost counts: most of the
time of these goes into classical estimates and into runs that are averaged.
"""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Blended, Langevin, Posterior, Weighed
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed
from priorfit.networks.deep_decoder import DeepDecoder
from priorfit.priors.inputs import UniformNoise
from priorfit.priors.moves import STILL
from priorfit.recipes.fast import DENOISE as FAST_DENOISE
from priorfit.recipes.fast import FILLED as FAST_FILLED
from priorfit.recipes.fast import INPAINT_DRAWN, INPAINT_UNGUIDED, QUICK
from priorfit.recipes.fast import UPSCALE as FAST_UPSCALE
from priorfit.recipes.setting import Cited
from priorfit.terms.data import Mse

_FOUND = "by experiment, benchmarks/README.md"
_RUNS = "[ulyanov2018]_ averages over two runs"

_BLOCK_MATCHED = partial(guides.unclipped, guides.block_matched)

FILLED = replace(FAST_FILLED, denoiser=QUICK, last=0.005, steps=32)

DENOISE = replace(
    FAST_DENOISE,
    about="as dip/denoise, for more time: twice the steps, averaged with block matching",
    filters=Cited([*FAST_DENOISE.filters.value, partial(Blended, _BLOCK_MATCHED, 0.3)], _FOUND),
    steps=Cited(1800, _FOUND),
)

INPAINT = replace(
    INPAINT_DRAWN,
    about="missing pixels, for more time: two runs from noise alone, and more of plug and play",
    filters=Cited([*INPAINT_UNGUIDED.filters.value, partial(Weighed, FILLED, 0.05, 4000)], _FOUND),
    steps=Cited(2400, _FOUND),
    runs=Cited(2, _RUNS),
)

UPSCALE = replace(
    FAST_UPSCALE,
    about="as dip/upscale, for more time: two runs, averaged",
    runs=Cited(2, _RUNS),
)

DENOISE_DECODER = replace(
    FAST_DENOISE,
    about="white noise by the Deep Decoder, too small to follow it: for comparison, less good",
    network=Cited(
        partial(DeepDecoder, width=128),
        "supplement_deep_decoder@878e41d, include/decoder.py: num_channels_up = [128] * 5",
    ),
    inputs=Cited([UniformNoise(128)], "[heckel2019]_: as many channels, scaled by 1/10"),
    moving=Cited(STILL, "[heckel2019]_ does not"),
    objective=Cited(Mse(), "[heckel2019]_: squared error"),
    filters=Cited([partial(Rewinding, drop=10.0), partial(Smoothed, Lengthening())], _FOUND),
    steps=Cited(2000, _FOUND),
    most=Cited(None, "too few parameters to follow the noise"),
)

DENOISE_POSTERIOR = replace(
    FAST_DENOISE,
    about="white noise, by the mean of a posterior that is wandered through: for its uncertainty",
    inputs=Cited([UniformNoise(32)], "as published, denoising.ipynb: input_depth = 32"),
    jitter=Cited(1 / 30, "as published, denoising.ipynb: reg_noise_std = 1./30."),
    moving=Cited(STILL, "no noisy picture goes in, so that nothing is gained by it"),
    objective=Cited(Mse(), "[cheng2019]_: squared error"),
    filters=Cited(
        [
            partial(Rewinding, drop=10.0),
            partial(Langevin, 2.0),
            partial(Posterior, burn_in=500, every=5),
        ],
        "[cheng2019]_, authors' code: param_noise_sigma = 2; burn-in and spacing by experiment",
    ),
    steps=Cited(1500, _FOUND),
    most=Cited(None, "[cheng2019]_: needs no early stop"),
)
