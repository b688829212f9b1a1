"""Deep Image Prior as published, number for number: denoising and enlarging [ulyanov2018]_.

Sources: denoising.ipynb and super-resolution.ipynb of the authors' repository,
deep-image-prior@042e0d4. Where the released code does not do what it says, docs/recipes.md tells.
"""

from dataclasses import replace
from functools import partial

from priorfit.loop.fit import Stage
from priorfit.loop.optimizers import lbfgs
from priorfit.loop.steps import Rewinding, Smoothed
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import bilinear
from priorfit.priors.inputs import UniformNoise
from priorfit.recipes.dip.setting import Filters, Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse

_NETWORK = partial(Hourglass, scales=[Scale(128, 128, skip=4, upsample=bilinear)] * 5)
_AVERAGED: Filters = Cited(
    [partial(Rewinding, drop=5.0), partial(Smoothed, 0.99, released=True)],
    "denoising.ipynb: exp_weight = 0.99; backtracking at a fall of 5 dB",
)

DENOISE = Setting(
    about="white noise of about 25/255, as published",
    task="denoise",
    network=Cited(
        _NETWORK,
        "denoising.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "denoising.ipynb: input_depth = 32, INPUT = 'noise'"),
    jitter=Cited(1 / 30, "denoising.ipynb: reg_noise_std = 1./30."),
    rate=Cited(0.01, "denoising.ipynb: LR = 0.01"),
    steps=Cited(3000, "denoising.ipynb: num_iter = 3000 (the paper's table: 1800)"),
    objective=Cited(Mse(), "denoising.ipynb: torch.nn.MSELoss"),
    filters=_AVERAGED,
    published=True,
)

DENOISE_50 = replace(
    DENOISE,
    about="white noise of about 50/255, as published",
    jitter=Cited(1 / 20, "denoising.ipynb: reg_noise_std for sigma 50, 1./20."),
)

DENOISE_LBFGS = replace(
    DENOISE,
    about="as dip/denoise-paper with the other optimiser that the authors' code offers",
    jitter=Cited(0.0, "LBFGS asks for a function that stands still"),
    steps=Cited(3100, "common_utils.py, optimize: num_iter after the 100 of Adam"),
    filters=Cited([], "none: LBFGS does not jump"),
    optimizer=Cited(lbfgs, "common_utils.py, optimize: LBFGS"),
    warm_up=Cited(
        Stage(100, {"network": 0.001}, 1.0 * Mse()),
        "common_utils.py, optimize: 100 steps of Adam at 0.001 first",
    ),
    published=False,
)

DEJPEG = Setting(
    about="compression artefacts, as published for the snail",
    task="dejpeg",
    network=Cited(
        partial(
            Hourglass,
            scales=[
                Scale(width, width, skip)
                for width, skip in zip((8, 16, 32, 64, 128), (0, 0, 0, 4, 4), strict=True)
            ],
        ),
        "denoising.ipynb: num_channels_down = [8, 16, 32, 64, 128], skip = [0, 0, 0, 4, 4]",
    ),
    inputs=Cited([UniformNoise(3)], "denoising.ipynb: input_depth = 3 for the snail"),
    jitter=Cited(1 / 30, "denoising.ipynb: reg_noise_std = 1./30."),
    rate=Cited(0.01, "denoising.ipynb: LR = 0.01"),
    steps=Cited(2400, "denoising.ipynb: num_iter = 2400"),
    objective=Cited(Mse(), "denoising.ipynb: torch.nn.MSELoss"),
    filters=_AVERAGED,
    published=True,
)

UPSCALE = Setting(
    about="four times larger, as published",
    task="upscale",
    network=Cited(
        _NETWORK,
        "super-resolution.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, "
        "bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "super-resolution.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "super-resolution.ipynb: reg_noise_std = 0.03 at factor 4"),
    rate=Cited(0.01, "super-resolution.ipynb: LR = 0.01"),
    steps=Cited(2000, "super-resolution.ipynb: num_iter = 2000 at factor 4"),
    objective=Cited(Mse(), "super-resolution.ipynb: mse, tv_weight = 0.0"),
    filters=Cited([], "super-resolution.ipynb: the last output is the result"),
    kernel=Cited("lanczos2", "super-resolution.ipynb: KERNEL_TYPE = 'lanczos2'"),
    published=True,
)

UPSCALE_8 = replace(
    UPSCALE,
    about="eight times larger, as published",
    jitter=Cited(0.05, "super-resolution.ipynb: reg_noise_std = 0.05 at factor 8"),
    steps=Cited(4000, "super-resolution.ipynb: num_iter = 4000 at factor 8"),
)

METHODS: dict[str, Method] = {
    "dip/denoise-paper": DENOISE,
    "dip/denoise50-paper": DENOISE_50,
    "dip/denoise-lbfgs": DENOISE_LBFGS,
    "dip/dejpeg-paper": DEJPEG,
    "dip/upscale-paper": UPSCALE,
    "dip/upscale-x8-paper": UPSCALE_8,
}
"""By name."""
