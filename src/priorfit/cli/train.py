"""`priorfit train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options, training
from priorfit.cli.misuse import Commands
from priorfit.cli.session import INTERRUPTED, complain, say, set_up

if TYPE_CHECKING:
    from priorfit.train.data import Photographs
    from priorfit.train.run import TrainingRun

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
        "--output", "-o", metavar="FOLDER", callback=options.named, help="Folder to write."
    ),
]
Family = Annotated[
    str | None,
    typer.Option(
        "--family",
        help="biggan (learns classes), stylegan or pggan. Default: biggan if there are classes, "
        "else stylegan.",
    ),
]
Size = Annotated[
    int | None, typer.Option("--size", help="Side of the images in pixels: 8, 16, 32 …")
]
Width = Annotated[
    int | None, typer.Option("--width", min=1, help="Channels at the full size (default 32).")
]
Batch = Annotated[int | None, typer.Option("--batch", min=2, help="Images per step.")]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes", help="Length of the training (default 60, unless --images is given)."
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        "--images", min=1, help="Length of the training as the number of photographs seen."
    ),
]
Piece = Annotated[
    float | None,
    typer.Option(
        "--piece",
        metavar="MINUTES",
        help="Save and stop after this many minutes; continue with --resume.",
    ),
]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="CSV or JSON file: image name and class.")
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Classifier whose features measure the Fréchet distance; 'none' measures nothing.",
    ),
]
Precision = Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16.")]
Augment = Annotated[
    str | None,
    typer.Option(
        "--augment",
        help="How often the discriminator sees augmented images: always, adaptive or never. "
        "Default: as the family does.",
    ),
]
Grow = Annotated[
    int | None,
    typer.Option(
        "--grow",
        min=0,
        metavar="IMAGES",
        help="Grow from 8×8 pixels to the full size over this many photographs; 0 starts at the "
        "full size. Default: half of the training for stylegan and pggan, 0 for biggan.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="NAME",
        help="Trained generator to start from, with its discriminator; of this size or smaller.",
    ),
]
Sight = Annotated[
    str | None,
    typer.Option(
        "--sight",
        metavar="NAME",
        help="Feature network that helps the discriminator, so that many times fewer images are "
        "needed. It must differ from --features.",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the training in FOLDER.")]


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

    Writes the generator, its discriminator, a sheet of samples, a card and a report to FOLDER.
    Start it with torchrun to train on several GPUs; they share each batch.
    """
    from priorfit.tasks.device import device_named
    from priorfit.train.data import fitting_size
    from priorfit.train.run import Length, TrainingRun
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
    run = TrainingRun(out, pair, learnt, length, seed=seed, device=place, judge=judge, team=team)
    training.begin(run, begun, resume=resume)
    _go_on(context, run, data.absolute().name, learnt, quiet=quiet)


def _go_on(
    context: typer.Context, run: "TrainingRun", data: str, learnt: "Photographs", *, quiet: bool
) -> None:
    """Train, write what that leaves, and say so.

    Raises:
        Exit: 130, after Ctrl-C.
    """
    from priorfit.signals import interruptions
    from priorfit.train import card

    with interruptions() as interrupted, training.bar(shown=not quiet) as watch:
        over = run.go_on(watch, interrupted)
    about = card.CardFacts(
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
    message = f"stopped after {run.training.seen:,} images; to continue: {again}"
    if interrupted():
        complain(message, run.folder)
        raise typer.Exit(INTERRUPTED)
    if not quiet:
        say(f"{run.folder}: {message}")
