"""Settings of the analyses: natural pre-image, activation maximisation, prior effect, impedance.

Those that end in `-paper` are of the notebooks of [ulyanov2018]_, deep-image-prior@042e0d4; what
those have no notebook for says so.
"""

from dataclasses import replace
from functools import partial

from priorfit.loop.schedules import Stairs
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import ZEROS, Style, bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.precision import fastest
from priorfit.priors.inputs import UniformNoise
from priorfit.recipes.dip import published
from priorfit.recipes.dip.parts import ADAM, AVERAGED, FOUND, full_resolution
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Ascent, Mse

_FOUND = "our choice after the few runs of docs/analyses.md"
_CHOSEN = "our choice, not compared with others"
_WIDTHS = (16, 32, 64, 128, 128, 128)
_NARROW = Cited(full_resolution(28, 4, 1), "that of dip/upscale, benchmarks/README.md")

PREIMAGE_PAPER = Setting(
    about="an image with the same features, as published for AlexNet and VGG-19",
    task="preimage",
    network=Cited(
        partial(
            Hourglass,
            scales=[
                Scale(
                    width,
                    width,
                    skip=4,
                    down_filter=side,
                    up_filter=side,
                    downsampling=AVERAGE,
                    upsample=nearest,
                )
                for width, side in zip(_WIDTHS, (7, 7, 5, 5, 3, 3), strict=True)
            ],
            style=Style(padding=ZEROS),
        ),
        "feature_inversion.ipynb: [16, 32, 64, 128, 128, 128], skip [4] * 6, filters "
        "[7, 7, 5, 5, 3, 3], nearest, 'avg', zero padding",
    ),
    inputs=Cited([UniformNoise(32)], "feature_inversion.ipynb: input_depth = 32"),
    jitter=Cited(0.0, "feature_inversion.ipynb: reg_noise_std = 0"),
    rate=Cited(0.001, "feature_inversion.ipynb: LR = 0.001"),
    steps=Cited(3100, "feature_inversion.ipynb: num_iter = 3100"),
    objective=Cited(Mse(), "feature_inversion.ipynb: mse of the features"),
    filters=Cited([], "feature_inversion.ipynb: the last output is the result"),
    published=True,
)

_FADING = Stairs(((10_000, 10.0), (15_000, 2.0), (20_000, 0.5)))

PREIMAGE_NOISE_PAPER = replace(
    PREIMAGE_PAPER,
    about="as dip/preimage-paper with heavy noise on the input, as the notebook's appendix ran",
    inputs=Cited([UniformNoise(2)], "feature_inversion.ipynb, more noise: input_depth = 2"),
    jitter=Cited(_FADING, "feature_inversion.ipynb, more noise: normal_() * 10, * 2, / 2"),
    rate=Cited(0.01, "feature_inversion.ipynb, more noise: LR = 0.01"),
    steps=Cited(20_000, "feature_inversion.ipynb, more noise: num_iter = 20000"),
)

PREIMAGE_NOISE = replace(
    PREIMAGE_PAPER,
    about="as dip/preimage-noise-paper with the noise on the weights that was meant too",
    inputs=PREIMAGE_NOISE_PAPER.inputs,
    jitter=PREIMAGE_NOISE_PAPER.jitter,
    rate=PREIMAGE_NOISE_PAPER.rate,
    steps=PREIMAGE_NOISE_PAPER.steps,
    weight_noise=Cited(
        Stairs(((10_000, 1 / 50), (15_000, 1 / 100))),
        "feature_inversion.ipynb, more noise: n.std() / 50, / 100, as it was meant",
    ),
    published=False,
)

