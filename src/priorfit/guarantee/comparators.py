"""The cheap alternatives to a fit: what a result must surpass to be worth its time."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from PIL import Image as PillowImage

from priorfit import recipes
from priorfit.classical import guides
from priorfit.classical.camera_noise import camera_denoised, camera_smoothed
from priorfit.degradations import Identity
from priorfit.errors import ProblemError
from priorfit.loop.fit import restore
from priorfit.problem import Problem
from priorfit.types import Image

PATIENCE = 10.0
"""Seconds that a cheap method may take unless somebody says otherwise."""

SAME = 0.1
"""Two results whose PSNR differs by fewer dB are as good as each other."""


@dataclass(frozen=True)
class Comparator:
    """A cheap method.

    Args:
        name: as tables have it.
        solve: problem to (B, C, H, W) in [0, 1], which for a blur may be the larger canvas.
        cost: seconds a megapixel of a result in colour, on one core of the machine that
            benchmarks/README.md names.
        least: seconds for the smallest picture.
    """

    name: str
    solve: Callable[[Problem], Image]
    cost: float = 0.0
    least: float = 0.0

    def fits(self, problem: Problem, patience: float) -> bool:
        """Whether it would take no more seconds, by its cost, so that the same run on any day."""
        pixels = problem.shape[1] * problem.shape[2]
        return max(self.least, self.cost * pixels / 1e6) <= patience


@dataclass(frozen=True, eq=False)
class Alternative:
    """What a comparator made of a problem.

    Args:
        name: of the comparator.
        image: (B, C, H, W) in [0, 1], of the size of a result.
        seconds: wall time.
    """

    name: str
    image: Image
    seconds: float


def zero_shot(problem: Problem) -> Image:
    """Zero-Shot Noise2Noise, as published, seed 0 [mansour2023]_."""
    plain = replace(problem, finish=())
    return restore(plain, recipes.load("zs-n2n/denoise"), range(len(problem))).image


AS_IT_WAS = Comparator("as it was", guides.observation)
"""Nothing done at all."""

NON_LOCAL_MEANS = Comparator("non-local means", guides.non_local_means, 1.5)
TOTAL_VARIATION = Comparator("total variation", guides.total_variation, 0.5)
BLOCK_MATCHING = Comparator("block matching", guides.block_matching, 80.0)
CAMERA = Comparator("camera denoiser", camera_denoised, 110.0)
CAMERA_QUICK = Comparator("quick camera denoiser", camera_smoothed, 2.0)
ZERO_SHOT = Comparator("ZS-N2N", zero_shot, 1400.0, least=20.0)
BIHARMONIC = Comparator("biharmonic", guides.biharmonic, 6.0)
PYRAMID = Comparator("pyramid fill", guides.pyramid, 0.3)
BICUBIC = Comparator(
    "bicubic", partial(guides.enlarge, resample=PillowImage.Resampling.BICUBIC), 0.1
)
LANCZOS = Comparator("Lanczos", guides.enlarge, 0.1)
WIENER = Comparator("Wiener", guides.wiener, 0.5)

SMOOTHING = (AS_IT_WAS, NON_LOCAL_MEANS, TOTAL_VARIATION)


def alternatives(
    methods: Sequence[Comparator], problem: Problem, patience: float = PATIENCE
) -> list[Alternative]:
    """Solve a problem in several cheap ways.

    Args:
        methods: those that a task is compared with.
        problem: to solve.
        patience: seconds that each may take, by its cost.

    Returns:
        In the order of the methods.
    """
    _load()
    chosen = [each for each in methods if each.fits(problem, patience)]
    made = [_made(comparator, problem) for comparator in chosen]
    return [alternative for alternative in made if alternative is not None]


def left_out(
    methods: Sequence[Comparator], problem: Problem, patience: float = PATIENCE
) -> tuple[str, ...]:
    """Names of the comparators that would try the patience."""
    return tuple(each.name for each in methods if not each.fits(problem, patience))


def verdict(ours: float, others: Mapping[str, float]) -> str | None:
    """Say which cheap alternative does as well as a result, or better.

    Args:
        ours: PSNR of the result in dB.
        others: PSNR of the alternatives, by name.

    Returns:
        None if the result is better than each by 0.1 dB or more.
    """
    if not others:
        return None
    name = max(others, key=lambda key: others[key])
    if others[name] == ours:  # both may be infinite
        return f"a cheap alternative is as good: {name}, of the same PSNR"
    ahead = others[name] - ours
    if ahead >= SAME:
        return f"a cheap alternative is better: {name}, by {ahead:.2f} dB"
    if ahead > -SAME:
        how = "more" if ahead > 0 else "less"
        return f"a cheap alternative is as good: {name}, {abs(ahead):.2f} dB {how}"
    return None


@cache
def _load() -> None:
    """Have loaded what is loaded at the first call, which is no method's own time."""
    flat = Problem(torch.zeros(1, 1, 8, 8), Identity(), noise_std=0.1)
    for comparator in SMOOTHING:
        comparator.solve(flat)


def _made(comparator: Comparator, problem: Problem) -> Alternative | None:
    started = time.perf_counter()
    try:
        image = comparator.solve(problem).clamp(0, 1)
    except ProblemError:  # a blur of unknown kernel, say, is nothing for Wiener
        return None
    image = problem.apply_finish(image)
    return Alternative(comparator.name, image, time.perf_counter() - started)
