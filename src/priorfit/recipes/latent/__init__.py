"""A trained generator that stands still: its latent is sought, from the best of a random pool."""

from dataclasses import replace

from priorfit.loop.steps import Best
from priorfit.recipes.family import Family
from priorfit.recipes.latent.setting import HalvedEvery, Setting
from priorfit.recipes.method import Cited
from priorfit.terms.data import Mse

_TRIED = "our choice after the few runs of docs/codes.md"
_Z = {"z": HalvedEvery(0.2, 150), "c": HalvedEvery(0.1, 150)}
_W = {"w": HalvedEvery(0.2, 150)}

INVERT = Setting(
    about="the latent z, and the class, of a picture like those that the generator learnt from",
    task="invert",
    generator=Cited("scenes-biggan", "the generator that is told classes among those shipped"),
    space=Cited("z", "every generator has it"),
    candidates=Cited(64, _TRIED),
    rate=Cited(_Z, _TRIED),
    steps=Cited(300, _TRIED),
    objective=Cited(Mse(), "no network beside the generator is needed"),
    filters=Cited([Best], "the step that came closest is the result"),
    longest=Cited(3000, _TRIED),
)

INVERT_W = replace(
    INVERT,
    about="one w for all layers, for generators that have it; none of those shipped has",
    generator=Cited("scenes-stylegan", "the generator with a mapping among those shipped"),
    space=Cited("w", "[karras2019]_"),
    rate=Cited(_W, _TRIED),
)

INVERT_W_PLUS = replace(
    INVERT,
    about="a w for each layer: comes closest, and less is left of what the generator knows",
    generator=Cited("scenes-stylegan", "the generator with a mapping among those shipped"),
    space=Cited("w+", "[abdal2019]_"),
    rate=Cited(_W, _TRIED),
)

DENOISE = Setting(
    about="noise, by what a generator can draw at all: for pictures like those it learnt from",
    task="denoise",
    generator=Cited("scenes-stylegan", "the generator that comes closest among those shipped"),
    space=Cited(None, "the richest space that the generator has comes closest"),
    candidates=Cited(64, _TRIED),
    rate=Cited(_Z | _W, _TRIED),
    steps=Cited(300, _TRIED),
    objective=Cited(Mse(), "no network beside the generator is needed"),
    filters=Cited([Best], "the step that came closest is the result"),
    longest=Cited(3000, _TRIED),
)

INPAINT = replace(DENOISE, about="holes, likewise: what is not known is made up", task="inpaint")

UPSCALE = replace(DENOISE, about="small pictures, likewise: detail is made up", task="upscale")

FAMILY = Family(
    "latent",
    "A trained generator that stands still: its latent is sought, from the best of a random pool",
    methods={
        "latent/invert": INVERT,
        "latent/invert-w": INVERT_W,
        "latent/invert-w+": INVERT_W_PLUS,
        "latent/denoise": DENOISE,
        "latent/inpaint": INPAINT,
        "latent/upscale": UPSCALE,
    },
)
