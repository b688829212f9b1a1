"""Seconds a step beside the textbook's, measured in turns in one run, quoted as ratios.

The textbook runs twice: in a plain process of its own, and in ours, whose entry point keeps freed
memory and flushes denormal numbers.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from skimage import data
from torch import nn

from priorfit import recipes
from priorfit.degradations import Downsample, Identity, Mask
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.problem import Problem
from priorfit.restore import Fit
from priorfit.types import Image

Stepper = Callable[[], object]


def photograph() -> Image:
    """A corner of a photograph that comes with scikit-image, (1, 3, 256, 256) in [0, 1]."""
    corner = data.astronaut()[:256, :256].astype("float32") / 255
    return torch.from_numpy(corner).permute(2, 0, 1)[None].contiguous()


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


def plainly(threads: int, orders: Connection) -> None:
    """Take textbook steps on order in a process that nobody set up; answer with their seconds."""
    torch.set_num_threads(threads)
    step = textbook(Problem(photograph(), Identity()))
    while orders.recv():
        orders.send(_timed(step))


def _timed(step: Stepper) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def ours(problem: Problem, recipe: str) -> Stepper:
    """One step of a recipe, with everything the loop and its filters do."""
    steps: Iterator[object] = iter(Fit(problem, recipes.load(recipe, 10_000), [0]))
    return partial(next, steps)


def measure(rounds: int, results: Path) -> None:
    """Time one step of each in turn, `rounds` times over, and write the medians."""
    image = photograph()
    noisy = Problem(image, Identity(), noise_std=25 / 255)
    mask = Mask((image[:, :1] > image.median()).float())
    here, there = Pipe()
    context = get_context("spawn")
    plain = context.Process(target=plainly, args=(torch.get_num_threads(), there), daemon=True)
    plain.start()

    def asked() -> float:
        here.send(True)
        return here.recv()

    steppers = {
        "textbook, set up as ours": textbook(noisy),
        "dip/denoise-paper": ours(noisy, "dip/denoise-paper"),
        "dip/denoise": ours(noisy, "dip/denoise"),
        "dip/inpaint": ours(Problem(mask(image), mask), "dip/inpaint"),
        "dip/upscale": ours(Problem(image[..., ::4, ::4], Downsample(4)), "dip/upscale"),
    }
    times: dict[str, list[float]] = {"textbook": [], **{name: [] for name in steppers}}
    for _ in range(rounds + 1):
        times["textbook"].append(asked())
        for name, step in steppers.items():
            times[name].append(_timed(step))
    here.send(False)
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
