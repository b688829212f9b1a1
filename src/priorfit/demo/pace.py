"""How fast this machine is just now, and with how many threads."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

_QUIET = 0.012
"""Seconds of a round on one quiet core of the machine that benchmarks/README.md names."""

_PATIENCE, _ROUNDS = 0.5, 5  # seconds and rounds for each number of threads, at the least
_WORTH = 1.1  # how much faster more threads must be


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Args:
        threads: of torch, the number that was fastest.
        slowness: how many times longer work takes than on one quiet core.
    """

    threads: int
    slowness: float


def measured(rounds: Callable[[int], float] | None = None, cores: int | None = None) -> Pace:
    """Measure, and leave torch with the threads that were fastest.

    More threads than one wait for each other: on busy cores they are slower than one.

    Args:
        rounds: number of threads to the seconds of a round; by default measured.
        cores: that this process may use; by default as the system says.
    """
    rounds = seconds_of_a_round if rounds is None else rounds
    best, fastest = 1, rounds(1)
    for threads in _candidates(_cores() if cores is None else cores):
        seconds = rounds(threads)
        if seconds * _WORTH < fastest:
            best, fastest = threads, seconds
    torch.set_num_threads(best)
    return Pace(best, fastest / _QUIET)


def seconds_of_a_round(threads: int) -> float:
    """Wall seconds that a filter such as the networks have takes with so many threads."""
    torch.set_num_threads(threads)
    image, weight = torch.zeros(1, 32, 192, 192), torch.zeros(32, 32, 3, 3)
    F.conv2d(image, weight, padding=1)  # the first one sets the filter up
    done, started = 0, time.perf_counter()
    while done < _ROUNDS or time.perf_counter() - started < _PATIENCE:
        F.conv2d(image, weight, padding=1)
        done += 1
    return (time.perf_counter() - started) / done


def _candidates(cores: int) -> Iterable[int]:
    return sorted({2, cores // 2, cores} - {0, 1}) if cores > 1 else ()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
