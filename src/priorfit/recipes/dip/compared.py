"""Other papers' ways to fit an untrained network, to compare with.

What is fitted and how the input moves are the papers'; networks, precision, averages and the rate
of the weights are those of our own settings, so that a processor can run them.
"""

from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.ensemble import Langevin, Posterior
from priorfit.loop.steps import Rewinding, Sequential
from priorfit.networks.deep_decoder import DeepDecoder
from priorfit.priors.inputs import Guide, Relative, UniformNoise
from priorfit.recipes.dip.parts import ADAM, FASTEST, FOUND, HALF, averaged, full_resolution
from priorfit.recipes.dip.setting import Setting
from priorfit.recipes.method import Cited, Method
from priorfit.terms.data import Mse, Near

_SCRIPT = "a public script after the authors' notebook"
_AS_DENOISE, _AS_INPAINT = "as dip/denoise", "as dip/inpaint"
_RATE = Cited(0.01, "as published, denoising.ipynb: LR = 0.01")

DENOISE_DECODER = Setting(
    about="white noise by the Deep Decoder, too small to follow it: for comparison, less good",
    task="denoise",
    network=Cited(
        partial(DeepDecoder, width=128),
        "supplement_deep_decoder@878e41d, include/decoder.py: num_channels_up = [128] * 5",
    ),
    inputs=Cited([UniformNoise(128)], "[heckel2019]_: as many channels, scaled by 1/10"),
    rate=Cited(0.01, _AS_DENOISE),
    steps=Cited(2000, FOUND),
    objective=Cited(Mse(), "[heckel2019]_: squared error"),
    filters=Cited(averaged(), FOUND),
    optimizer=ADAM,
    precision=FASTEST,
)

DENOISE_POSTERIOR = Setting(
    about="white noise, by the mean of a posterior that is wandered through: for its uncertainty",
    task="denoise",
    network=Cited(HALF, _AS_DENOISE),
    inputs=Cited([UniformNoise(32)], "as published, denoising.ipynb: input_depth = 32"),
    jitter=Cited(1 / 30, "as published, denoising.ipynb: reg_noise_std = 1./30."),
    rate=_RATE,
    steps=Cited(1500, FOUND),
    objective=Cited(Mse(), "[cheng2019]_: squared error"),
    filters=Cited(
        [
            partial(Rewinding, drop=10.0),
            partial(Langevin, 2.0),
            partial(Posterior, burn_in=500, every=5),
        ],
        "[cheng2019]_, authors' code: param_noise_sigma = 2; burn-in and spacing by experiment",
    ),
    optimizer=ADAM,
    precision=FASTEST,
)

DENOISE_SELF_GUIDED = Setting(
    about="white noise, by a network and its input fitted together: for comparison, less good",
    task="denoise",
    network=Cited(HALF, _AS_DENOISE),
    inputs=Cited([UniformNoise(3, scale=1.0)], "authors' notebook: U(0, 1), shaped like the image"),
    jitter=Cited(Relative(0.5), f"[liang2025]_: as strong as z; U(0, max z / 2): {_SCRIPT}"),
    draws=Cited(3, f"[liang2025]_: the mean over some draws; 3: {_SCRIPT}"),
    rate=Cited(
        {"network": 0.01, "z": 0.1},
        "z: authors' notebook, lr = 1e-1; network: as published, denoising.ipynb: LR = 0.01",
    ),
    steps=Cited(400, FOUND),
    objective=Cited(Mse() + 2.0 * Near("z.0"), "[liang2025]_; authors' notebook: alpha = 2"),
    filters=Cited(averaged(), f"{FOUND}; authors' notebook: exp_weight = 0.99"),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(400, FOUND),
)

INPAINT_SELF_GUIDED = replace(
    DENOISE_SELF_GUIDED,
    about="missing pixels, by a network and its input fitted together: for comparison",
    task="inpaint",
    network=Cited(full_resolution(16, 16, 3), _AS_INPAINT),
    objective=Cited(Mse() + 0.01 * Near("z.0"), f"[liang2025]_; the weight {FOUND}"),
    steps=Cited(600, FOUND),
    longest=Cited(None, "none was looked for"),
)

DENOISE_SEQUENTIAL = Setting(
    about="white noise, by a network fed with what it drew last: for comparison, less good",
    task="denoise",
    network=Cited(HALF, _AS_DENOISE),
    inputs=Cited([Guide(guides.observation)], "[alkhouri2024]_: z begins as the adjoint of y"),
    rate=Cited(0.01, _AS_DENOISE),
    steps=Cited(700, FOUND),
    objective=Cited(Mse() + 1.0 * Near("z.0"), "[alkhouri2024]_; authors' code: weight 1"),
    filters=Cited(
        averaged(partial(Sequential, every=2)), f"[alkhouri2024]_: N = 2; averages {FOUND}"
    ),
    optimizer=ADAM,
    precision=FASTEST,
    longest=Cited(700, FOUND),
)

INPAINT_SEQUENTIAL = replace(
    DENOISE_SEQUENTIAL,
    about="missing pixels, by a network fed with what it drew last: for comparison, less good",
    task="inpaint",
    network=Cited(full_resolution(16, 16, 3), _AS_INPAINT),
    rate=Cited(0.01, _AS_INPAINT),
    steps=Cited(400, FOUND),
    longest=Cited(400, FOUND),
)

METHODS: dict[str, Method] = {
    "dip/denoise-decoder": DENOISE_DECODER,
    "dip/denoise-posterior": DENOISE_POSTERIOR,
    "dip/denoise-self-guided": DENOISE_SELF_GUIDED,
    "dip/inpaint-self-guided": INPAINT_SELF_GUIDED,
    "dip/denoise-sequential": DENOISE_SEQUENTIAL,
    "dip/inpaint-sequential": INPAINT_SEQUENTIAL,
}
"""By name."""
