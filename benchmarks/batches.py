"""Small images, several to fit: one after the other, as a batch, and a batch in one call; threads.

In one call the images of a batch are the groups of every convolution, and the channels of every
normalisation are those of all images, so that each is normalised by itself. It is built here alone.
"""

import copy
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor, nn

from priorfit import recipes
from priorfit.cli.session import set_up
from priorfit.degradations import Identity
from priorfit.loop.fit import Fit, Recipe
from priorfit.metrics import psnr
from priorfit.networks.hourglass import STYLE
from priorfit.networks.layers import Style
from priorfit.priors.deep_image import DeepImagePrior, NetworkFactory
from priorfit.priors.inputs import Probing
from priorfit.problem import Problem
from priorfit.records.state_file import threads
from priorfit.types import Code, Image

GROUPS = {"dip/denoise": ((8, 64), (8, 128), (2, 256)), "dip/denoise-paper": ((8, 64),)}
"""How many images of how many pixels a side, by recipe."""

_STRETCH = 3  # steps in a row: in a real fit too, the latest step has left its numbers in the cache
_STD = 25 / 255


class _GroupedConvolution(nn.Conv2d):
    """Weights (B, O, C, k, k) for images (B, C, H, W), one set an image."""

    def forward(self, x: Tensor) -> Tensor:
        margin = self.kernel_size[0] // 2
        if margin:
            x = F.pad(x, [margin] * 4, mode=self.padding_mode)
        bias = None if self.bias is None else self.bias.flatten()
        together = x.reshape(1, -1, *x.shape[2:])
        y = F.conv2d(together, self.weight.flatten(0, 1), bias, self.stride, groups=len(x))
        return y.reshape(len(x), -1, *y.shape[2:])


