"""Settings of the analyses: natural pre-image, activation maximisation, prior effect, impedance.

Those that end in `-paper` are of the notebooks of [ulyanov2018]_, deep-image-prior@042e0d4; what
those have no notebook for says so. In family `pixels` nothing stands for a prior, in family `tv`
total variation does.
"""

from dataclasses import replace
from functools import partial

from priorfit.loop.schedules import Stairs
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import ZEROS, Style, bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.precision import fastest
from priorfit.priors.inputs import UniformNoise
from priorfit.recipes import fast, published
from priorfit.recipes.setting import Cited, PixelSetting, Setting
from priorfit.terms.data import Ascent, Mae, Mse, TotalVariation

_FOUND = "our choice after the few runs of docs/analyses.md"
_CHOSEN = "our choice, not compared with others"
_WIDTHS = (16, 32, 64, 128, 128, 128)

PREIMAGE_PAPER = Setting(
    about="an image with the same features, as published for AlexNet and VGG-19",
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
    PREIMAGE_NOISE_PAPER,
    about="as dip/preimage-noise-paper with the noise on the weights that was meant too",
    weight_noise=Cited(
        Stairs(((10_000, 1 / 50), (15_000, 1 / 100))),
        "feature_inversion.ipynb, more noise: n.std() / 50, / 100, as it was meant",
    ),
)

MAXIMISE_PAPER = replace(
    PREIMAGE_PAPER,
    about="an image that a channel answers to most, as published",
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
)

MAXIMISE_CLASS_PAPER = replace(
    MAXIMISE_PAPER,
    about="an image that a class answers to most, as published",
    rate=Cited(0.01, "activation_maximization.ipynb: LR = 0.01 for fc8"),
)

EFFECT_PAPER = replace(
    published.UPSCALE,
    about="the network of the study of what the prior does, as published for factor 4",
    inputs=Cited([UniformNoise(3)], "sr_prior_effect.ipynb: input_depth = 3"),
    jitter=Cited(1 / 30, "sr_prior_effect.ipynb: reg_noise_std = 1./30."),
    steps=Cited(2000, "sr_prior_effect.ipynb: num_iter = 2000"),
    kernel=None,
)

PIXELS_EFFECT_PAPER = PixelSetting(
    about="no prior, as published",
    start=Cited((0.0, 0.1), "common_utils.py, get_noise: U(0, 1) / 10"),
    rate=Cited(0.01, "sr_prior_effect.ipynb: LR = 0.01"),
    steps=Cited(2000, "sr_prior_effect.ipynb: num_iter = 2000"),
    objective=Cited(Mse(), "sr_prior_effect.ipynb: mse, OPT_OVER = 'input', net = identity"),
)

TV_EFFECT_PAPER = replace(
    PIXELS_EFFECT_PAPER,
    about="total variation, as published",
    objective=Cited(
        Mse() + 1e-7 * TotalVariation(),
        "sr_prior_effect.ipynb: tv_weight = 1e-7; utils/sr_utils.py: beta 0.5",
    ),
)

IMPEDANCE_PAPER = replace(
    published.DENOISE,
    about="curves of what a network takes to; no notebook has them, these are of denoising",
    jitter=Cited(0.0, "none: nothing is to be averaged away; denoising.ipynb has 1./30."),
    steps=Cited(2400, "denoising.ipynb, for the snail: num_iter = 2400"),
    filters=Cited([], "none: the loss of every step counts"),
)

PREIMAGE = replace(
    PREIMAGE_PAPER,
    about="an image with the same features",
    network=Cited(
        partial(Hourglass, scales=[Scale(32, 28, skip=4, upsample=nearest)] * 5),
        "that of dip/upscale, benchmarks/README.md",
    ),
    rate=Cited(0.01, _CHOSEN),
    steps=Cited(1000, _CHOSEN),
    precision=fastest,
)

