"""`priorfit train`."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.session import INTERRUPTED, complain, say, set_up

if TYPE_CHECKING:
    import torch

    from priorfit.train.data import Photographs
    from priorfit.train.families import Pair
    from priorfit.train.judge import Judge
    from priorfit.train.run import Progress

train = typer.Typer(help="Train networks on your own photographs.", no_args_is_help=False)

_FEATURES = "scenes-features"

Data = Annotated[Path, typer.Option("--data", help="Folder, zip file or .npz pack of photographs.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Made if missing.")]
Family = Annotated[
    str | None,
    typer.Option(
        "--family",
        help="biggan, which learns classes, or stylegan; by default what suits the photographs.",
    ),
]
Minutes = Annotated[float | None, typer.Option("--minutes", help="Length of the training.")]
Images = Annotated[
    int | None,
    typer.Option("--images", min=1, help="Length as photographs seen, again and again."),
]
Piece = Annotated[
    float | None,
    typer.Option("--piece", metavar="MINUTES", help="Stop after so long, to be gone on with."),
]


@train.command("generator")
def generator(
    data: Data,
    out: Out,
    family: Family = None,
    size: Annotated[int | None, typer.Option("--size", help="8, 16, 32 … pixels.")] = None,
    width: Annotated[int | None, typer.Option("--width", min=1, help="Channels.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Images a step.")] = None,
    minutes: Minutes = None,
    images: Images = None,
    piece: Piece = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Table of file name and class, CSV or JSON.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            help="Classifier by whose features the Fréchet distance is measured; 'none' for none.",
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option("--precision", help="auto, float32 or bfloat16.")
    ] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in FOLDER.")
    ] = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a generator of images like yours.

    FOLDER gets the generator, its discriminator, a sheet of drawings and a card.
    """
    from priorfit.errors import ProblemError
    from priorfit.runs import interruptions
    from priorfit.tasks.device import device_named
    from priorfit.train import card
    from priorfit.train.data import fitting_size
    from priorfit.train.run import STATE, Length, Run

    set_up(threads)
    place = device_named(device)
    begun = (out / STATE).exists()
    if begun != resume:
        raise ProblemError(
            f"{out}: holds a training already: go on with it by --resume, or choose another folder"
            if begun
            else f"{out}: holds no training to go on with: leave --resume out"
        )
    size = size or fitting_size(data, 128 if place.type == "cuda" else 32)
    learnt = _loaded(data, size, labels, quiet=quiet)
    pair = _pair(family, size, len(learnt.classes), width, batch, _dtype(precision, place))
    judge = _judge(features, data, size, learnt, place)
    length = Length(images, minutes or (None if images else 60.0), piece)
    run = Run(out, pair, learnt, length, seed=seed, device=place, judge=judge)
    if resume:
        run.resume()
    with interruptions() as interrupted, _bar(shown=not quiet) as watch:
        over = run.go_on(watch, interrupted)
    if not over:
        again = " ".join([_command(), *([] if resume else ["--resume"])])
        complain(f"stopped after {run.training.seen:,} images; to go on: {again}", out)
        raise typer.Exit(INTERRUPTED if interrupted() else 0)
    named = None if judge is None else features or _FEATURES
    about = card.About(
        data.name, len(learnt), learnt.classes, _command(), named, notes=learnt.notes
    )
    card.write(run, about)
    if not quiet:
        say(f"{out}: {run.training.seen:,} images, {run.seconds / 60:.1f} minutes")


def _loaded(data: Path, size: int, labels: Path | None, *, quiet: bool) -> "Photographs":
    """Photographs to learn from; what is odd about them is said."""
    from priorfit.train.data import load

    found = load(data, size, labels=labels)
    if not quiet:
        for note in found.notes:
            complain(note, data)
    return found


def _pair(
    family: str | None,
    size: int,
    classes: int,
    width: int | None,
    batch: int | None,
    precision: "torch.dtype",
) -> "Pair":
    import dataclasses

    from priorfit.train.families import FAMILIES

    family = family or ("biggan" if classes else "stylegan")
    if family not in FAMILIES:
        expected = ", ".join(FAMILIES)
        raise typer.BadParameter(
            f"expected one of {expected}, got '{family}'", param_hint="'--family'"
        )
    if size < 8 or size & (size - 1):
        raise typer.BadParameter(f"expected 8, 16, 32 …, got {size}", param_hint="'--size'")
    pair = FAMILIES[family](size, classes, width or 32)
    game = dataclasses.replace(pair.game, precision=precision, batch=batch or pair.game.batch)
    return dataclasses.replace(pair, game=game)


def _dtype(name: str, device: "torch.device") -> "torch.dtype":
    """Precision by its name; auto is bfloat16 where the device multiplies it faster."""
    import torch

    if name == "auto":
        name = "bfloat16" if device.type == "cuda" or _short_products() else "float32"
    if name not in ("float32", "bfloat16"):
        raise typer.BadParameter(
            f"expected auto, float32 or bfloat16, got '{name}'", param_hint="'--precision'"
        )
    return torch.float32 if name == "float32" else torch.bfloat16


def _short_products() -> bool:
    """Whether this processor has instructions for products of bfloat16."""
    import torch

    return torch.cpu.get_capabilities().get("avx512_bf16", False)


def _judge(
    features: str | None, data: Path, size: int, learnt: "Photographs", device: "torch.device"
) -> "Judge | None":
    """Who judges, by photographs that are kept for it where there are some."""
    from priorfit.errors import CheckpointError, ProblemError
    from priorfit.networks.classifier import Classifier
    from priorfit.train.data import load
    from priorfit.train.judge import Judge

    if features == "none":
        return None
    try:
        network = Classifier.from_pretrained(features or _FEATURES, device)
    except CheckpointError:
        if features is not None:
            raise
        return None
    try:
        kept = load(data, size, test=True)
    except ProblemError:
        kept = learnt
    return Judge(network.embed, kept.images.to(device))


def _command() -> str:
    """The command of this process, as it can be typed again."""
    words = [word for word in sys.argv[1:] if word != "--resume"]
    return shlex.join(["priorfit", *words])


@contextmanager
def _bar(*, shown: bool) -> "Iterator[Callable[[Progress], None]]":
    """Show how far a training is, on a terminal as a bar, else nothing.

    Yields:
        What is to be told after every step.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.fields[seen]:,} images"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:.0f} images/s"),
        TextColumn("{task.fields[left]} left"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=1.0, seen=0, rate=0.0, left="?")

        def watch(progress: "Progress") -> None:
            left = _clock(progress.left)
            bars.update(
                bar, completed=progress.part, seen=progress.seen, rate=progress.rate, left=left
            )

        yield watch


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
