"""Train everything that is shipped, in pieces that go on exactly, fitted to device and time."""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from priorfit.errors import ProblemError
from priorfit.images import write_atomically
from priorfit.networks.classifier import Classifier
from priorfit.runs import load_state, save_state
from priorfit.train import card, packing
from priorfit.train.classifier import Schooling, accuracy
from priorfit.train.data import Photographs, load
from priorfit.train.families import FAMILIES, Pair
from priorfit.train.generator import Training, cooled
from priorfit.train.judge import Judge
from priorfit.train.run import STATE, Length, Run

FEATURES = "scenes-features"
GENERATORS = {"scenes-biggan": "biggan", "scenes-stylegan": "stylegan"}
"""What is trained, and of which family."""

PLAN, PACKED = "plan.json", "packed"

_LARGE, _MEDIUM, _SMALL = 128, 64, 32
_ENOUGH = 1_000_000  # images that a generator of the largest size has to learn from
_WIDTH = 32
_PAIR = 7_200_000  # bytes of a generator and its discriminator in halves
_USED = 0.88  # part of the minutes; judging, saving and compiling take the rest
_OVER = 1.25  # times the minutes, at most
_FEATURE_SIZE, _EPOCHS = 64, 20.0
_KEPT = 60.0  # seconds between saved states of the classifier

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What is wanted of a zoo.

    Args:
        data: photographs, a pack that keeps some for judging.
        work: folder of trainings that are not over; another call goes on there.
        out: the zoo.
        minutes: of training for each network.
        piece: minutes after which everything stops, to be gone on with; None for never.
        device: where the networks are trained.
        size: of the pictures; None for what fits the device and the minutes.
        width: channels at the full size.
        command: that cards name.
        compiled: whether compiled networks are tried too, which takes minutes of each piece.
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


@dataclass(frozen=True)
class Plan:
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
        """The networks and their game, whose rates go down over the second half."""
        pair = FAMILIES[self.family](self.size, classes, self.width, widest=self.widest)
        game = dataclasses.replace(
            pair.game,
            batch=self.batch,
            precision=torch.bfloat16 if self.short else torch.float32,
            rates=cooled(self.images),
            compiled=self.compiled,
        )
        return dataclasses.replace(pair, game=game)


Measure = Callable[[Plan, int], float]
"""(plan, number of classes) -> images a second."""