PIXELS_PREIMAGE = PixelSetting(
    about="an image with the same features, pixel by pixel",
    start=Cited((0.45, 0.55), _CHOSEN),
    rate=Cited(0.02, _CHOSEN),
    steps=Cited(1000, _CHOSEN),
    objective=Cited(Mse(), "as dip/preimage"),
)

TV_PREIMAGE = replace(
    PIXELS_PREIMAGE,
    about="an image with the same features and little total variation",
    objective=Cited(Mse() + 0.3 * TotalVariation(mean=True), _FOUND),
)

MAXIMISE = replace(
    MAXIMISE_PAPER,
    about="an image that a channel or a class answers to most",
    rate=Cited(0.002, _FOUND),
    steps=Cited(400, _CHOSEN),
    precision=fastest,
)

PIXELS_MAXIMISE = replace(
    PIXELS_PREIMAGE,
    about="an image that a channel or a class answers to most, pixel by pixel",
    rate=Cited(0.05, _CHOSEN),
    steps=Cited(400, "as dip/maximise"),
    objective=Cited(Ascent(), "as dip/maximise"),
    bounded=True,
)

TV_MAXIMISE = replace(
    PIXELS_MAXIMISE,
    about="an image that a channel or a class answers to most, with little total variation",
    objective=Cited(Ascent() + 3000.0 * TotalVariation(mean=True), _FOUND),
)

EFFECT = replace(
    fast.UPSCALE_UNGUIDED,
    about="the network of the study of what the prior does: no guide, noise alone",
    kernel=None,
)

PIXELS_EFFECT = replace(
    PIXELS_EFFECT_PAPER,
    about="no prior",
    steps=Cited(1200, "as dip/effect"),
)

TV_EFFECT = replace(
    PIXELS_EFFECT,
    about="total variation",
    objective=Cited(Mse() + 0.01 * TotalVariation(mean=True), _CHOSEN),
)

TV_EFFECT_NOISE = replace(
    PIXELS_EFFECT,
    about="total variation against noise",
    objective=Cited(Mse() + 0.15 * TotalVariation(mean=True), _CHOSEN),
)

IMPEDANCE = replace(
    IMPEDANCE_PAPER,
    about="curves of what a network takes to: a narrow network",
    network=PREIMAGE.network,
    steps=Cited(1200, _CHOSEN),
    precision=fastest,
)

ANALYSES: dict[str, Setting | PixelSetting] = {
    "dip/preimage": PREIMAGE,
    "pixels/preimage": PIXELS_PREIMAGE,
    "tv/preimage": TV_PREIMAGE,
    "dip/preimage-paper": PREIMAGE_PAPER,
    "dip/preimage-noise-paper": PREIMAGE_NOISE_PAPER,
    "dip/preimage-noise": PREIMAGE_NOISE,
    "dip/maximise": MAXIMISE,
    "pixels/maximise": PIXELS_MAXIMISE,
    "tv/maximise": TV_MAXIMISE,
    "dip/maximise-paper": MAXIMISE_PAPER,
    "dip/maximise-class-paper": MAXIMISE_CLASS_PAPER,
    "dip/effect": EFFECT,
    "pixels/effect": PIXELS_EFFECT,
    "tv/effect": TV_EFFECT,
    "tv/effect-noise": TV_EFFECT_NOISE,
    "dip/effect-paper": EFFECT_PAPER,
    "pixels/effect-paper": PIXELS_EFFECT_PAPER,
    "tv/effect-paper": TV_EFFECT_PAPER,
    "dip/impedance": IMPEDANCE,
    "dip/impedance-paper": IMPEDANCE_PAPER,
}
"""By name; they are for `priorfit analyse`, no task takes them."""


def aimed(setting: Setting | PixelSetting) -> Setting | PixelSetting:
    """The same setting, for an answer that shall come to the observation and not grow."""
    source = "activation_maximization.ipynb: Matcher compares with 200, for classes with 300"
    return replace(setting, objective=Cited(Mae(), source))
