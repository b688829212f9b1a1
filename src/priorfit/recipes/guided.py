"""Settings whose input moves, to compare with: the self-guided and the sequential prior.

What is fitted and how the input moves are the papers'; networks, precision, averages and the rate
of the weights are those of `fast`, so that a processor can run them.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from priorfit.classical import guides
from priorfit.loop.state import Filter
from priorfit.loop.steps import Lengthening, Rewinding, Sequential, Smoothed
from priorfit.priors.inputs import Guide, Relative, UniformNoise
from priorfit.priors.moves import STILL
from priorfit.recipes.fast import DENOISE as FAST_DENOISE
from priorfit.recipes.fast import INPAINT as FAST_INPAINT
from priorfit.recipes.setting import Cited
from priorfit.terms.data import Mse, Near

_FOUND = "by experiment, benchmarks/README.md"
_SCRIPT = "a public script after the authors' notebook"
_UNMOVED = Cited(STILL, "neither paper does")


def _averaged(*before: Callable[[], Filter]) -> list[Callable[[], Filter]]:
    return [partial(Rewinding, drop=10.0), *before, partial(Smoothed, Lengthening())]


DENOISE_SELF_GUIDED = replace(
    FAST_DENOISE,
    about="white noise, by a network and its input fitted together: for comparison, less good",
    inputs=Cited([UniformNoise(3, scale=1.0)], "authors' notebook: U(0, 1), shaped like the image"),
    jitter=Cited(Relative(0.5), f"[liang2025]_: as strong as z; U(0, max z / 2): {_SCRIPT}"),
    moving=_UNMOVED,
    draws=Cited(3, f"[liang2025]_: the mean over some draws; 3: {_SCRIPT}"),
    rate=Cited(
        {"network": 0.01, "z": 0.1},
        "z: authors' notebook, lr = 1e-1; network: as published, denoising.ipynb: LR = 0.01",
    ),
    objective=Cited(Mse() + 2.0 * Near("z.0"), "[liang2025]_; authors' notebook: alpha = 2"),
    filters=Cited(_averaged(), f"{_FOUND}; authors' notebook: exp_weight = 0.99"),
    steps=Cited(400, _FOUND),
    most=Cited(400, _FOUND),
)

INPAINT_SELF_GUIDED = replace(
    DENOISE_SELF_GUIDED,
    about="missing pixels, by a network and its input fitted together: for comparison",
    network=FAST_INPAINT.network,
    objective=Cited(Mse() + 0.01 * Near("z.0"), f"[liang2025]_; the weight {_FOUND}"),
    steps=Cited(600, _FOUND),
    most=Cited(None, _FOUND),
)

DENOISE_SEQUENTIAL = replace(
    FAST_DENOISE,
    about="white noise, by a network fed with what it drew last: for comparison, less good",
    inputs=Cited([Guide(guides.observed)], "[alkhouri2024]_: z begins as the adjoint of y"),
    moving=_UNMOVED,
    objective=Cited(Mse() + 1.0 * Near("z.0"), "[alkhouri2024]_; authors' code: weight 1"),
    filters=Cited(
        _averaged(partial(Sequential, every=2)), f"[alkhouri2024]_: N = 2; averages {_FOUND}"
    ),
    steps=Cited(700, _FOUND),
    most=Cited(700, _FOUND),
)

INPAINT_SEQUENTIAL = replace(
    DENOISE_SEQUENTIAL,
    about="missing pixels, by a network fed with what it drew last: for comparison, less good",
    network=FAST_INPAINT.network,
    steps=Cited(400, _FOUND),
    most=Cited(400, _FOUND),
)
