"""Parts that several of our own settings of Deep Image Prior share."""

from collections.abc import Callable
from functools import partial

import torch

from priorfit.classical import guides
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.plug_and_play import PlugAndPlay
from priorfit.loop.state import Filter
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed
from priorfit.networks.folded import Folded
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style, bilinear, nearest
from priorfit.networks.pools import AVERAGE
from priorfit.networks.precision import fastest
from priorfit.recipes.method import Cited

FOUND = "by experiment, benchmarks/README.md"

# Coarser searches than the default, for estimates that are made again and again.
QUICK = BlockMatching(reach=9, alike_again=16, stride=4)
BRIEF = BlockMatching(reach=5, alike=8, alike_again=8, stride=5)

ENLARGED = PlugAndPlay(guides.enlarge, QUICK, first=0.2, last=0.02, steps=10)
FILLED = PlugAndPlay(guides.biharmonic, BRIEF, first=0.12, last=0.01, steps=10, pull=0, inner=1)
FILLED_LONGER = PlugAndPlay(
    guides.biharmonic, QUICK, first=0.12, last=0.005, steps=32, pull=0, inner=1
)
SHARPENED = PlugAndPlay(guides.wiener, QUICK, first=0.1, last=0.03, steps=4)

# Half the resolution and a pixel shuffle at the end: a quarter of the work.
HALF = partial(
    Folded,
    network=partial(
        Hourglass,
        scales=[Scale(64, 48, skip=16, upsample=nearest)] * 4,
        style=Style(sigmoid=False),
    ),
)


def full_resolution(up: int, skip: int, skip_filter: int) -> partial[Hourglass]:
    """A network at full resolution.

    Args:
        up: channels on the way up; up + skip is a multiple of 32: joined channels cost least so.
        skip: channels of the skip connections.
        skip_filter: side of their filters.
    """
    scale = Scale(32, up, skip=skip, skip_filter=skip_filter, upsample=nearest)
    return partial(Hourglass, scales=[scale] * 5)


# Without skip connections: what is far from every known pixel comes from the coarse scales alone.
SMOOTH = partial(
    Hourglass,
    scales=[Scale(w, w, downsampling=AVERAGE, upsample=bilinear) for w in (16, 32, 32, 32, 32)],
)

# The published network for large holes, narrower: with filters of 3×3 on the way down it is worse.
DEEP = partial(
    Hourglass,
    scales=[Scale(w, w, down_filter=5, upsample=nearest, mix=False) for w in (16, *[32] * 5)],
)

ADAM = Cited(partial(torch.optim.Adam, fused=True), "Adam, in the form that torch computes fastest")
FASTEST = Cited(fastest, "bfloat16 where the processor computes in it, for speed")


def averaged(*before: Callable[[], Filter], drop: float = 10.0) -> list[Callable[[], Filter]]:
    """What keeps a fit from collapsing, and averages what it draws.

    Args:
        before: filters that act before the average.
        drop: fall in dB, against the observation, that the fit goes back from.
    """
    return [partial(Rewinding, drop=drop), *before, partial(Smoothed, Lengthening())]
