"""What a checkpoint of a long fit costs: seconds, bytes, and its share of the time by default.

The fit is a short one; its `Rewinding` copies itself every second step, so that its state is soon
as large as that of a fit of more than a hundred steps.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import problem_of
from priorfit import recipes
from priorfit.engine.keeping import EVERY, interval
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.steps import Filter, Rewinding
from priorfit.runs import Job, saved
from priorfit.runs.saved import Saved
from priorfit.tasks import Denoise

RECIPES = ("dip/denoise", "dip/denoise-paper")
_SIDE, _STEPS = 256, 6


def measure(rounds: int, results: Path) -> None:
    """Take a few steps of each recipe, and so many checkpoints of it."""
    report: dict[str, Any] = {
        "command": "python -m benchmarks checkpoints",
        "date": date.today().isoformat(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load before": round(os.getloadavg()[0], 1),
        "picture": f"{_SIDE}×{_SIDE}",
        "saves": rounds,
        "recipes": {name: cost(name, rounds) for name in RECIPES},
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    results.write_text(text + "\n")
    print(text)


def cost(name: str, rounds: int) -> dict[str, Any]:
    """Medians of a recipe's step and checkpoint, and what they come to over its whole length."""
    recipe = recipes.load(name)
    fit = Fit(problem_of(name, _SIDE), _copying_often(recipe), [0])
    running = islice(fit, _STEPS)
    steps = [_seconds(lambda: next(running)) for _ in range(_STEPS)]
    with tempfile.TemporaryDirectory() as folder:
        about = _about(name, recipe.steps)
        keep = partial(_keep, fit, Path(folder), about)
        saves = [_seconds(keep) for _ in range(rounds)]
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    # Who else is at work slows the one down; waiting for the disk is not in the other.
    kinds = {"wall": 0, "processor": 1}
    found = {
        kind: [statistics.median(each[index] for each in times) for times in (steps[1:], saves)]
        for kind, index in kinds.items()
    }
    return {
        "MB": round(size / 1e6, 1),
        "longest checkpoint, wall": round(max(wall for wall, _ in saves), 4),
        **{kind: _over(recipe.steps, step, save) for kind, (step, save) in found.items()},
    }


def _over(count: int, step: float, save: float) -> dict[str, float]:
    """What checkpoints come to over so many steps, at the seconds of one step and of one save."""
    whole = count * step
    saves = 0 if whole < EVERY else 1 + int((whole - EVERY) / interval(save))
    return {
        "seconds a step": round(step, 4),
        "seconds a checkpoint": round(save, 4),
        "seconds of the recipe's steps": round(whole),
        "checkpoints in these": saves,
        "share of the time": round(saves * save / whole, 5),
    }


def _seconds(act: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of an act."""
    wall, process = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - process


def _keep(fit: Fit, folder: Path, about: Saved) -> None:
    saved.save(folder, about, fit.state_dict())


def _copying_often(recipe: Recipe) -> Recipe:
    return replace(recipe, filters=[_often(make) for make in recipe.filters])


def _often(make: Callable[[], Filter]) -> Callable[[], Filter]:
    rewinds = make is Rewinding or (isinstance(make, partial) and make.func is Rewinding)
    return partial(make, every=2) if rewinds else make


def _about(recipe: str, steps: int) -> Saved:
    """What a checkpoint says beside the state, with the losses of all steps but the last."""
    job = Job(input=Path("in.png"), output=Path("out.png"), task=Denoise(), recipe=recipe)
    losses: Sequence[tuple[int, float]] = [(step, 1 / step) for step in range(1, steps)]
    return Saved(
        job=job,
        numbers=saved.numbers_of(recipe),
        planned=steps,
        seconds=0.0,
        threads=torch.get_num_threads(),
        device="cpu",
        losses=tuple(losses),
        inputs=(),
    )
