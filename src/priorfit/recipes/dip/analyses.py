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
from priorfit.priors.inputs import UniformNoise
from priorfit.recipes.dip.parts import ADAM, FASTEST, FOUND, averaged, full_resolution
from priorfit.recipes.dip.setting import Filters, Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Ascent, Mse

_TRIED = "our choice after the few runs of docs/analyses.md"
_CHOSEN = "our choice, not compared with others"
_WIDTHS = (16, 32, 64, 128, 128, 128)
_NARROW = partial(Hourglass, scales=[Scale(32, 28, skip=4, upsample=nearest)] * 5)
_WIDE = partial(Hourglass, scales=[Scale(128, 128, skip=4, upsample=bilinear)] * 5)

_INVERTING = Cited(
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
)
_FEATURES = Cited(Mse(), "feature_inversion.ipynb: mse of the features")
_LAST: Filters = Cited([], "feature_inversion.ipynb: the last output is the result")

_MAXIMISING = Cited(
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
)
_ASCENT = Cited(
    Ascent(),
    "activation_maximization.ipynb: Matcher of method 'maximize'; it sums where this averages, "
    "which Adam does not tell apart",
)

PREIMAGE_PAPER = Setting(
    about="an image with the same features, as published for AlexNet and VGG-19",
    task="preimage",
    network=_INVERTING,
    inputs=Cited([UniformNoise(32)], "feature_inversion.ipynb: input_depth = 32"),
    jitter=Cited(0.0, "feature_inversion.ipynb: reg_noise_std = 0"),
    rate=Cited(0.001, "feature_inversion.ipynb: LR = 0.001"),
    steps=Cited(3100, "feature_inversion.ipynb: num_iter = 3100"),
    objective=_FEATURES,
    filters=_LAST,
    published=True,
)

PREIMAGE_NOISE_PAPER = Setting(
    about="as dip/preimage-paper with heavy noise on the input, as the notebook's appendix ran",
    task="preimage",
    network=_INVERTING,
    inputs=Cited([UniformNoise(2)], "feature_inversion.ipynb, more noise: input_depth = 2"),
    jitter=Cited(
        Stairs(((10_000, 10.0), (15_000, 2.0), (20_000, 0.5))),
        "feature_inversion.ipynb, more noise: normal_() * 10, * 2, / 2",
    ),
    rate=Cited(0.01, "feature_inversion.ipynb, more noise: LR = 0.01"),
    steps=Cited(20_000, "feature_inversion.ipynb, more noise: num_iter = 20000"),
    objective=_FEATURES,
    filters=_LAST,
    published=True,
)

PREIMAGE_NOISE = replace(
    PREIMAGE_NOISE_PAPER,
    about="as dip/preimage-noise-paper with the noise on the weights that was meant too",
    weight_noise=Cited(
        Stairs(((10_000, 1 / 50), (15_000, 1 / 100))),
        "feature_inversion.ipynb, more noise: n.std() / 50, / 100, as it was meant",
    ),
    published=False,
)

PREIMAGE = Setting(
    about="an image with the same features",
    task="preimage",
    network=Cited(_NARROW, "that of dip/upscale, benchmarks/README.md"),
    inputs=Cited([UniformNoise(32)], "as published, feature_inversion.ipynb: input_depth = 32"),
    rate=Cited(0.01, _CHOSEN),
    steps=Cited(1000, _CHOSEN),
    objective=Cited(Mse(), "as published, feature_inversion.ipynb: mse of the features"),
    filters=Cited([], "as published, feature_inversion.ipynb: the last output is the result"),
    precision=FASTEST,
)

