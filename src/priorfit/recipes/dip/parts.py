"""What our own settings share: networks, estimates, and what watches the loop.

Found by experiment for two CPU cores; benchmarks/README.md has the figures. The fits run at a
constant rate and average what they render, so that they may be stopped at any step.
"""

from functools import partial

import torch

from priorfit.classical import guides
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.plug_and_play import PlugAndPlay
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import nearest

FOUND = "by experiment, benchmarks/README.md"

# Coarser searches than the default, for estimates that are made again and again.
QUICK = BlockMatching(reach=9, alike_again=16, stride=4)
BRIEF = BlockMatching(reach=5, alike=8, alike_again=8, stride=5)

ENLARGED = PlugAndPlay(guides.enlarged, QUICK, first=0.2, last=0.02, steps=10)
FILLED = PlugAndPlay(guides.biharmonic, BRIEF, first=0.12, last=0.01, steps=10, pull=0, inner=1)
SHARPENED = PlugAndPlay(guides.deconvolved, QUICK, first=0.1, last=0.03, steps=4)

ADAM = partial(torch.optim.Adam, fused=True)

AVERAGED = (partial(Rewinding, drop=10.0), partial(Smoothed, Lengthening()))

# Maskings differ in how hard they are: of two steps one may lose ten times as much.
WATCHED = (partial(Rewinding, drop=30.0), partial(Smoothed, Lengthening()))


def full_resolution(up: int, skip: int, skip_filter: int) -> partial[Hourglass]:
    """Five scales; up + skip is a multiple of 32: joined channels cost least so."""
    scale = Scale(32, up, skip=skip, skip_filter=skip_filter, upsample=nearest)
    return partial(Hourglass, scales=[scale] * 5)
