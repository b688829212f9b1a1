"""How much memory and time a fit will take, before it takes any: a probe of it, and what is there.

A few steps are taken at two small sizes while every tensor is counted from its birth to its death.
The peak grows by the same amount with every pixel, whatever network, guides, pools, objective and
filters a recipe has, so that two sizes foretell all others. Block matching alone is bounded: it
goes through larger pictures in bands.
"""

import math
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from priorfit.classical.block_matching import BOUNDED
from priorfit.loop.fit import Fit, Recipe
from priorfit.problem import Problem

_SIDES = (64, 128)
_BRIEF = (32, 96)  # where time is short
_STEPS = 3  # timed, after two that set everything up
_MOST = 2**40  # pixels, more than any picture has
_SPARE = 1.35  # what lies free between blocks, and what torch takes for itself, as measured


class Counting(TorchDispatchMode):
    """Count the bytes of all tensors that are made inside, and note the most at any moment.

    Attributes:
        peak: the most.
        outside: the most while no bounded work was done.
        bounded: the most that bounded work took for itself.
        bound: pixels from which on it takes no more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self.outside = self.bounded = self.bound = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self._before: int | None = None  # what there was when the bounded work under way began

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and tensor.device.type != "meta":
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)
                self._alive.setdefault(reference.cdata, (reference, storage.nbytes()))
        dead = [key for key, (reference, _) in self._alive.items() if reference.expired()]
        for key in dead:
            del self._alive[key]
        now = sum(size for _, size in self._alive.values())
        self._note(now)
        if func is torch.ops.profiler._record_function_enter_new.default and args[0] == BOUNDED:
            self._before, self.bound = now, int(args[1])
        elif func is torch.ops.profiler._record_function_exit._RecordFunction:
            self._before = None
        return made

    def _note(self, now: int) -> None:
        self.peak = max(self.peak, now)
        if self._before is None:
            self.outside = max(self.outside, now)
        else:
            self.bounded = max(self.bounded, now - self._before)


@dataclass(frozen=True)
class Probe:
    """What a fit of a small picture took.

    Args:
        pixels: of the picture sought.
        peak: bytes of all tensors at the worst moment, bounded work left out.
        start: seconds before the first step.
        step: seconds of the quickest step.
        kept: bytes of a checkpoint, which is put together in memory beside the fit.
        bounded: bytes of bounded work at its worst moment.
        bound: pixels from which on bounded work takes no more.
    """

    pixels: int
    peak: int
    start: float
    step: float
    kept: int = 0
    bounded: int = 0
    bound: int = 0


@dataclass(frozen=True)
class Forecast:
    """What fits of one recipe take, by the number of pixels; straight lines through two probes."""

    probes: tuple[Probe, Probe]

    def memory(self, pixels: int) -> int:
        """Bytes that a fit needs beside what the process has already.

        What bounded work took and gave back lies in blocks that suit little else.
        """
        largest = max(self.probes[1].bound, self.probes[1].pixels)
        bounded = self._at(min(pixels, largest), "bounded")
        return round(_SPARE * (self._at(pixels, "peak") + bounded) + self._at(pixels, "kept"))

    def seconds(self, pixels: int, steps: int) -> float:
        """How long a fit takes on this machine as it is now."""
        return self._at(pixels, "start") + steps * self._at(pixels, "step")

    def pixels(self, memory: int) -> int:
        """How many pixels a fit may have that needs no more than these bytes; 0 for none."""
        return max(0, bisect_right(range(_MOST), memory, key=self.memory) - 1)

    def _at(self, pixels: int, what: str) -> float:
        small, large = self.probes
        low, high = getattr(small, what), getattr(large, what)
        slope = max(high - low, 0) / (large.pixels - small.pixels)
        return max(low + slope * (pixels - small.pixels), 0)


def forecast(problem: Problem, recipe: Recipe) -> Forecast:
    """Probe a recipe on two small made-up problems of the same kind.

    Args:
        problem: what is to be restored; only its kind counts, and how many pixels are missing.
        recipe: how; its finish is left out.

    Raises:
        ProblemError: as the recipe's own on such a problem.
    """
    main = replace(recipe.stages[-1], steps=2 + _STEPS)
    settled = replace(recipe, prior=recipe.prior.settled(problem), stages=[main])
    small, large = (_probed(_like(problem, side), settled) for side in _SIDES)
    return Forecast((small, large))


def seconds_before(problem: Problem, recipe: Recipe) -> float:
    """Foretell how long what comes before the first step takes, by two small problems."""
    settled = replace(recipe, prior=recipe.prior.settled(problem))
    probes = []
    for side in (_BRIEF[0], *_BRIEF):  # the first one imports what the others need
        small = _like(problem, side)
        began = time.perf_counter()
        Fit(small, settled, [0])
        seconds = time.perf_counter() - began
        probes.append(Probe(math.prod(small.shape[1:]), peak=0, start=seconds, step=0.0))
    return Forecast((probes[1], probes[2])).seconds(math.prod(problem.shape[1:]), 0)


def available(device: torch.device) -> int:
    """Bytes that may still be taken on a device, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [_meminfo("MemAvailable"), *_groups()]
    return min(limit for limit in limits if limit is not None)


def used() -> int:
    """Bytes that this process has in memory; 0 where the system does not tell in Linux's way."""
    return _field(Path("/proc/self/status"), "VmRSS") or 0


def _like(problem: Problem, side: int) -> Problem:
    """A made-up problem of the same kind, about so many pixels of the picture sought a side."""
    operator, y = problem.operator, problem.observation
    factor = max(1, problem.shape[1] // max(1, problem.size[0]))
    seen = max((side + operator.reach) // factor, side // 8)
    draw = torch.rand(1, y.shape[1], seen, seen, generator=torch.Generator().manual_seed(0))
    small = operator.resized((y.shape[1], seen, seen))
    made = Problem(small.refill(draw.to(y)), small, noise_std=problem.noise_std)
    if problem.companion is None:
        return made
    companion = problem.companion.new_full((1, problem.companion.shape[1], *made.shape[1:]), 0.5)
    return replace(made, companion=companion)


def _probed(problem: Problem, recipe: Recipe) -> Probe:
    began = time.perf_counter()
    with Counting() as counted:
        fit = Fit(problem, recipe, [0])
        start = time.perf_counter() - began
        steps = iter(fit)
        deque(islice(steps, 2), maxlen=0)
    times = [time.perf_counter()]
    times += [time.perf_counter() for _ in steps]
    _, height, width = problem.shape
    step = min((b - a for a, b in pairwise(times)), default=0.0)
    state = [leaf for leaf in tree_leaves(fit.state_dict()) if isinstance(leaf, Tensor)]
    kept = {leaf.untyped_storage().data_ptr(): leaf.untyped_storage().nbytes() for leaf in state}
    return Probe(
        height * width,
        counted.outside,
        start,
        step,
        sum(kept.values()),
        counted.bounded,
        counted.bound,
    )


def _meminfo(name: str) -> int | None:
    return _field(Path("/proc/meminfo"), name)


def _field(file: Path, name: str) -> int | None:
    """A line `name: 123 kB` of a file of the system, in bytes."""
    try:
        lines = file.read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _groups() -> list[int | None]:
    """What the control groups of containers leave, in either version of theirs."""
    found: list[int | None] = []
    for folder, most, now in (
        (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit, usage = ((folder / name).read_text().strip() for name in (most, now))
            found.append(int(limit) - int(usage))
        except (OSError, ValueError):  # no such group, or a limit of "max"
            continue
    return found