MAXIMISE_PAPER = Setting(
    about="an image that a channel answers to most, as published",
    task="maximise",
    network=Cited(
        partial(
            Hourglass,
            scales=[
                Scale(
                    width,
                    width,
                    skip=skip,
                    down_filter=down,
                    up_filter=up,
                    downsampling=AVERAGE,
                    upsample=bilinear,
                )
                for width, skip, down, up in zip(
                    _WIDTHS, (0, 4, 4, 4, 4, 4), (5, 3, 5, 5, 3, 5), (5, 3, 5, 3, 5, 3), strict=True
                )
            ],
        ),
        "activation_maximization.ipynb: [16, 32, 64, 128, 128, 128], skip [0, 4, 4, 4, 4, 4], "
        "filters down [5, 3, 5, 5, 3, 5], up [5, 3, 5, 3, 5, 3], bilinear, 'avg'",
    ),
    inputs=Cited([UniformNoise(32)], "activation_maximization.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "activation_maximization.ipynb: reg_noise_std = 0.03"),
    rate=Cited(0.001, "activation_maximization.ipynb: LR = 0.001"),
    steps=Cited(3100, "activation_maximization.ipynb: num_iter = 3100"),
    objective=Cited(
        Ascent(),
        "activation_maximization.ipynb: Matcher of method 'maximize'; it sums where this averages, "
        "which Adam does not tell apart",
    ),
    filters=Cited([], "activation_maximization.ipynb: the last output is the result"),
    published=True,
)

MAXIMISE_CLASS_PAPER = replace(
    MAXIMISE_PAPER,
    about="an image that a class answers to most, as published",
    rate=Cited(0.01, "activation_maximization.ipynb: LR = 0.01 for fc8"),
)

EFFECT_PAPER = replace(
    published.UPSCALE,
    about="the network of the study of what the prior does, as published for factor 4",
    task="effect",
    inputs=Cited([UniformNoise(3)], "sr_prior_effect.ipynb: input_depth = 3"),
    jitter=Cited(1 / 30, "sr_prior_effect.ipynb: reg_noise_std = 1./30."),
    steps=Cited(2000, "sr_prior_effect.ipynb: num_iter = 2000"),
    kernel=None,
)

IMPEDANCE_PAPER = replace(
    published.DENOISE,
    about="curves of what a network takes to; no notebook has them, these are of denoising",
    task="impedance",
    jitter=Cited(0.0, "none: nothing is to be averaged away; denoising.ipynb has 1./30."),
    steps=Cited(2400, "denoising.ipynb, for the snail: num_iter = 2400"),
    filters=Cited([], "none: the loss of every step counts"),
)

PREIMAGE = replace(
    PREIMAGE_PAPER,
    about="an image with the same features",
    network=_NARROW,
    rate=Cited(0.01, _CHOSEN),
    steps=Cited(1000, _CHOSEN),
    precision=fastest,
    published=False,
)

MAXIMISE = replace(
    MAXIMISE_PAPER,
    about="an image that a channel or a class answers to most",
    rate=Cited(0.002, _FOUND),
    steps=Cited(400, _CHOSEN),
    precision=fastest,
    published=False,
)

EFFECT = Setting(
    about="the network of the study of what the prior does: no guide, noise alone",
    task="effect",
    network=_NARROW,
    inputs=Cited([UniformNoise(16)], "as dip/upscale"),
    jitter=Cited(0.0, "as dip/upscale"),
    rate=Cited(0.01, "as published, sr_prior_effect.ipynb: LR = 0.01"),
    steps=Cited(1200, "as dip/upscale"),
    objective=Cited(Mse(), "as published, sr_prior_effect.ipynb: mse"),
    filters=Cited(AVERAGED, FOUND),
    optimizer=ADAM,
    precision=fastest,
    longest=Cited(1200, "as dip/upscale-unguided"),
)

IMPEDANCE = replace(
    published.DENOISE,
    about="curves of what a network takes to: a narrow network",
    task="impedance",
    network=_NARROW,
    jitter=IMPEDANCE_PAPER.jitter,
    steps=Cited(1200, _CHOSEN),
    filters=IMPEDANCE_PAPER.filters,
    precision=fastest,
    published=False,
)

METHODS: dict[str, Method] = {
    "dip/preimage": PREIMAGE,
    "dip/preimage-paper": PREIMAGE_PAPER,
    "dip/preimage-noise-paper": PREIMAGE_NOISE_PAPER,
    "dip/preimage-noise": PREIMAGE_NOISE,
    "dip/maximise": MAXIMISE,
    "dip/maximise-paper": MAXIMISE_PAPER,
    "dip/maximise-class-paper": MAXIMISE_CLASS_PAPER,
    "dip/effect": EFFECT,
    "dip/effect-paper": EFFECT_PAPER,
    "dip/impedance": IMPEDANCE,
    "dip/impedance-paper": IMPEDANCE_PAPER,
}
"""By name."""
