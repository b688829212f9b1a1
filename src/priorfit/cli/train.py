"""`priorfit train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options, training
from priorfit.cli.misuse import Commands
from priorfit.cli.session import INTERRUPTED, complain, say, set_up

if TYPE_CHECKING:
    from priorfit.train.data import Photographs
    from priorfit.train.run import Run

train = typer.Typer(
    cls=Commands, help="Train networks on your own photographs.", no_args_is_help=False
)

Data = Annotated[
    Path,
    typer.Option(
        "--data", callback=options.local, help="Folder, zip file or .npz pack of photographs."
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FOLDER", callback=options.named, help="Made if missing."
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        "--family",
        help="biggan, which learns classes, stylegan or pggan; by default what suits the data.",
    ),
]
Size = Annotated[int | None, typer.Option("--size", help="8, 16, 32 … pixels.")]
Width = Annotated[int | None, typer.Option("--width", min=1, help="Channels.")]
Batch = Annotated[int | None, typer.Option("--batch", min=2, help="Images a step.")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", help="Length of the training; 60 if nothing else says it."),
]
Images = Annotated[
    int | None,
    typer.Option("--images", min=1, help="Length as photographs seen, again and again."),
]
Piece = Annotated[
    float | None,
    typer.Option("--piece", metavar="MINUTES", help="Stop after so long, to be gone on with."),
]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="Table of file name and class, CSV or JSON.")
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Classifier by whose features the Fréchet distance is measured; 'none' for none.",
    ),
]
Precision = Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16.")]
Augment = Annotated[
    str | None,
    typer.Option(
        "--augment",
        help="How often images are changed before they are judged: always, adaptive or never; by "
        "default what the family does.",
    ),
]
Grow = Annotated[
    int | None,
    typer.Option(
        "--grow",
        min=0,
        metavar="IMAGES",
        help="Photographs seen while drawings grow from 8×8 pixels to the full size, 0 for none; "
        "by default half of the length, for stylegan and pggan.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="NAME",
        help="Trained generator to start from, with its discriminator: of this size, or smaller.",
    ),
]
Sight = Annotated[
    str | None,
    typer.Option(
        "--sight",
        metavar="NAME",
        help="Network of features that drawings are told from photographs by as well: many times "
        "fewer images are needed. It must not be the one of --features.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the training in FOLDER.")]


@train.command("generator")
def generator(
    context: typer.Context,
    data: Data,
    out: Out,
    family: Family = None,
    size: Size = None,
    width: Width = None,
    batch: Batch = None,
    minutes: Minutes = None,
    images: Images = None,
    piece: Piece = None,
    labels: Labels = None,
    features: Features = None,
    precision: Precision = "auto",
    augment: Augment = None,
    grow: Grow = None,
    start: Start = None,
    sight: Sight = None,
    resume: Resume = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a generator of images like yours.

    FOLDER gets the generator, its discriminator, a sheet of drawings, a card and a report. Begun
    by torchrun, several processes share each batch, on a GPU each.
    """
    from priorfit.tasks.device import device_named
    from priorfit.train.data import fitting_size
    from priorfit.train.run import Length, Run
    from priorfit.train.several import join_team

    training.check_lengths({"--minutes": minutes, "--piece": piece})
    training.check_size(size)
    training.check_family(family, growing=bool(grow))
    change = training.augmentation(augment)
    team, place = context.with_resource(join_team(device_named(device)))
    quiet = quiet or not team.first
    arithmetic = training.precision(precision, place)
    training.claim(out, resume=resume)
    set_up(threads)
    size = size or fitting_size(data, 128 if place.type == "cuda" else 32)
    learnt = training.loaded(data, size, labels, quiet=quiet)
    begun = training.trained(start, place)
    seeing = training.seeing(sight, features, place)
    wanted = training.Wanted(family, width or 32, batch, arithmetic, change, grow, begun, seeing)
    length = Length(images, training.minutes(minutes, images), piece)
    pair = training.pair(wanted, size, len(learnt.classes), length, place)
    judge = training.judge(features, data, learnt, place, quiet=quiet)
    run = Run(out, pair, learnt, length, seed=seed, device=place, judge=judge, team=team)
    training.begin(run, begun, resume=resume)
    _go_on(context, run, data.absolute().name, learnt, quiet=quiet)


def _go_on(
    context: typer.Context, run: "Run", data: str, learnt: "Photographs", *, quiet: bool
) -> None:
    """Train, write what that leaves, and say so.

    Raises:
        Exit: 130, after Ctrl-C.
    """
    from priorfit.signals import interruptions
    from priorfit.train import card

    with interruptions() as interrupted, training.bar(shown=not quiet) as watch:
        over = run.go_on(watch, interrupted)
    about = card.About(
        data,
        len(learnt),
        learnt.classes,
        training.command(context, whole=False),
        None if run.judge is None else run.judge.name,
        learnt.notes,
    )
    training.report(run, about, over=over, quiet=quiet)
    if over:
        card.write(run, about)
        if not quiet:
            say(f"{run.folder}: {run.training.seen:,} images, {run.seconds / 60:.1f} minutes")
        return
    again = training.command(context, whole=True, more=("--resume",))
    message = f"stopped after {run.training.seen:,} images; to go on: {again}"
    if interrupted():
        complain(message, run.folder)
        raise typer.Exit(INTERRUPTED)
    if not quiet:
        say(f"{run.folder}: {message}")
