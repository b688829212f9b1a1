"""`priorfit analyse random-labels`: how fast a classifier memorises true and random labels."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.analysing import Common, Desk, analysing, begin, check_place, leave_record, show
from priorfit.cli.session import complain, say
from priorfit.wording import counted

if TYPE_CHECKING:
    from priorfit.analysis.labels import Lesson
    from priorfit.analysis.record import About, Curves
    from priorfit.train.data import Photographs
    from priorfit.train.memorise import Drill, Learnt
    from priorfit.types import Image

_MEASURE = "cross entropy, mean of an epoch"


@analysing
def random_labels(
    output: options.Record,
    photographs: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Folder with a folder of photographs for each class (default: crops of ten "
            "photographs of scikit-image).",
            show_default=False,
        ),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=8, help="Side of an image in pixels.")] = 24,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the images.")] = 40,
    *,
    common: Common,
) -> None:
    """Train a small classifier on true and on random labels.

    Also on pixels shuffled in one order, on pixels shuffled differently in each image, and on
    normal noise. Writes the five curves of the cross entropy to FILE.
    """
    desk = Desk("random-labels", output, common)
    begin(desk)

    from priorfit.analysis.labels import lessons
    from priorfit.train.memorise import Drill

    check_place(desk)
    started = time.perf_counter()
    taught = _photographs(photographs, size, common.seed)
    tasks = lessons(taught, common.seed)
    found = _learnt(desk, tasks, Drill(epochs=epochs))
    about = _about(desk, photographs, taught, {"size": size, "epochs": epochs})
    record = _record(about, found, time.perf_counter() - started)
    leave_record(desk, record)
    if common.report:
        _page(desk, record, tasks)
    if desk.loud:
        told = ", ".join(f"{name} {one.losses[-1][1]:.3g}" for name, one in found.items())
        say(f"{output}: {record.seconds:.1f} s, cross entropy of {told}")


def _photographs(folder: Path | None, size: int, seed: int) -> "Photographs":
    from priorfit.analysis.labels import crops
    from priorfit.train.data import load

    return crops(seed, size) if folder is None else load(folder, size)


def _learnt(desk: Desk, tasks: "dict[str, Lesson]", drill: "Drill") -> "dict[str, Learnt]":
    from priorfit.train.memorise import memorise

    found: dict[str, Learnt] = {}
    for name, task in tasks.items():
        images, labels = task.images.to(desk.place), task.labels.to(desk.place)
        found[name] = memorise(images, labels, drill, desk.seed)
        if desk.loud:
            step, loss = found[name].losses[-1]
            complain(f"{name}: cross entropy {loss:.3g} after {counted(step, 'step')}")
    return found


def _about(
    desk: Desk, folder: Path | None, taught: "Photographs", given: dict[str, object]
) -> "About":
    """What was asked for; a folder goes in as a whole, by the hash of what was read of it."""
    import hashlib
    from dataclasses import replace

    from priorfit.records.sidecar import Source

    sources: tuple[Source, ...] = ()
    if folder is not None:
        sha256 = hashlib.sha256(taught.images.contiguous().numpy().tobytes()).hexdigest()
        sources = (Source(role="input", name=folder.name, sha256=sha256),)
    about = desk.about("random-labels", given, sources)
    return replace(about, notes=taught.notes)


def _record(about: "About", found: "dict[str, Learnt]", seconds: float) -> "Curves":
    from priorfit.analysis.record import curves

    return curves(
        about,
        {name: one.losses for name, one in found.items()},
        seconds=seconds,
        measure=_MEASURE,
        values={
            name: {"cross_entropy": one.losses[-1][1], "accuracy": one.accuracy}
            for name, one in found.items()
        },
    )


def _page(desk: Desk, record: "Curves", tasks: "dict[str, Lesson]") -> None:
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown

    pictures = [
        Shown(embed(name, _mosaic(task)), "some of the training images")
        for name, task in tasks.items()
    ]
    content = Content(
        "How fast a classifier memorises",
        "The same untrained classifier, trained from the same start on five sets.",
        pictures,
        slider=False,
        curves=record.curves,
        measure=_MEASURE,
    )
    show(desk, desk.output, record, content)


def _mosaic(task: "Lesson", rows: int = 4) -> "Image":
    """Some of the images, evenly chosen, in a square of so many rows."""
    import torch

    chosen = torch.linspace(0, len(task.images) - 1, rows * rows).round().long()
    pieces = task.images[chosen].clamp(0, 1).unflatten(0, (rows, rows))
    return torch.cat([torch.cat(list(row), -1) for row in pieces], -2)[None]