class _GroupedNorm(nn.BatchNorm2d):
    """Every image by its own statistics; scales (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        known = (cast("Tensor", each).view(-1) for each in (self.running_mean, self.running_var))
        weight, bias = self.weight.flatten(), self.bias.flatten()
        together = x.reshape(1, -1, *x.shape[2:])
        y = F.batch_norm(together, *known, weight, bias, True, self.momentum or 0.0, self.eps)
        return y.reshape(x.shape)


@dataclass(frozen=True)
class _Grouped(Style):
    norm: Callable[[int], nn.Module] = _GroupedNorm

    def conv(
        self, inside: int, outside: int, filter_size: int, *, stride: int = 1, bias: bool = True
    ) -> nn.Conv2d:
        one = super().conv(inside, outside, filter_size, stride=stride, bias=bias)
        biased, mode = one.bias is not None, one.padding_mode
        return _GroupedConvolution(
            inside, outside, filter_size, stride, one.padding, bias=biased, padding_mode=mode
        )


class OneCall(DeepImagePrior):
    """Render all images of a batch at once."""

    def render(self, code: Code) -> Image:
        z = torch.cat([code[f"z.{i}"] for i in range(len(self.inputs))], 1)
        moves = [self.moving.move(code, i) for i in range(len(z))]
        numbers = {
            name.split(".", 1)[1]: tensor
            for name, tensor in code.items()
            if name.startswith(("network.", "buffers."))
        }
        module = self._module(z.shape[1], int(code["channels"][0, 0]))
        z = torch.cat([move.there(z[i : i + 1]) for i, move in enumerate(moves)])
        images = self._run(module, numbers, z)
        return torch.cat([move.back(images[i : i + 1]) for i, move in enumerate(moves)])


def in_one_call(recipe: Recipe) -> Recipe:
    """The recipe with a prior that renders a batch at once."""
    prior = cast("DeepImagePrior", recipe.prior)
    grouped = OneCall(
        _grouped(prior.network),
        prior.inputs,
        jitter=prior.jitter,
        moving=prior.moving,
        precision=prior.precision,
        memory_format=torch.contiguous_format,  # in which groups lie one behind the other
    )
    return replace(recipe, prior=grouped)


def _grouped(network: NetworkFactory) -> NetworkFactory:
    words = dict(cast("partial[nn.Module]", network).keywords)
    if "network" in words:
        words["network"] = _grouped(words["network"])
    else:
        fields = {name: getattr(words.get("style", STYLE), name) for name in ("bias", "sigmoid")}
        words["style"] = _Grouped(**fields)
    return partial(cast("partial[nn.Module]", network).func, **words)


def _loaded(name: str) -> Recipe:
    """A recipe with few copies in its pools, which cost nothing in a step and much to make."""
    recipe = recipes.load(name, 10_000)
    prior = copy.copy(cast("DeepImagePrior", recipe.prior))
    few = [replace(each, copies=2) if isinstance(each, Probing) else each for each in prior.inputs]
    prior.inputs = few
    return replace(recipe, prior=prior)


def pieces(count: int, side: int) -> Image:
    """So many pieces of a photograph that comes with scikit-image, (B, 3, side, side)."""
    whole = torch.from_numpy(data.astronaut()).permute(2, 0, 1).float() / 255
    columns = whole.shape[2] // side
    places = [divmod(number, columns) for number in range(count)]
    corners = [(row * side, column * side) for row, column in places]
    return torch.stack([whole[:, top : top + side, left : left + side] for top, left in corners])


def noisy(images: Image) -> Problem:
    """Images with noise of 25/255."""
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return Problem((images + _STD * noise).clamp(0, 1), Identity(), noise_std=_STD)


def _alone(problem: Problem, image: int) -> Problem:
    return replace(problem, observation=problem.observation[image : image + 1])


class Cost(NamedTuple):
    """Seconds of a step and an image."""

    wall: float
    process: float


def _timed(steps: Iterator[object], images: int) -> Cost:
    wall, process = time.perf_counter(), time.process_time()
    for _ in range(_STRETCH):
        next(steps)
    steps_of_images = _STRETCH * images
    return Cost(
        (time.perf_counter() - wall) / steps_of_images,
        (time.process_time() - process) / steps_of_images,
    )


def in_turns(name: str, count: int, side: int, rounds: int) -> dict[str, Any]:
    """The three ways in turns, a few steps each: medians, ratios of a round, and how equal."""
    truth = pieces(count, side)
    recipe, problem, seeds = _loaded(name), noisy(truth), range(count)
    singles = [Fit(_alone(problem, seed), recipe, [seed]) for seed in seeds]
    together = Fit(problem, recipe, list(seeds))
    one = Fit(problem, in_one_call(recipe), list(seeds))
    first = [fit.recipe.prior.render(fit.code).detach() for fit in (together, one)]
    running = [iter(fit) for fit in singles]
    batches = {"batch": iter(together), "batch in one call": iter(one)}
    costs: dict[str, list[Cost]] = {"one after the other": [], "batch": [], "batch in one call": []}
    for number in range(rounds + 1):  # the first one is left out
        costs["one after the other"].append(_timed(running[number % count], 1))
        for way, steps in batches.items():
            costs[way].append(_timed(steps, count))
    taken = (rounds + 1) * _STRETCH
    while next(running[0]).state.taken < taken:  # the first of the fits catches up
        pass
    alone, batch, at_once = (fit.result().image for fit in (singles[0], together, one))
    return {
        "rounds": rounds,
        **{
            way: _summary(found[1:], costs["one after the other"][1:])
            for way, found in costs.items()
        },
        "first picture in one call, largest difference": (first[0] - first[1]).abs().max().item(),
        f"after {taken} steps, dB between alone and batch": _decibels(alone, batch[:1]),
        f"after {taken} steps, dB between batch and one call": _decibels(batch, at_once),
        "against the truth, mean dB, batch": round(psnr(batch, truth).mean().item(), 2),
        "against the truth, mean dB, one call": round(psnr(at_once, truth).mean().item(), 2),
    }


def _decibels(a: Image, b: Image) -> float | str:
    return "equal" if torch.equal(a, b) else round(psnr(a, b).mean().item(), 1)


def _summary(found: list[Cost], others: list[Cost]) -> dict[str, float]:
    return {
        "ms a step and image": round(1e3 * statistics.median(cost.wall for cost in found), 2),
        "process ms": round(1e3 * statistics.median(cost.process for cost in found), 2),
        "share of one after the other": _ratio(found, others, "wall"),
        "share by process time": _ratio(found, others, "process"),
    }


def _ratio(found: list[Cost], others: list[Cost], kind: str) -> float:
    pairs = zip(found, others, strict=True)
    return round(statistics.median(getattr(a, kind) / getattr(b, kind) for a, b in pairs), 3)


def _worker(name: str, side: int, seeds: list[int], count: int, answers: Connection) -> None:
    """Fit images one after the other in a process of its own, some steps each on order."""
    set_up(count)
    problem, recipe = noisy(pieces(2, side)), _loaded(name)
    fits = [iter(Fit(_alone(problem, seed), recipe, [seed])) for seed in seeds]
    while answers.recv():
        answers.send(sum(_timed(steps, 1).process * _STRETCH for steps in fits))


def side_by_side(name: str, side: int, rounds: int) -> dict[str, Any]:
    """Two images: two processes of one thread against one process of two, in turns."""
    ways = {
        "two processes of one thread": [([0], 1), ([1], 1)],
        "one of two threads": [([0, 1], 2)],
    }
    context = get_context("spawn")
    lines: dict[str, list[Connection]] = {}
    for way, parts in ways.items():
        lines[way] = []
        for seeds, count in parts:
            here, there = Pipe()
            given = (name, side, seeds, count, there)
            context.Process(target=_worker, args=given, daemon=True).start()
            lines[way].append(here)
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, ends in lines.items():
            begun = time.perf_counter()
            for end in ends:
                end.send(True)
            process = sum(end.recv() for end in ends)
            wall = time.perf_counter() - begun
            costs[way].append(Cost(wall / _STRETCH / 2, process / _STRETCH / 2))
    for ends in lines.values():
        for end in ends:
            end.send(False)
    others = costs["one of two threads"][1:]
    found = {way: _summary(costs[way][1:], others) for way in ways}
    for summary in found.values():
        summary["share of two threads"] = summary.pop("share of one after the other")
    return {"rounds": rounds, **found}


def measure(rounds: int, results: Path) -> None:
    """Measure what is not recorded yet, and write it as it is found.

    Args:
        rounds: of 64×64 pixels; larger pictures have fewer.
        results: file of what was found; what is in it is not measured again.
    """
    report = json.loads(results.read_text()) if results.exists() else {}
    for title, part in _parts(rounds).items():
        if title not in report:
            load = round(os.getloadavg()[0], 1)
            report[title] = {**_circumstances(), "load before": load, **part()}
            results.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
            print(title, json.dumps(report[title], indent=1, ensure_ascii=False), flush=True)


def _parts(rounds: int) -> dict[str, Callable[[], dict[str, Any]]]:
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for name, groups in GROUPS.items():
        for count, side in groups:
            title = f"{name}, {count} images of {side}×{side}"
            fewer = max(3, 64 * rounds // side)
            found[f"{title}, one thread"] = partial(_with, 1, name, count, side, fewer)
        count, side = groups[0]
        title = f"{name}, {count} images of {side}×{side}"
        # With two threads on two cores that others use too, a step may take fifty times as long.
        found[f"{title}, two threads"] = partial(_with, 2, name, count, side, max(2, rounds // 3))
        for side in dict.fromkeys((groups[0][1], groups[-1][1])):
            title = f"{name}, two images of {side}×{side}, processes or threads"
            found[title] = partial(side_by_side, name, side, max(3, 64 * rounds // side))
    return found


def _with(number: int, name: str, count: int, side: int, rounds: int) -> dict[str, Any]:
    with threads(number):
        return in_turns(name, count, side, rounds)


def _circumstances() -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "threads wait": os.environ.get("OMP_WAIT_POLICY", "as the library does by default"),
    }
