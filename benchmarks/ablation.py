"""The experiment behind the fast settings: each variant leaves one choice out, or makes another."""

from dataclasses import replace
from functools import partial

from benchmarks.curves import Curve
from priorfit import recipes
from priorfit.classical import guides
from priorfit.loop.steps import Smoothed
from priorfit.networks.folded import Folded
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style, nearest
from priorfit.priors.inputs import Estimator, Guide, UniformNoise
from priorfit.priors.moves import STILL, Moving
from priorfit.recipes import Cited
from priorfit.recipes.dip import Setting
from priorfit.recipes.dip.denoise import DENOISE
from priorfit.recipes.dip.inpaint import INPAINT
from priorfit.recipes.dip.upscale import UPSCALE
from priorfit.terms.data import Mse

_HERE = "benchmarks/ablation.py"


def _cited(setting: Setting, field: str, value: object) -> Setting:
    return replace(setting, **{field: Cited(value, _HERE)})


def _half(down: int, up: int, skip: int) -> partial[Folded]:
    scale = Scale(down, up, skip, upsample=nearest)
    network = partial(Hourglass, scales=[scale] * 4, style=Style(sigmoid=False))
    return partial(Folded, network=network)


def _full(down: int, up: int, skip: int, skip_filter: int) -> partial[Hourglass]:
    scale = Scale(down, up, skip, skip_filter=skip_filter, upsample=nearest)
    return partial(Hourglass, scales=[scale] * 5)


def _hinted(setting: Setting, estimate: Estimator) -> Setting:
    """The estimate beside noise, a plain squared error: the prototypes' start."""
    plain = _cited(setting, "inputs", [UniformNoise(4), Guide(estimate)])
    return _cited(plain, "objective", Mse())


VARIANTS: dict[str, tuple[str, str, Setting]] = {
    "denoise": ("denoise25", "F16", DENOISE),
    "denoise-not-moved": ("denoise25", "F16", _cited(DENOISE, "moving", STILL)),
    "denoise-not-shifted": ("denoise25", "F16", _cited(DENOISE, "moving", Moving(turning=True))),
    "denoise-unguided": ("denoise25", "F16", recipes.find("dip/denoise-unguided")),
    "denoise-plain-error": ("denoise25", "F16", _hinted(DENOISE, guides.non_local_means)),
    "denoise-64-64-16": ("denoise25", "F16", _cited(DENOISE, "network", _half(64, 64, 16))),
    "denoise-32": ("denoise25", "F16", _cited(DENOISE, "network", _half(32, 16, 16))),
    "denoise-average-0.99": ("denoise25", "F16", _cited(DENOISE, "filters", [Smoothed])),
    "inpaint": ("pixels50", "house", INPAINT),
    "inpaint-unguided": ("pixels50", "house", recipes.find("dip/inpaint-unguided")),
    "inpaint-plain-error": ("pixels50", "house", _hinted(INPAINT, guides.biharmonic)),
    "inpaint-32-32-16": ("pixels50", "house", _cited(INPAINT, "network", _full(32, 32, 16, 3))),
    "inpaint-half": ("pixels50", "house", _cited(INPAINT, "network", _half(64, 48, 16))),
    "inpaint-turned": ("pixels50", "house", _cited(INPAINT, "moving", Moving(turning=True))),
    "upscale": ("set5_x4", "butterfly", UPSCALE),
    "upscale-unguided": ("set5_x4", "butterfly", recipes.find("dip/upscale-unguided")),
    "upscale-32-32-4": ("set5_x4", "butterfly", _cited(UPSCALE, "network", _full(32, 32, 4, 1))),
    "upscale-half": ("set5_x4", "butterfly", _cited(UPSCALE, "network", _half(64, 48, 16))),
}

CURVES = [
    Curve("denoise25", "F16", "dip/denoise-paper", recipes.find("dip/denoise-paper"), 1800),
    *(
        Curve(suite, image, name, setting, 1000)
        for name, (suite, image, setting) in VARIANTS.items()
    ),
]
