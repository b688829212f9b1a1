"""Settings of our own, found by experiment for two CPU cores: benchmarks/README.md has the figures.

They run at a constant rate and average what they render, so that they may be stopped at any step.
"""

from dataclasses import replace
from functools import partial

import torch

from priorfit.classical import guides
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.plug_and_play import PlugAndPlay
from priorfit.loop.denoised import Denoised
from priorfit.loop.ensemble import Blended, Weighed
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed
from priorfit.loop.stopping import Implausible
from priorfit.networks.folded import Folded
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style, bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.precision import fastest
from priorfit.priors.deep_image import TARGET
from priorfit.priors.inputs import Companion, Guide, Hiding, MeshGrid, Probing, UniformNoise
from priorfit.priors.moves import STILL, Moving
from priorfit.recipes.setting import Cited, Setting
from priorfit.terms.data import HeldOut, Mse, Near, Sure

_FOUND = "by experiment, benchmarks/README.md"

# Coarser searches than the default, for estimates that are made again and again.
QUICK = BlockMatching(reach=9, alike_again=16, stride=4)
BRIEF = BlockMatching(reach=5, alike=8, alike_again=8, stride=5)

ENLARGED = PlugAndPlay(guides.enlarged, QUICK, first=0.2, last=0.02, steps=10)
FILLED = PlugAndPlay(guides.biharmonic, BRIEF, first=0.12, last=0.01, steps=10, pull=0, inner=1)
SHARPENED = PlugAndPlay(guides.deconvolved, QUICK, first=0.1, last=0.03, steps=4)

# Half the resolution and a pixel shuffle at the end: a quarter of the work.
_HALF = partial(
    Folded,
    network=partial(
        Hourglass,
        scales=[Scale(64, 48, skip=16, upsample=nearest)] * 4,
        style=Style(sigmoid=False),
    ),
)


def _full(up: int, skip: int, skip_filter: int) -> partial[Hourglass]:
    """Full resolution; up + skip is a multiple of 32: joined channels cost least so."""
    scale = Scale(32, up, skip=skip, skip_filter=skip_filter, upsample=nearest)
    return partial(Hourglass, scales=[scale] * 5)


# Without skip connections: what is far from every known pixel comes from the coarse scales alone.
_SMOOTH = partial(
    Hourglass,
    scales=[Scale(w, w, downsampling=AVERAGE, upsample=bilinear) for w in (16, 32, 32, 32, 32)],
)

# The published network for large holes, narrower: with filters of 3×3 on the way down it is worse.
_DEEP = partial(
    Hourglass,
    scales=[Scale(w, w, down_filter=5, upsample=nearest, mix=False) for w in (16, *[32] * 5)],
)

DENOISE = Setting(
    about="white noise of a known or estimated level",
    network=Cited(_HALF, _FOUND),
    inputs=Cited([Probing(guides.non_local_means, copies=24, epsilon=0.02)], _FOUND),
    jitter=Cited(0.0, _FOUND),
    moving=Cited(Moving(turning=True, shifting=16), _FOUND),
    rate=Cited(0.01, "as published, denoising.ipynb: LR = 0.01"),
    steps=Cited(900, _FOUND),
    objective=Cited(Sure(), "[stein1981]_, [ramani2008]_, cut-off noise as [foi2009]_"),
    filters=Cited([partial(Rewinding, drop=10.0), partial(Smoothed, Lengthening())], _FOUND),
    optimizer=partial(torch.optim.Adam, fused=True),
    precision=fastest,
    most=Cited(2000, _FOUND),
)

DENOISE_UNGUIDED = replace(
    DENOISE,
    about="as dip/denoise, without an estimate beside the noisy image",
    inputs=Cited([Probing(guides.observed, copies=24, epsilon=0.02)], _FOUND),
)

# Maskings differ in how hard they are: of two steps one may lose ten times as much.
_WATCHED = (partial(Rewinding, drop=30.0), partial(Smoothed, Lengthening()))

INPAINT = replace(
    DENOISE,
    about="missing pixels: text, scratches, dropouts, regions",
    network=Cited(_full(16, 16, 3), _FOUND),
    inputs=Cited([UniformNoise(8), Hiding(guides.biharmonic, copies=24, fraction=0.1)], _FOUND),
    moving=Cited(STILL, _FOUND),
    steps=Cited(1200, _FOUND),
    objective=Cited(HeldOut(weight=8.0), _FOUND),
    filters=Cited([*_WATCHED, partial(Weighed, FILLED)], _FOUND),
    most=Cited(None, _FOUND),
)

