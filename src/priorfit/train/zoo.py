"""Train everything that is shipped, in pieces that go on exactly, fitted to device and time."""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from priorfit.errors import ProblemError
from priorfit.images import write_atomically
from priorfit.networks.classifier import Classifier
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.records.state_file import load_state, save_state
from priorfit.train import card, packing
from priorfit.train.classifier import Schooling, accuracy
from priorfit.train.data import Photographs, load
from priorfit.train.examine import examine, to_markdown
from priorfit.train.judge import Judge
from priorfit.train.plan import USED, TrainingPlan, TrainingWish, fit_plan, measure_speed, wait
from priorfit.train.run import STATE, Length, TrainingRun

FEATURES = "scenes-features"
GENERATORS = {"scenes-biggan": "biggan", "scenes-stylegan": "stylegan"}
"""What is trained, and of which family."""

PLAN, PACKED = "plan.json", "packed"

_OVER = 1.25  # times the minutes, at most
_FEATURE_SIZE, _EPOCHS = 64, 20.0
_EXAMINED = 0.4  # of a piece that has to be left for examining
_KEPT = 60.0  # seconds between saved states of the classifier

Say = Callable[[str], None]


class Stopped(Protocol):
    """Asked whether to stop."""

    def __call__(self, reserve: float = 0.0) -> bool:
        """Whether less than a part of the piece is left, or somebody wants it to end."""
        ...


def train(wish: TrainingWish, say: Say, interrupted: Callable[[], bool] = lambda: False) -> bool:
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
    piece = 60 * wish.piece if wish.piece else float("inf")
    begun = time.perf_counter()

    def stopped(reserve: float = 0.0) -> bool:
        return interrupted() or time.perf_counter() - begun > (1 - reserve) * piece

    if not _train_features(wish, say, stopped):
        return False
    return all(_train_generator(name, wish, say, stopped) for name in GENERATORS)


def _train_features(wish: TrainingWish, say: Say, stopped: Stopped) -> bool:
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
    schooling: Schooling, epochs: float, learnt: Photographs, wish: TrainingWish, say: Say
) -> None:
    folder = wish.work / FEATURES
    network = schooling.network.requires_grad_(False).eval()
    test = load(wish.data, _FEATURE_SIZE, test=True)
    right = accuracy(network, test.images.to(wish.device), test.labels.to(wish.device))
    network.source = {"trained_on": wish.data.name, "classes": list(learnt.classes)}
    network.save_pretrained(folder, overwrite=True)
    about = card.CardFacts(
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


def _schooling(learnt: Photographs, epochs: float, wish: TrainingWish) -> Schooling:
    short = torch.bfloat16 if wish.device.type == "cuda" else torch.float32
    return Schooling(learnt, epochs=epochs, device=wish.device, width=wish.width, precision=short)


def fitting_epochs(learnt: Photographs, wish: TrainingWish) -> float:
    """As many as usual, or as fit the minutes."""
    schooling = _schooling(learnt, _EPOCHS, wish)
    schooling.learn()
    wait(wish.device)
    begun, steps = time.perf_counter(), 5
    for _ in range(steps):
        schooling.learn()
    wait(wish.device)
    each = (time.perf_counter() - begun) / steps * schooling.planned / _EPOCHS
    return min(_EPOCHS, max(0.05, 60 * wish.minutes * USED / each))


def _train_generator(name: str, wish: TrainingWish, say: Say, stopped: Stopped) -> bool:
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
    run = TrainingRun(folder, pair, learnt, length, device=wish.device, judge=judge)
    if (folder / STATE).is_file():
        run.resume()
    first = run.training.seen
    over = run.go_on(interrupted=stopped)
    minutes = run.seconds / 60
    say(f"{name}: {run.training.seen:,} of {plan.images:,} images, {minutes:.1f} minutes")
    # An examination cannot be resumed.
    if not over or (run.training.seen > first and stopped(reserve=_EXAMINED)):
        return False
    _keep_generator(run, wish, learnt, kept, stand_in=plan.stand_in)
    say(f"{name}: packed, {packing.weigh(wish.out / name) / 1e6:.1f} MB")
    return True


def _keep_generator(
    run: TrainingRun, wish: TrainingWish, learnt: Photographs, kept: Photographs, *, stand_in: bool
) -> None:
    """Write the card of a training that is over, examine its halves, and pack them."""
    folder, name = run.folder, run.folder.name
    about = card.CardFacts(
        wish.data.name,
        len(learnt),
        learnt.classes,
        wish.command,
        FEATURES,
        learnt.notes,
        license=packing.LICENSE,
    )
    card.write(run, about)
    out = wish.out / name
    packing.pack(folder, out, stand_in=stand_in)
    found = examine(
        Drawing.from_pretrained(out, wish.device),
        Discriminator.from_pretrained(out / card.DISCRIMINATOR, wish.device),
        Classifier.from_pretrained(wish.work / FEATURES, wish.device),
        learnt,
        kept,
        effort=wish.effort,
    )
    found.save(folder)
    packing.pack(folder, out, stand_in=stand_in, sections=[to_markdown(found, FEATURES)])
    (folder / PACKED).touch()


def _plan(name: str, folder: Path, wish: TrainingWish, say: Say) -> TrainingPlan:
    """The plan that a training was begun with, or a new one."""
    path = folder / PLAN
    if path.is_file():
        return TrainingPlan(**json.loads(path.read_text("utf-8")))
    classes = Classifier.from_pretrained(wish.work / FEATURES).classes
    plan = fit_plan(GENERATORS[name], classes, wish, lambda p, c: measure_speed(p, c, wish.device))
    text = json.dumps(dataclasses.asdict(plan), indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode(), overwrite=True)
    swift = "compiled, " if plan.compiled else ""
    say(
        f"{name}: {plan.size}×{plan.size} pixels, {plan.rate:,.0f} images a second, {swift}"
        f"{plan.images:,} images"
    )
    return plan
