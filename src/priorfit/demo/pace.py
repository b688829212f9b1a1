"""How fast this machine is just now, and with how many threads."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from priorfit import recipes
from priorfit.degradations import Downsample
from priorfit.loop.fit import Fit
from priorfit.problem import Problem

_QUIET = 0.022
"""Seconds of a step on one quiet core of the machine that benchmarks/README.md names."""

_PATIENCE, _STEPS = 0.7, 4  # seconds and steps for each number of threads, at the least
_WORTH = 1.25  # how much faster more threads must be: the machine may become busier


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Args:
        threads: of torch, the number that was fastest.
        slowness: how many times longer work takes than on one quiet core.
    """

    threads: int
    slowness: float


def measure(step: Callable[[int], float] | None = None, cores: int | None = None) -> Pace:
    """Measure, and leave torch with the threads that were fastest.

    More threads than one wait for each other: on busy cores they are slower than one.

    Args:
        step: number of threads to the seconds of a step; by default measured.
        cores: that this process may use; by default as the system says.
    """
    step = seconds_of_a_step if step is None else step
    best, fastest = 1, step(1)
    for threads in _candidates(_cores() if cores is None else cores):
        seconds = step(threads)
        if seconds * _WORTH < fastest:
            best, fastest = threads, seconds
    torch.set_num_threads(best)
    return Pace(best, fastest / _QUIET)


def seconds_of_a_step(threads: int) -> float:
    """Wall seconds that a step of a small fit takes with so many threads.

    A step is hundreds of short tasks, after each of which threads wait for each other: a single
    long one would make too much of them.
    """
    torch.set_num_threads(threads)
    problem = Problem(torch.full((1, 1, 24, 24), 0.5), Downsample(4))
    steps = iter(Fit(problem, recipes.load("dip/upscale-unguided"), [0]))
    next(steps)  # the first one sets the filters up
    taken, started = 0, time.perf_counter()
    while taken < _STEPS or time.perf_counter() - started < _PATIENCE:
        next(steps)
        taken += 1
    return (time.perf_counter() - started) / taken


def _candidates(cores: int) -> Iterable[int]:
    return sorted({2, cores // 2, cores} - {0, 1}) if cores > 1 else ()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