INPAINT_UNGUIDED = replace(
    INPAINT,
    about="as dip/inpaint, without a fill to start from, nor another beside it",
    inputs=Cited([UniformNoise(8), Hiding(guides.observed, copies=24, fraction=0.1)], _FOUND),
    filters=Cited(_WATCHED, _FOUND),
)

INPAINT_DRAWN = replace(
    INPAINT,
    about="missing pixels of drawn pictures: from noise alone, slower",
    network=Cited(_full(32, 32, 3), _FOUND),
    inputs=Cited([UniformNoise(32)], "as published, restoration.ipynb: input_depth = 32"),
    jitter=Cited(0.03, "as published, restoration.ipynb: reg_noise_std = 0.03"),
    objective=Cited(Mse(), "as published, restoration.ipynb: mse(out * mask, img * mask)"),
)

INPAINT_SPARSE = replace(
    INPAINT_UNGUIDED,
    about="a few hundredths of the pixels known",
    network=Cited(_SMOOTH, _FOUND),
    inputs=Cited([MeshGrid(), Guide(guides.biharmonic)], _FOUND),
    steps=Cited(120, _FOUND),
    objective=Cited(Mse(), "as published, restoration.ipynb: mse(out * mask, img * mask)"),
    most=Cited(120, "longer fits follow the few known pixels too closely"),
    runs=Cited(4, _FOUND),
)

INPAINT_LARGE = replace(
    INPAINT_SPARSE,
    about="a large hole",
    network=Cited(_DEEP, _FOUND),
    inputs=Cited([UniformNoise(1)], "as published, inpainting.ipynb: input_depth = 1"),
    steps=Cited(200, _FOUND),
    objective=Cited(Mse(), "as published, inpainting.ipynb: mse(out * mask, img * mask)"),
    most=Cited(None, "more than 200 steps were not tried"),
    runs=Cited(3, _FOUND),
)

UPSCALE_GUIDED = replace(
    INPAINT,
    about="as dip/upscale, with an enlargement as a hint and no denoiser: faster, less good",
    network=Cited(_full(28, 4, 1), _FOUND),
    inputs=Cited([UniformNoise(8), Guide(guides.enlarged)], _FOUND),
    objective=Cited(Mse(), "as published, super-resolution.ipynb: mse"),
    filters=DENOISE.filters,
    kernel=Cited("lanczos3", "as Pillow's LANCZOS reduces"),
    most=Cited(1200, "woman falls from 27.27 dB to 26.42 by step 3457, benchmarks/README.md"),
)

UPSCALE_UNGUIDED = replace(
    UPSCALE_GUIDED,
    about="as dip/upscale, without a denoiser: faster, less good",
    inputs=Cited([UniformNoise(16)], _FOUND),
)

UPSCALE = replace(
    UPSCALE_UNGUIDED,
    about="more pixels, by any whole factor",
    objective=Cited(Mse() + 0.3 * Near(TARGET), f"[mataev2019]_, the weight {_FOUND}"),
    target=Cited(ENLARGED, _FOUND),
    filters=Cited([*DENOISE.filters.value, partial(Denoised, QUICK)], _FOUND),
    most=Cited(None, _FOUND),
)

DEBLUR = replace(
    UPSCALE,
    about="a known blur",
    kernel=None,
    target=Cited(SHARPENED, _FOUND),
    filters=Cited([*UPSCALE.filters.value, partial(Blended, SHARPENED, 0.5)], _FOUND),
)

DEJPEG = replace(
    DENOISE,
    about="compression artefacts",
    steps=Cited(400, _FOUND),
    objective=Cited(Sure(clipped=False), "[stein1981]_, [ramani2008]_"),
    filters=Cited([*DENOISE.filters.value, Implausible], _FOUND),
    most=Cited(900, _FOUND),
)

FUSE = replace(
    UPSCALE_GUIDED,
    about="flash and no-flash photographs of one scene",
    kernel=None,
    inputs=Cited([Companion()], "as published, flash-no-flash.ipynb: net_input = flash image"),
    steps=Cited(300, _FOUND),
    most=Cited(300, _FOUND),
)

ENHANCE = replace(
    UPSCALE_UNGUIDED,
    about="the coarse layer of a picture, whose detail is then boosted",
    kernel=None,
    steps=Cited(200, "by eye, of 50, 100, 150, 200 and 300: the astronaut of docs/gallery.md"),
    most=Cited(200, "a longer fit leaves less detail to boost"),
)