def fitted(family: str, classes: int, wish: Wish, measure: Measure) -> Plan:
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
        start = Plan(
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
        steps = int(plan.rate * 60 * wish.minutes * _USED) // plan.batch
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
        pair = FAMILIES[family](size, classes, width, widest=widest)
        with torch.device("meta"):
            networks = (pair.generator(), pair.discriminator())
        numbers = sum(t.numel() for n in networks for t in n.state_dict().values())
        if 2 * numbers <= _PAIR:
            return widest
    raise ProblemError(
        f"a {family} of {width} channels at {size} pixels is too large to be shipped"
    )


def measured(plan: Plan, classes: int, device: torch.device, seconds: float = 8.0) -> float:
    """Images a second that two networks learn from; 0 if they cannot be compiled here.

    Args:
        plan: of them.
        classes: how many.
        device: where.
        seconds: to measure for, after the first two steps, which build and compile.
    """
    noise = torch.Generator().manual_seed(0)
    shape = (4 * plan.batch, 3, plan.size, plan.size)
    images = torch.randint(0, 256, shape, generator=noise, dtype=torch.uint8)
    labels = torch.arange(len(images)) % max(classes, 1)
    photographs = Photographs(images, labels, tuple(map(str, range(classes))))
    pair = plan.pair(classes)
    try:
        training = Training(*pair.started(0, device), photographs, pair.game)
        for _ in range(2):
            training.step()
        _wait(device)
    except Exception:  # whatever the compiler of this machine raises, it is of no use here
        if not plan.compiled:
            raise
        return 0.0
    first, begun = training.seen, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        training.step()
        _wait(device)
    return (training.seen - first) / (time.perf_counter() - begun)


def trained(wish: Wish, say: Say, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Train what is not trained yet, until all of it is, or the piece ends.

    Args:
        wish: what is wanted.
        say: told what happens.
        interrupted: asked after every step whether to stop.

    Returns:
        Whether everything lies in the zoo.

    Raises:
        PriorfitError: there are no photographs, or nothing can be written.
    """
    if not wish.data.exists():
        raise ProblemError(
            f"{wish.data}: expected the photographs to train on there: name another place of them "
            "with DATA=; the package works with the zoo that it has"
        )
    until = time.perf_counter() + 60 * wish.piece if wish.piece else float("inf")

    def stopped() -> bool:
        return interrupted() or time.perf_counter() > until

    if not _featured(wish, say, stopped):
        return False
    return all(_generated(name, wish, say, stopped) for name in GENERATORS)


def _featured(wish: Wish, say: Say, stopped: Callable[[], bool]) -> bool:
    """Train the classifier, whose features everything else is judged by."""
    folder = wish.work / FEATURES
    if (folder / PACKED).is_file():
        return True
    if stopped():
        return False
    learnt = load(wish.data, _FEATURE_SIZE)
    state = folder / STATE
    saved: dict[str, Any] = load_state(state) if state.is_file() else {}
    epochs = saved.get("epochs") or fitting_epochs(learnt, wish)
    schooling = _schooling(learnt, epochs, wish)
    if saved:
        schooling.load_state_dict(saved["schooling"])
    folder.mkdir(parents=True, exist_ok=True)

    def keep() -> None:
        save_state(state, {"epochs": epochs, "schooling": schooling.state_dict()})

    kept = time.perf_counter()
    while schooling.step < schooling.planned and not stopped():
        schooling.learn()
        if time.perf_counter() - kept > _KEPT:
            keep()
            kept = time.perf_counter()
    keep()
    say(f"{FEATURES}: step {schooling.step:,} of {schooling.planned:,}")
    if schooling.step < schooling.planned:
        return False
    _keep_classifier(schooling, epochs, learnt, wish, say)
    return True


def _keep_classifier(
    schooling: Schooling, epochs: float, learnt: Photographs, wish: Wish, say: Say
) -> None:
    folder = wish.work / FEATURES
    network = schooling.network.requires_grad_(False).eval()
    test = load(wish.data, _FEATURE_SIZE, test=True)
    right = accuracy(network, test.images.to(wish.device), test.labels.to(wish.device))
    network.source = {"trained_on": wish.data.name, "classes": list(learnt.classes)}
    network.save_pretrained(folder, overwrite=True)
    about = card.About(
        wish.data.name,
        len(learnt),
        learnt.classes,
        wish.command,
        notes=learnt.notes,
        license=packing.LICENSE,
    )
    found = f"{right:.1%} of {len(test):,} photographs that it has not seen"
    text = card.of_classifier(FEATURES, network, about, epochs=epochs, found=found)
    write_atomically(folder / card.CARD, text.encode(), overwrite=True)
    packing.pack(folder, wish.out / FEATURES)
    (folder / PACKED).touch()
    say(f"{FEATURES}: {found} put into their classes")


def _schooling(learnt: Photographs, epochs: float, wish: Wish) -> Schooling:
    short = torch.bfloat16 if wish.device.type == "cuda" else torch.float32
    return Schooling(learnt, epochs=epochs, device=wish.device, width=wish.width, precision=short)


def fitting_epochs(learnt: Photographs, wish: Wish) -> float:
    """As many as usual, or as fit the minutes."""
    schooling = _schooling(learnt, _EPOCHS, wish)
    schooling.learn()
    _wait(wish.device)
    begun, steps = time.perf_counter(), 5
    for _ in range(steps):
        schooling.learn()
    _wait(wish.device)
    each = (time.perf_counter() - begun) / steps * schooling.planned / _EPOCHS
    return min(_EPOCHS, max(0.05, 60 * wish.minutes * _USED / each))


def _generated(name: str, wish: Wish, say: Say, stopped: Callable[[], bool]) -> bool:
    """Train one generator with its discriminator, and pack them."""
    folder = wish.work / name
    if (folder / PACKED).is_file():
        return True
    if stopped():
        return False
    plan = _plan(name, folder, wish, say)
    learnt = load(wish.data, plan.size)
    kept = load(wish.data, plan.size, test=True)
    embed = Classifier.from_pretrained(wish.work / FEATURES, wish.device).embed
    judge = Judge(
        embed,
        kept.images.to(wish.device),
        name=FEATURES,
        against=f"{len(kept):,} photographs that it has not seen",
    )
    length = Length(plan.images, _OVER * wish.minutes)
    pair = plan.pair(len(learnt.classes))
    run = Run(folder, pair, learnt, length, device=wish.device, judge=judge)
    if (folder / STATE).is_file():
        run.resume()
    over = run.go_on(interrupted=stopped)
    minutes = run.seconds / 60
    say(f"{name}: {run.training.seen:,} of {plan.images:,} images, {minutes:.1f} minutes")
    if over:
        about = card.About(
            wish.data.name,
            len(learnt),
            learnt.classes,
            wish.command,
            FEATURES,
            learnt.notes,
            license=packing.LICENSE,
        )
        card.write(run, about)
        packing.pack(folder, wish.out / name, stand_in=plan.stand_in)
        (folder / PACKED).touch()
        say(f"{name}: packed, {packing.weigh(wish.out / name) / 1e6:.1f} MB")
    return over


def _plan(name: str, folder: Path, wish: Wish, say: Say) -> Plan:
    """The plan that a training was begun with, or a new one."""
    path = folder / PLAN
    if path.is_file():
        return Plan(**json.loads(path.read_text("utf-8")))
    classes = Classifier.from_pretrained(wish.work / FEATURES).classes
    plan = fitted(GENERATORS[name], classes, wish, lambda p, c: measured(p, c, wish.device))
    text = json.dumps(dataclasses.asdict(plan), indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode(), overwrite=True)
    swift = "compiled, " if plan.compiled else ""
    say(
        f"{name}: {plan.size}×{plan.size} pixels, {plan.rate:,.0f} images a second, {swift}"
        f"{plan.images:,} images"
    )
    return plan


def _batch(family: str, size: int, classes: int, wish: Wish) -> int:
    """Twice as many on a device that has the room."""
    usual = FAMILIES[family](size, classes, wish.width).game.batch
    return max(64, usual) if wish.device.type == "cuda" else usual


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