MAXIMISE_PAPER = Setting(
    about="an image that a channel answers to most, as published",
    task="maximise",
    network=_MAXIMISING,
    inputs=Cited([UniformNoise(32)], "activation_maximization.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "activation_maximization.ipynb: reg_noise_std = 0.03"),
    rate=Cited(0.001, "activation_maximization.ipynb: LR = 0.001"),
    steps=Cited(3100, "activation_maximization.ipynb: num_iter = 3100"),
    objective=_ASCENT,
    filters=Cited([], "activation_maximization.ipynb: the last output is the result"),
    published=True,
)

MAXIMISE_CLASS_PAPER = replace(
    MAXIMISE_PAPER,
    about="an image that a class answers to most, as published",
    rate=Cited(0.01, "activation_maximization.ipynb: LR = 0.01 for fc8"),
)

MAXIMISE = replace(
    MAXIMISE_PAPER,
    about="an image that a channel or a class answers to most",
    rate=Cited(0.002, _TRIED),
    steps=Cited(400, _CHOSEN),
    precision=FASTEST,
    published=False,
)

EFFECT_PAPER = Setting(
    about="the network of the study of what the prior does, as published for factor 4",
    task="effect",
    network=Cited(
        _WIDE,
        "sr_prior_effect.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, "
        "bilinear",
    ),
    inputs=Cited([UniformNoise(3)], "sr_prior_effect.ipynb: input_depth = 3"),
    jitter=Cited(1 / 30, "sr_prior_effect.ipynb: reg_noise_std = 1./30."),
    rate=Cited(0.01, "sr_prior_effect.ipynb: LR = 0.01"),
    steps=Cited(2000, "sr_prior_effect.ipynb: num_iter = 2000"),
    objective=Cited(Mse(), "sr_prior_effect.ipynb: mse"),
    filters=Cited([], "sr_prior_effect.ipynb: the last output is the result"),
    published=True,
)

EFFECT = Setting(
    about="the network of the study of what the prior does: no guide, noise alone",
    task="effect",
    network=Cited(full_resolution(28, 4, 1), "that of dip/upscale-unguided"),
    inputs=Cited([UniformNoise(16)], "as dip/upscale-unguided"),
    rate=Cited(0.01, "as dip/upscale-unguided"),
    steps=Cited(1200, "as dip/upscale-unguided"),
    objective=Cited(Mse(), "as published, sr_prior_effect.ipynb: mse"),
    filters=Cited(averaged(), f"as dip/upscale-unguided: {FOUND}"),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(1200, "as dip/upscale-unguided"),
)

IMPEDANCE_PAPER = Setting(
    about="curves of how fast a network fits pictures and noise: the network of denoising.ipynb",
    task="impedance",
    network=Cited(
        _WIDE,
        "denoising.ipynb: skip_n33d = skip_n33u = 128, skip_n11 = 4, num_scales = 5, bilinear",
    ),
    inputs=Cited([UniformNoise(32)], "denoising.ipynb: input_depth = 32, INPUT = 'noise'"),
    jitter=Cited(0.0, "none: nothing is to be averaged away; denoising.ipynb has 1./30."),
    rate=Cited(0.01, "denoising.ipynb: LR = 0.01"),
    steps=Cited(2400, "denoising.ipynb, for the snail: num_iter = 2400"),
    objective=Cited(Mse(), "denoising.ipynb: torch.nn.MSELoss"),
    filters=Cited([], "none: the loss of every step counts"),
    published=True,
)

IMPEDANCE = replace(
    IMPEDANCE_PAPER,
    about="curves of how fast a network fits pictures and noise: a narrow network",
    network=Cited(_NARROW, "that of dip/upscale, benchmarks/README.md"),
    steps=Cited(1200, _CHOSEN),
    precision=FASTEST,
    published=False,
)

METHODS: dict[str, Method] = {
    "dip/preimage-paper": PREIMAGE_PAPER,
    "dip/preimage-noise-paper": PREIMAGE_NOISE_PAPER,
    "dip/preimage-noise": PREIMAGE_NOISE,
    "dip/preimage": PREIMAGE,
    "dip/maximise-paper": MAXIMISE_PAPER,
    "dip/maximise-class-paper": MAXIMISE_CLASS_PAPER,
    "dip/maximise": MAXIMISE,
    "dip/effect-paper": EFFECT_PAPER,
    "dip/effect": EFFECT,
    "dip/impedance-paper": IMPEDANCE_PAPER,
    "dip/impedance": IMPEDANCE,
}
"""By name."""
