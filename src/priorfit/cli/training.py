"""What `priorfit train` does around a training: options made sense of, a bar, its own words."""

import dataclasses
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from priorfit.cli.session import complain
from priorfit.errors import CheckpointError, PriorfitError, ProblemError

if TYPE_CHECKING:
    import torch

    from priorfit.networks.features import FeatureNetwork
    from priorfit.networks.generator import Discriminator, Generator
    from priorfit.train.card import CardFacts
    from priorfit.train.data import Photographs
    from priorfit.train.families import Pair
    from priorfit.train.game import Game
    from priorfit.train.judge import Judge
    from priorfit.train.run import Length, TrainingProgress, TrainingRun

FEATURES = "scenes-features"
"""The classifier that judges where none is named."""

_LARGEST = 1024  # pixels a side
_MINUTES = 60.0  # of a training whose length nobody says


def minutes(value: float | None, images: int | None) -> float | None:
    """How long a training goes on by the clock; an hour if nothing else ends it."""
    return _MINUTES if value is None and images is None else value


def check_lengths(options: dict[str, float | None]) -> None:
    """Refuse lengths that are none.

    Raises:
        BadParameter: one is not above 0.
    """
    for name, value in options.items():
        if value is not None and not 0 < value < math.inf:
            raise typer.BadParameter(
                f"expected a number above 0, got {value:g}", param_hint=f"'{name}'"
            )


def check_size(size: int | None) -> None:
    """Refuse sizes that no generator here draws.

    Raises:
        BadParameter: it is no power of two from 8 to 1024.
    """
    if size is not None and (not 8 <= size <= _LARGEST or size & (size - 1)):
        raise typer.BadParameter(
            f"expected 8, 16, 32 … {_LARGEST}, got {size}", param_hint="'--size'"
        )


def check_family(family: str | None, *, growing: bool) -> None:
    """Refuse families that do not exist, or cannot grow.

    Raises:
        BadParameter: there is none of this name.
    """
    from priorfit.train.families import FAMILIES, GROWING

    known = GROWING if growing else FAMILIES
    if (family is None and growing) or (family is not None and family not in known):
        expected, wish = ", ".join(known), " for --grow" if growing else ""
        got = "none" if family is None else f"'{family}'"
        raise typer.BadParameter(
            f"expected one of {expected}{wish}, got {got}", param_hint="'--family'"
        )


def augmentation(name: str | None) -> "Callable[[Game], Game]":
    """What is changed about how often images are augmented.

    Raises:
        BadParameter: no such way.
    """
    from priorfit.train.adapting import Adapting
    from priorfit.train.augment import chain

    ways: dict[str | None, Callable[[Game], Game]] = {
        None: lambda game: game,
        "always": lambda game: dataclasses.replace(game, adapting=None),
        "adaptive": lambda game: dataclasses.replace(game, adapting=Adapting()),
        "never": lambda game: dataclasses.replace(game, adapting=None, augmentation=chain()),
    }
    if name not in ways:
        raise typer.BadParameter(
            f"expected always, adaptive or never, got '{name}'", param_hint="'--augment'"
        )
    return ways[name]


def claim(folder: Path, *, resume: bool) -> None:
    """Make the folder of a training, if it is as the user thinks.

    Raises:
        PriorfitError: it holds a training where `resume` is false, or none where it is true, or
            it cannot be written.
    """
    from priorfit.runs.plan import make_folder
    from priorfit.train.run import STATE

    begun = (folder / STATE).exists()
    if begun and not resume:
        raise ProblemError(
            f"{folder}: already holds a training: continue with --resume or use another folder"
        )
    if resume and not begun:
        raise ProblemError(f"{folder}: holds no training to continue: leave out --resume")
    make_folder(str(folder), several=True)


def loaded(data: Path, size: int, labels: Path | None, *, quiet: bool) -> "Photographs":
    """Photographs to learn from; what is odd about them is said."""
    from priorfit.train.data import load

    found = load(data, size, labels=labels)
    if not quiet:
        for note in found.notes:
            complain(note, data)
    return found


Trained = tuple["Generator", "Discriminator"]
"""A generator and its discriminator."""


def trained(name: str | None, device: "torch.device") -> Trained | None:
    """What a training starts from; None for nothing.

    Args:
        name: of a checkpoint or a folder, whose discriminator is in it.
        device: where the networks shall be.

    Raises:
        PriorfitError: there is none, or without its discriminator.
    """
    from priorfit.networks.generator import Discriminator, Generator
    from priorfit.store import folders
    from priorfit.train.card import DISCRIMINATOR

    if name is None:
        return None
    folder = folders.find(name)
    return (
        Generator.from_pretrained(folder, device),
        Discriminator.from_pretrained(folder / DISCRIMINATOR, device),
    )


