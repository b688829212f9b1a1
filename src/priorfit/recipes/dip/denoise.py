"""Our settings for white noise, and for what compression left."""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Blended, Langevin, Posterior
from priorfit.loop.steps import Lengthening, Rewinding, Sequential, Smoothed
from priorfit.loop.stopping import Implausible
from priorfit.networks.deep_decoder import DeepDecoder
from priorfit.networks.folded import Folded
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style, nearest
from priorfit.networks.precision import fastest
from priorfit.priors.inputs import Guide, Probing, Relative, UniformNoise
from priorfit.priors.moves import STILL, Moving
from priorfit.recipes.dip.parts import ADAM, AVERAGED, FOUND
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse, Near, Sure

_SCRIPT = "a public script after the authors' notebook"
_BLOCK_MATCHED = partial(guides.unclipped, guides.block_matched)

# Half the resolution and a pixel shuffle at the end: a quarter of the work.
_HALF = partial(
    Folded,
    network=partial(
        Hourglass,
        scales=[Scale(64, 48, skip=16, upsample=nearest)] * 4,
        style=Style(sigmoid=False),
    ),
)

DENOISE = Setting(
    about="white noise of a known or estimated level",
    task="denoise",
    network=Cited(_HALF, FOUND),
    inputs=Cited([Probing(guides.non_local_means, copies=24, epsilon=0.02)], FOUND),
    jitter=Cited(0.0, FOUND),
    moving=Cited(Moving(turning=True, shifting=16), FOUND),
    rate=Cited(0.01, "as published, denoising.ipynb: LR = 0.01"),
    steps=Cited(900, FOUND),
    objective=Cited(Sure(), "[stein1981]_, [ramani2008]_, cut-off noise as [foi2009]_"),
    filters=Cited(AVERAGED, FOUND),
    optimizer=ADAM,
    precision=fastest,
    longest=Cited(2000, FOUND),
    sooner="dip/denoise-unguided",
)

DENOISE_UNGUIDED = replace(
    DENOISE,
    about="as dip/denoise, without an estimate beside the noisy image",
    inputs=Cited([Probing(guides.observed, copies=24, epsilon=0.02)], FOUND),
    sooner=None,
)

DENOISE_BEST = replace(
    DENOISE,
    about="as dip/denoise, for more time: twice the steps, averaged with block matching",
    filters=Cited([*AVERAGED, partial(Blended, _BLOCK_MATCHED, 0.3)], FOUND),
    steps=Cited(1800, FOUND),
)

DENOISE_DECODER = replace(
    DENOISE,
    about="white noise by the Deep Decoder, too small to follow it: for comparison, less good",
    network=Cited(
        partial(DeepDecoder, width=128),
        "supplement_deep_decoder@878e41d, include/decoder.py: num_channels_up = [128] * 5",
    ),
    inputs=Cited([UniformNoise(128)], "[heckel2019]_: as many channels, scaled by 1/10"),
    moving=Cited(STILL, "[heckel2019]_ does not"),
    objective=Cited(Mse(), "[heckel2019]_: squared error"),
    steps=Cited(2000, FOUND),
    longest=Cited(None, "too few parameters to follow the noise"),
    sooner=None,
)

DENOISE_POSTERIOR = replace(
    DENOISE,
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
    steps=Cited(1500, FOUND),
    longest=Cited(None, "[cheng2019]_: needs no early stop"),
    sooner=None,
)

# What is fitted and how the input moves are the papers'; the rest, so that a processor can run
# them, is that of dip/denoise.

DENOISE_SELF_GUIDED = replace(
    DENOISE,
    about="white noise, by a network and its input fitted together: for comparison, less good",
    inputs=Cited([UniformNoise(3, scale=1.0)], "authors' notebook: U(0, 1), shaped like the image"),
    jitter=Cited(Relative(0.5), f"[liang2025]_: as strong as z; U(0, max z / 2): {_SCRIPT}"),
    moving=Cited(STILL, "the paper does not"),
    draws=Cited(3, f"[liang2025]_: the mean over some draws; 3: {_SCRIPT}"),
    rate=Cited(
        {"network": 0.01, "z": 0.1},
        "z: authors' notebook, lr = 1e-1; network: as published, denoising.ipynb: LR = 0.01",
    ),
    objective=Cited(Mse() + 2.0 * Near("z.0"), "[liang2025]_; authors' notebook: alpha = 2"),
    filters=Cited(AVERAGED, f"{FOUND}; authors' notebook: exp_weight = 0.99"),
    steps=Cited(400, FOUND),
    longest=Cited(400, FOUND),
    sooner=None,
)

DENOISE_SEQUENTIAL = replace(
    DENOISE,
    about="white noise, by a network fed with what it drew last: for comparison, less good",
    inputs=Cited([Guide(guides.observed)], "[alkhouri2024]_: z begins as the adjoint of y"),
    moving=Cited(STILL, "the paper does not"),
    objective=Cited(Mse() + 1.0 * Near("z.0"), "[alkhouri2024]_; authors' code: weight 1"),
    filters=Cited(
        [
            partial(Rewinding, drop=10.0),
            partial(Sequential, every=2),
            partial(Smoothed, Lengthening()),
        ],
        f"[alkhouri2024]_: N = 2; averages {FOUND}",
    ),
    steps=Cited(700, FOUND),
    longest=Cited(700, FOUND),
    sooner=None,
)

DEJPEG = replace(
    DENOISE,
    about="compression artefacts",
    task="dejpeg",
    steps=Cited(400, FOUND),
    objective=Cited(Sure(clipped=False), "[stein1981]_, [ramani2008]_"),
    filters=Cited([*AVERAGED, Implausible], FOUND),
    longest=Cited(900, FOUND),
    sooner=None,
)

METHODS: dict[str, Method] = {
    "dip/denoise": DENOISE,
    "dip/dejpeg": DEJPEG,
    "dip/denoise-unguided": DENOISE_UNGUIDED,
    "dip/denoise-best": DENOISE_BEST,
    "dip/denoise-posterior": DENOISE_POSTERIOR,
    "dip/denoise-decoder": DENOISE_DECODER,
    "dip/denoise-self-guided": DENOISE_SELF_GUIDED,
    "dip/denoise-sequential": DENOISE_SEQUENTIAL,
}
"""By name."""
