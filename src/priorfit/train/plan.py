"""What is to be trained, fitted to a device and to the minutes that it is lent for."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from priorfit.errors import ProblemError
from priorfit.train.data import Photographs
from priorfit.train.families import FAMILIES, GROWING, Pair
from priorfit.train.game import cool_down
from priorfit.train.generator import Training
from priorfit.train.growing import doublings, within
from priorfit.train.inversion import USUAL, Effort

USED = 0.88
"""Part of the minutes that training gets; judging, saving and compiling take the rest."""

_LARGE, _MEDIUM, _SMALL = 128, 64, 32
_ENOUGH = 1_000_000  # images that a generator of the largest size has to learn from
_WIDTH = 32
_READY = FAMILIES | GROWING  # what can grow is ready for it
_PAIR = 7_200_000  # bytes of a generator and its discriminator in halves


@dataclass(frozen=True)
class TrainingWish:
    """What is wanted of a zoo.

    Args:
        data: photographs, a pack that keeps some for judging.
        work: folder of trainings that are not over; another call goes on there.
        out: the zoo.
        minutes: of training for each network.
        piece: minutes after which to save and stop, to be resumed later; None for never.
        device: where the networks are trained.
        size: of the pictures; None for what fits the device and the minutes.
        width: channels at the full size.
        command: that cards name.
        compiled: whether compiled networks are tried too, which takes minutes of each piece.
        effort: of examining what was trained.
    """

    data: Path
    work: Path
    out: Path
    minutes: float = 20.0
    piece: float | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    size: int | None = None
    width: int = _WIDTH
    command: str = "make zoo"
    compiled: bool = False
    effort: Effort = USUAL


@dataclass(frozen=True)
class TrainingPlan:
    """How one generator is trained.

    Args:
        family: see `FAMILIES`.
        size: side of the images.
        width: channels at the full size.
        widest: channels at most.
        batch: photographs a step.
        images: length.
        rate: images a second that were measured.
        compiled: whether the networks are compiled.
        short: whether arithmetic is in bfloat16.
        stand_in: whether it is smaller than what is meant.
    """

    family: str
    size: int
    width: int
    widest: int
    batch: int
    images: int
    rate: float
    compiled: bool
    short: bool
    stand_in: bool

    def pair(self, classes: int) -> Pair:
        """The networks and their game: what can grow does so, and then the rates go down."""
        pair = _READY[self.family](self.size, classes, self.width, widest=self.widest)
        game = dataclasses.replace(
            pair.game,
            batch=self.batch,
            precision=torch.bfloat16 if self.short else torch.float32,
            rates=cool_down(self.images),
            growing=within(self.images, doublings(self.size)) if self.family in GROWING else None,
            compiled=self.compiled,
        )
        return dataclasses.replace(pair, game=game)


Measure = Callable[[TrainingPlan, int], float]
"""(plan, number of classes) -> images a second."""


def fit_plan(family: str, classes: int, wish: TrainingWish, measure: Measure) -> TrainingPlan:
    """The best plan that the device keeps up with.

    A GPU draws 128×128 if it learns from a million images in the time, else 64×64; a processor
    draws stand-ins of 32×32.

    Args:
        family: see `FAMILIES`.
        classes: how many.
        wish: minutes, device, and a size that is wanted in any case.
        measure: tells the speed.

    Raises:
        ProblemError: the networks cannot be small enough.
    """
    swift = wish.device.type == "cuda"
    if wish.size is not None:
        sizes = [wish.size]
    else:
        sizes = [_LARGE, _MEDIUM] if swift else [_SMALL]
    for size in sizes:
        start = TrainingPlan(
            family=family,
            size=size,
            width=wish.width,
            widest=fitting_widest(family, size, classes, wish.width),
            batch=_batch(family, size, classes, wish),
            images=_ENOUGH,
            rate=0.0,
            compiled=False,
            short=swift,
            stand_in=size < _MEDIUM,
        )
        tried = [start, dataclasses.replace(start, compiled=True)] if wish.compiled else [start]
        timed = [dataclasses.replace(one, rate=measure(one, classes)) for one in tried]
        plan = max(timed, key=lambda one: one.rate)
        steps = int(plan.rate * 60 * wish.minutes * USED) // plan.batch
        plan = dataclasses.replace(plan, images=max(1, steps) * plan.batch)
        if plan.images >= _ENOUGH:
            break
    return plan


def fitting_widest(family: str, size: int, classes: int, width: int) -> int:
    """The most channels that a pair may have anywhere, to be small enough to be shipped.

    Raises:
        ProblemError: it is too large however few they are.
    """
    for widest in range(512, width - 1, -32):
        pair = _READY[family](size, classes, width, widest=widest)
        with torch.device("meta"):
            networks = (pair.generator(), pair.discriminator())
        numbers = sum(t.numel() for n in networks for t in n.state_dict().values())
        if 2 * numbers <= _PAIR:
            return widest
    raise ProblemError(
        f"a {family} of {width} channels at {size} pixels is too large to be shipped"
    )


def measure_speed(
    plan: TrainingPlan, classes: int, device: torch.device, seconds: float = 8.0
) -> float:
    """Images a second that two networks learn from; 0 if they cannot be compiled here.

    Args:
        plan: of them.
        classes: how many.
        device: where.
        seconds: see `pace`.
    """
    try:
        return pace(plan.pair(classes), plan.size, classes, device, seconds)
    except Exception:  # whatever the compiler of this machine raises, it is of no use here
        if not plan.compiled:
            raise
        return 0.0


def pace(pair: Pair, size: int, classes: int, device: torch.device, seconds: float = 8.0) -> float:
    """Images a second that a pair learns from at its full size.

    Args:
        pair: the networks and their game.
        size: side of the images.
        classes: how many.
        device: where.
        seconds: to measure for, after the first two steps, which build and compile.
    """
    noise = torch.Generator().manual_seed(0)
    game = dataclasses.replace(pair.game, growing=None)
    shape = (4 * game.batch, 3, size, size)
    images = torch.randint(0, 256, shape, generator=noise, dtype=torch.uint8)
    labels = torch.arange(len(images)) % max(classes, 1)
    photographs = Photographs(images, labels, tuple(map(str, range(classes))))
    training = Training(*pair.started(0, device), photographs, game)
    for _ in range(2):
        training.step()
    wait(device)
    first, begun = training.seen, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        training.step()
        wait(device)
    return (training.seen - first) / (time.perf_counter() - begun)


def _batch(family: str, size: int, classes: int, wish: TrainingWish) -> int:
    """Twice as many on a device that has the room."""
    usual = _READY[family](size, classes, wish.width).game.batch
    return max(64, usual) if wish.device.type == "cuda" else usual


def wait(device: torch.device) -> None:
    """Wait until a device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