def seeing(
    name: str | None, features: str | None, device: "torch.device"
) -> "FeatureNetwork | None":
    """The network that helps to tell drawings from photographs; None for none.

    Raises:
        BadParameter: it is the one that judges: what is taught to please it cannot be judged by it.
        PriorfitError: there is none of that name.
    """
    from priorfit.networks.features import FeatureNetwork

    if name is None:
        return None
    if name == (features or FEATURES):
        raise typer.BadParameter(
            f"expected another network than that of --features, got '{name}'",
            param_hint="'--sight'",
        )
    return FeatureNetwork.from_pretrained(name, device)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Options of a training that say what is trained.

    Args:
        family: its name; None for what suits the photographs.
        width: channels at the full size.
        batch: images a step; None for the family's.
        precision: of the arithmetic.
        augmented: what is changed about how often images are augmented.
        grow: photographs seen until the networks have their full size, 0 for none; None for half
            of the training.
        start: what it starts from.
        sight: network that helps to tell drawings from photographs.
    """

    family: str | None
    width: int
    batch: int | None
    precision: "torch.dtype"
    augmented: "Callable[[Game], Game]"
    grow: int | None
    start: "Trained | None" = None
    sight: "FeatureNetwork | None" = None


def pair(
    wanted: Wanted, size: int, classes: int, length: "Length", device: "torch.device"
) -> "Pair":
    """The two networks and their game.

    Args:
        wanted: options.
        size: side of the images.
        classes: how many.
        length: of the training, half of which the networks grow, if nothing else is wanted; where
            it is not one of images, the speed of the device is measured.
        device: where.
    """
    from priorfit.train.families import FAMILIES, GROWING, seeing
    from priorfit.train.growing import doublings, within
    from priorfit.train.onlooker import beside
    from priorfit.train.plan import pace

    family = wanted.family or ("biggan" if classes else "stylegan")
    missing = doublings(size)
    if wanted.start is not None:
        missing = min(missing, max(0, doublings(size) - doublings(wanted.start[0].size[0])))
    grows = family in GROWING and wanted.grow != 0 and missing > 0
    made = (GROWING if grows else FAMILIES)[family](size, classes, wanted.width)
    game = wanted.augmented(made.game)
    game = dataclasses.replace(
        game,
        precision=wanted.precision,
        batch=wanted.batch or game.batch,
    )
    if wanted.sight is not None:
        game = seeing(game, beside(wanted.sight, size, classes))
    made = dataclasses.replace(made, game=game)
    if not grows:
        return made
    images = length.images or int(60 * (length.minutes or 0) * pace(made, size, classes, device))
    growing = within(wanted.grow or images // 2, missing, part=1.0)
    return dataclasses.replace(made, game=dataclasses.replace(game, growing=growing))


def precision(name: str, device: "torch.device") -> "torch.dtype":
    """Precision by its name; auto is bfloat16 where the device multiplies it faster.

    Raises:
        BadParameter: no such precision.
    """
    import torch

    if name == "auto":
        short = torch.cpu.get_capabilities().get("avx512_bf16", False)
        name = "bfloat16" if device.type == "cuda" or short else "float32"
    if name not in ("float32", "bfloat16"):
        raise typer.BadParameter(
            f"expected auto, float32 or bfloat16, got '{name}'", param_hint="'--precision'"
        )
    return torch.float32 if name == "float32" else torch.bfloat16


def judge(
    features: str | None,
    data: Path,
    learnt: "Photographs",
    device: "torch.device",
    *,
    quiet: bool,
) -> "Judge | None":
    """Who judges, by photographs that are kept for it where there are some; None for nobody.

    Raises:
        PriorfitError: the classifier that was named is not here, or there are too few photographs.
    """
    from priorfit.networks.classifier import Classifier
    from priorfit.train.data import load
    from priorfit.train.judge import Judge

    if features == "none":
        return None
    try:
        network = Classifier.from_pretrained(features or FEATURES, device)
        try:
            kept = load(data, learnt.size, test=True)
            against = f"{len(kept):,} photographs that it has not seen"
        except ProblemError:
            kept, against = learnt, "the photographs that it learnt from"
        name = Path(features or FEATURES).absolute().name
        return Judge(network.embed, kept.images.to(device), name=name, against=against)
    except (CheckpointError, ProblemError) as error:
        if features is not None:
            raise
        if not quiet:
            complain(f"no Fréchet distance will be measured: {error}")
        return None


def begin(run: "TrainingRun", start: Trained | None, *, resume: bool) -> None:
    """Have a training stand where it begins: at its saved state, at trained networks, or nowhere.

    Raises:
        PriorfitError: the state or the networks do not fit.
    """
    from priorfit.train import starting

    if resume:
        run.resume()
    elif start is not None:
        most = run.length.images or starting.IMITATED
        starting.start(run.training, *start, imitated=min(most, starting.IMITATED))


def report(run: "TrainingRun", about: "CardFacts", *, over: bool, quiet: bool) -> None:
    """Write the page of a training where pages can be made."""
    from priorfit.report.page import require
    from priorfit.train import page

    try:
        require()
    except PriorfitError as error:
        if not quiet:
            complain(str(error), run.folder)
        return
    page.write(run, about, over=over)


def command(context: typer.Context, *, whole: bool, more: tuple[str, ...] = ()) -> str:
    """The command that is running, as it can be typed again, but for --resume.

    Args:
        context: of the command.
        whole: whether files and folders are given with their paths, or by their names alone, as
            somebody on another machine wants to read them.
        more: words at its end.
    """
    words = context.command_path.split()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        value = context.params.get(option.name or "")
        if source is None or source.name != "COMMANDLINE" or option.name == "resume":
            continue
        name = max(option.opts, key=len)
        words += [name] if value is True else [name, _shown(value, option.name, whole=whole)]
    return shlex.join([*words, *more])


def _shown(value: object, name: str | None, *, whole: bool) -> str:
    is_path = isinstance(value, Path) or name == "features"
    return str(value) if whole or not is_path else Path(str(value)).absolute().name


@contextmanager
def bar(*, shown: bool) -> "Iterator[Callable[[TrainingProgress], None]]":
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
        shown_bar = bars.add_task("", total=1.0, seen=0, rate=0.0, left="?")

        def watch(progress: "TrainingProgress") -> None:
            bars.update(
                shown_bar,
                completed=progress.part,
                seen=progress.seen,
                rate=progress.rate,
                left=clock(progress.left),
            )

        yield watch


def clock(seconds: float) -> str:
    """A time as hours, minutes and seconds."""
    if seconds == math.inf:
        return "?"
    whole, rest = divmod(round(seconds), 60)
    hours, minute = divmod(whole, 60)
    return f"{hours}:{minute:02}:{rest:02}"
