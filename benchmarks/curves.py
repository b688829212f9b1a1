"""Quality against time: PSNR while a recipe runs, written as it goes."""

import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.suites import RESULTS, SUITES, Case, Pixels, score
from priorfit.degradations import Border, Downsample, Identity, Lanczos, Mask
from priorfit.finish import KeepKnownPixels
from priorfit.problem import Problem
from priorfit.recipes import Setting
from priorfit.restore import Fit
from priorfit.types import Image


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
    case = next(case for case in SUITES[curve.suite]() if case.name == curve.image)
    problem = problem_of(case)
    started = time.perf_counter()
    fit = Fit(problem, curve.setting.recipe(curve.steps), [0])
    seconds = time.perf_counter() - started
    points: list[tuple[int, float, float]] = []
    before = time.perf_counter()
    for step in fit:
        if step.state.taken % curve.every == 0:
            seconds += time.perf_counter() - before
            finished = KeepKnownPixels()(step.image, problem)
            points.append(
                (step.state.taken, round(seconds, 2), round(score(case, pixels(finished)), 2))
            )
            curve.results.write_text(json.dumps(_described(curve, points)) + "\n")
            before = time.perf_counter()


def problem_of(case: Case) -> Problem:
    """The case as the core takes it."""
    y = _tensor(case.damaged)
    if case.hole is not None:
        mask = Mask((_tensor(case.hole) < 0.5).float())
        return Problem(mask(y), mask)
    if case.suite == "set5_x4":
        return Problem(y, Downsample(4, Lanczos(3), border=Border.RENORMALISE))
    return Problem(y, Identity(), noise_std=25 / 255)


def pixels(image: Image) -> Pixels:
    """One image as 8-bit (H, W) or (H, W, 3)."""
    array = image[0].detach().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return (array * 255).round().astype(np.uint8).squeeze()


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


def _tensor(pixels: Pixels) -> Image:
    array = pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / 255
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()
