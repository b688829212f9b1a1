"""Seconds a step beside the textbook's, measured in turns in one run, quoted as ratios; memory.

The textbook runs twice: in a plain process of its own, and in ours, whose entry point keeps freed
memory and flushes denormal numbers.
"""

import json
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import islice
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from skimage import data
from tests.plain_hourglass import PlainHourglass
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from priorfit import recipes
from priorfit.cli.session import set_up
from priorfit.degradations import Blur, Downsample, Identity, Mask, gaussian_psf
from priorfit.loop.fit import Fit
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.problem import Problem
from priorfit.types import Image

Stepper = Callable[[], object]

RECIPES = ("dip/denoise-paper", "dip/denoise", "dip/inpaint", "dip/upscale")
_SIDE = 2048  # of the matrices that the floor's rate is measured with


def photograph(side: int = 256) -> Image:
    """A corner of a photograph that comes with scikit-image, (1, 3, side, side) in [0, 1]."""
    corner = data.astronaut()[:side, :side].astype("float32") / 255
    return torch.from_numpy(corner).permute(2, 0, 1)[None].contiguous()


def problem_of(recipe: str, side: int) -> Problem:
    """What the recipe is for, made from the photograph."""
    image = photograph(side)
    if "inpaint" in recipe:
        mask = Mask((image[:, :1] > image.median()).float())
        return Problem(mask(image), mask)
    if "upscale" in recipe:
        return Problem(image[..., ::4, ::4], Downsample(4))
    if "deblur" in recipe:
        return Problem(image, Blur(gaussian_psf(2.0)))
    if "fuse" in recipe:
        return Problem(image, Identity(), companion=image.flip(-1))
    return Problem(image, Identity(), noise_std=25 / 255)


def textbook(problem: Problem) -> Stepper:
    """The released denoising step written plainly: eager, float32, NCHW, Adam."""
    z = 0.1 * torch.rand(1, 32, *problem.shape[1:]).to(problem.observation)
    network = PlainHourglass(Hourglass(32, problem.shape[0], [Scale(128, 128, skip=4)] * 5))
    network.to(problem.observation.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        image = network(z + torch.randn_like(z) / 30)
        nn.functional.mse_loss(problem.operator(image), problem.observation).backward()
        optimizer.step()

    return step


def plainly(threads: int, side: int, orders: Connection) -> None:
    """Take textbook steps on order in a process that nobody set up; answer with their seconds."""
    torch.set_num_threads(threads)
    step = textbook(problem_of("denoise", side))
    while orders.recv():
        orders.send(timed(step))


def timed(step: Stepper) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def ours(problem: Problem, recipe: str) -> Stepper:
    """One step of a recipe, with everything the loop and its filters do."""
    steps: Iterator[object] = iter(Fit(problem, recipes.load(recipe, 10_000), [0]))
    return partial(next, steps)


def products() -> dict[str, Stepper]:
    """A large product of matrices, by the two libraries that PyTorch has for it."""
    x, y = torch.rand(2, _SIDE, _SIDE)
    pixels = x.reshape(16, 8, 16, _SIDE).permute(0, 3, 1, 2)  # 16 images: oneDNN's, not MKL's
    return {
        "matrix product": lambda: x @ y,
        "the same as a 1×1 convolution": lambda: nn.functional.conv2d(pixels, y[..., None, None]),
    }


def operations(step: Stepper) -> int:
    """Floating-point operations of the convolutions of a step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def timed_in_turns(rounds: int, side: int) -> tuple[dict[str, list[float]], int]:
    """Seconds of every step in every round, the first round left out, and the textbook's FLOPs."""
    here, there = Pipe()
    context = get_context("spawn")
    given = (torch.get_num_threads(), side, there)
    plain = context.Process(target=plainly, args=given, daemon=True)
    plain.start()

    def asked() -> float:
        here.send(True)
        return here.recv()

    textbook_step = textbook(problem_of("denoise", side))
    steppers = {
        "textbook, set up as ours": textbook_step,
        **{recipe: ours(problem_of(recipe, side), recipe) for recipe in RECIPES},
        **products(),
    }
    count = operations(textbook_step)
    times: dict[str, list[float]] = {"textbook": [], **{name: [] for name in steppers}}
    for _ in range(rounds + 1):
        times["textbook"].append(asked())
        for name, step in steppers.items():
            times[name].append(timed(step))
    here.send(False)
    return {name: seconds[1:] for name, seconds in times.items()}, count


def measure(rounds: int, side: int) -> dict[str, Any]:
    """Medians of seconds, of ratios to the textbook's step of the same round, and of the floor's.

    The floor is the textbook's operations at the rate of the faster large product.
    """
    times, count = timed_in_turns(rounds, side)
    names = [name for name in times if name not in products()]
    product = min(statistics.median(times[name]) for name in products())
    floor = count / (2 * _SIDE**3 / product)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "rounds": rounds,
        "seconds a step, median": {name: round(value, 4) for name, value in medians.items()},
        "share of the textbook's, median of the rounds": {
            name: round(ratio(times[name], times["textbook"]), 3) for name in names
        },
        "GFLOP of the textbook's step": round(count / 1e9, 1),
        "GFLOP a second of the product": round(2 * _SIDE**3 / product / 1e9),
        "floor, seconds": round(floor, 4),
        "Share of the floor reached": {
            name: round(floor / medians[name], 2)
            for name in ("textbook", "textbook, set up as ours", "dip/denoise-paper")
        },
    }


def ratio(times: list[float], others: list[float]) -> float:
    """Median of the ratios of what was measured in the same rounds."""
    return statistics.median(a / b for a, b in zip(times, others, strict=True))


def peak_memory(recipe: str, side: int, steps: int = 3) -> int:
    """Bytes that a fresh process holds at most while it fits so many steps, torch itself included.

    Args:
        recipe: its name, or `textbook`.
        side: of the photograph, 512 at most.
        steps: taken.
    """
    here, there = Pipe()
    process = get_context("spawn").Process(target=_held, args=(recipe, side, steps, there))
    process.start()
    held = here.recv()
    process.join()
    return int(held)


def _held(recipe: str, side: int, steps: int, answer: Connection) -> None:
    set_up(1)
    problem = problem_of(recipe, side)
    if recipe == "textbook":
        step = textbook(problem)
        for _ in range(steps):
            step()
    else:
        for _ in islice(Fit(problem, recipes.load(recipe, steps), [0]), steps):
            pass
    answer.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def memory() -> dict[str, dict[str, float]]:
    """Peak memory of every recipe, and what a further megapixel adds between 256² and 512²."""
    table = {}
    for recipe in ("textbook", *RECIPES):
        small, large = (peak_memory(recipe, side) for side in (256, 512))
        more = (512**2 - 256**2) / 1e6
        table[recipe] = {
            "MB at 256×256": round(small / 1e6),
            "MB at 512×512": round(large / 1e6),
            "GB a further megapixel": round((large - small) / 1e9 / more, 2),
        }
    return table


def record(rounds: Callable[[int], int], results: Path) -> None:
    """Measure both sizes and the memory, and write what was found as it is found."""
    report: dict[str, Any] = {
        "date": date.today().isoformat(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    parts: dict[str, Callable[[], Any]] = {
        # First, while this process is small: one begins with the peak of that which started it.
        "peak memory, one thread": memory,
        "256×256": lambda: measure(rounds(256), 256),
        "512×512": lambda: measure(rounds(512), 512),
    }
    for name, part in parts.items():
        report[name] = part()
        results.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        print(json.dumps({name: report[name]}, indent=1, ensure_ascii=False), flush=True)
