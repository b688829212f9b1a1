"""Quality against time: PSNR while a recipe runs, written as it goes."""

import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch

from benchmarks.suites import RESULTS, SHARED
from priorfit.bench.damages import levels
from priorfit.bench.suites import SUITES
from priorfit.loop.fit import Fit
from priorfit.recipes.dip import Setting


@dataclass(frozen=True)
class Curve:
    """What to record.

    Args:
        suite: name in `SUITES`.
        image: of the suite.
        name: of the setting.
        setting: what to fit.
        steps: length of the fit.
        every: steps between points.
    """

    suite: str
    image: str
    name: str
    setting: Setting
    steps: int
    every: int = 20

    @property
    def results(self) -> Path:
        """File to write."""
        return RESULTS / f"curve-{self.suite}-{self.image}-{self.name.replace('/', '-')}.json"


def record(curve: Curve) -> None:
    """Fit, and keep (step, seconds since the start, PSNR so far) after every so many steps."""
    case = SUITES[curve.suite].case(curve.image, SHARED, side=256)
    problem = case.problem
    started = time.perf_counter()
    fit = Fit(problem, curve.setting.recipe(curve.steps), [0])
    seconds = time.perf_counter() - started
    points: list[tuple[int, float, float]] = []
    before = time.perf_counter()
    for step in fit:
        if step.state.taken % curve.every == 0:
            seconds += time.perf_counter() - before
            finished = problem.apply_finish(step.image)
            ratio = case.score(levels(finished))["psnr"]
            points.append((step.state.taken, round(seconds, 2), round(ratio, 2)))
            curve.results.write_text(json.dumps(_described(curve, points)) + "\n")
            before = time.perf_counter()


def _described(curve: Curve, points: list[tuple[int, float, float]]) -> dict[str, Any]:
    return {
        "suite": curve.suite,
        "image": curve.image,
        "setting": curve.name,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "date": date.today().isoformat(),
        "columns": ["step", "seconds", "psnr"],
        "points": points,
    }
