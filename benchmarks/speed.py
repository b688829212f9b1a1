"""Seconds a step beside the textbook's, measured in turns in one process, quoted as ratios."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import torch
from torch import nn

from benchmarks.curves import problem_of
from benchmarks.suites import SUITES
from priorfit import recipes
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.problem import Problem
from priorfit.restore import Fit

Stepper = Callable[[], object]


def textbook(problem: Problem) -> Stepper:
    """The released denoising step written plainly: eager, float32, NCHW, Adam."""
    z = 0.1 * torch.rand(1, 32, *problem.shape[1:])
    network = Hourglass(32, problem.shape[0], [Scale(128, 128, skip=4)] * 5)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        image = network(z + torch.randn_like(z) / 30)
        nn.functional.mse_loss(problem.operator(image), problem.observation).backward()
        optimizer.step()

    return step


def ours(problem: Problem, recipe: str) -> Stepper:
    """One step of a recipe, with everything the loop and its filters do."""
    steps: Iterator[object] = iter(Fit(problem, recipes.load(recipe, 10_000), [0]))
    return partial(next, steps)


def measure(rounds: int, results: Path) -> None:
    """Time one step of each in turn, `rounds` times over, and write the medians."""
    cases = {name: next(suite()) for name, suite in SUITES.items()}
    noisy = problem_of(cases["denoise25"])
    steppers = {
        "textbook": textbook(noisy),
        "dip/denoise-paper": ours(noisy, "dip/denoise-paper"),
        "dip/denoise": ours(noisy, "dip/denoise"),
        "dip/inpaint": ours(problem_of(cases["pixels50"]), "dip/inpaint"),
        "dip/upscale": ours(problem_of(cases["set5_x4"]), "dip/upscale"),
    }
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds + 1):
        for name, step in steppers.items():
            started = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
    report = {
        "date": date.today().isoformat(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "size": "256×256",
        "rounds": rounds,
        "seconds a step, median": {name: round(value, 4) for name, value in medians.items()},
        "share of the textbook's": {
            name: round(value / medians["textbook"], 3) for name, value in medians.items()
        },
    }
    results.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(report, indent=1, ensure_ascii=False))
