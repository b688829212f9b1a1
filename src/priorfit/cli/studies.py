"""`priorfit analyse prior-effect` and `impedance`: several fits side by side."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.analysing import (
    Common,
    Desk,
    analysing,
    begin,
    check_place,
    inputs_of,
    leave,
    leave_if_interrupted,
    leave_record,
    recipe_named,
    show,
    sized,
    tell,
)
from priorfit.cli.restoring import read_options
from priorfit.cli.session import progress, say
from priorfit.tasks import Denoise, Inpaint, Task, Upscale

if TYPE_CHECKING:
    from priorfit.analysis.effect import Arm
    from priorfit.analysis.fit import Fitted
    from priorfit.analysis.record import Curves
    from priorfit.loop.fit import Recipe
    from priorfit.problem import Problem
    from priorfit.records.sidecar import Sidecar
    from priorfit.tasks.base import Laid
    from priorfit.types import Image

_PRIORS = {"none": "no prior", "tv": "total variation", "dip": "network"}


Factor = Annotated[
    int | None, typer.Option("--factor", min=2, help="Enlarge IMAGE this many times.")
]
HoleMask = Annotated[
    Path | None, typer.Option("--hole-mask", help="Mask, white where IMAGE has a hole.")
]
Noise = Annotated[
    str | None,
    typer.Option("--noise-std", metavar="S|auto", help="Noise level of IMAGE, such as 25/255."),
]


@analysing
def prior_effect(
    picture: Annotated[Path, typer.Argument(metavar="IMAGE", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", callback=options.named, help="Folder to write."
        ),
    ],
    factor: Factor = None,
    hole_mask: HoleMask = None,
    noise_std: Noise = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Use the published settings; hours on a CPU.")
    ] = False,
    reference: options.Reference = None,
    steps: options.Steps = None,
    *,
    common: Common,
) -> None:
    """Restore a picture without a prior, with total variation, and with a network.

    Give one of --factor, --hole-mask and --noise-std. Writes none.png, tv.png and dip.png, each
    with a sidecar, and side-by-side.png to FOLDER.
    """
    task = _task(factor, hole_mask, noise_std)
    desk = Desk("prior-effect", output, common)
    begin(desk)

    from priorfit import images
    from priorfit.analysis.effect import effect, recipe_of
    from priorfit.runs.measure import read_reference

    read = images.read(picture)
    laid = task.lay(read, picture)
    clean = None if reference is None else read_reference(reference, read, laid.problem.shape)
    paths, sheet = _places(desk, laid)
    given = {"factor": factor, "hole-mask": hole_mask and hole_mask.name, "noise-std": noise_std}
    given |= {"paper": paper}
    sources = inputs_of(_files(picture, task, reference))
    done, records = [], []
    problem = laid.problem.to(desk.place)
    for arm, path in paths.items():
        name = recipe_of(arm, noisy=noise_std is not None, paper=paper)
        with progress(path, shown=desk.loud) as watch:
            one = effect(problem, arm, name, common.seed, steps=steps, watch=watch)
        about = desk.about(name, given, sources, steps)
        found, metrics = one.fitted, _metrics(one.fitted.image, clean)
        records.append(leave(desk, path, about, found, laid.picture, metrics))
        done.append(one)
        tell(desk, path, records[-1])
        leave_if_interrupted(desk, found)
    _side_by_side(sheet, done, records, laid, clean, overwrite=common.overwrite)
    if common.report:
        _page(desk, paths["dip"], done, records, laid, clean)


def _files(picture: Path, task: Task, reference: Path | None) -> dict[str, Path]:
    clean = {} if reference is None else {"reference": reference}
    return {"input": picture, **task.files, **clean}


def _places(desk: Desk, laid: "Laid") -> tuple[dict[str, Path], Path]:
    """Where the pictures of a study will stand, tried before any work."""
    from priorfit import images
    from priorfit.analysis.effect import ARMS
    from priorfit.errors import ImageFileError

    folder = desk.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageFileError(f"{folder}: cannot be made: {error.strerror or error}") from error
    paths, sheet = {arm: folder / f"{arm}.png" for arm in ARMS}, folder / "side-by-side.png"
    for path in (*paths.values(), sheet):
        images.ensure_writable(path, laid.picture, overwrite=desk.overwrite)
    return paths, sheet


def _task(factor: int | None, hole_mask: Path | None, noise_std: str | None) -> Task:
    asked: list[Task] = []
    asked += [] if factor is None else [Upscale(factor=factor, kernel="lanczos3")]
    asked += [] if hole_mask is None else [Inpaint(hole_mask=hole_mask)]
    asked += [] if noise_std is None else [read_options(Denoise, {"noise_std": noise_std})]
    if len(asked) != 1:
        raise typer.BadParameter(
            f"expected one of --factor, --hole-mask and --noise-std, got {len(asked)}",
            param_hint="'--factor' / '--hole-mask' / '--noise-std'",
        )
    return asked[0]


def _metrics(image: "Image", clean: "Image | None") -> dict[str, float]:
    from priorfit.runs.measure import scores

    return {} if clean is None else scores(image, clean, on_luma=False)


def _side_by_side(
    path: Path,
    done: "list[Arm]",
    records: "list[Sidecar]",
    laid: "Laid",
    clean: "Image | None",
    *,
    overwrite: bool,
) -> None:
    from priorfit.images import write_atomically
    from priorfit.report.embed import png
    from priorfit.report.restored import decibels
    from priorfit.report.sheet import side_by_side

    row = [("damaged", laid.problem.observation)]
    for arm, record in zip(done, records, strict=True):
        told = f"  {decibels(record.metrics['psnr'])}" if "psnr" in record.metrics else ""
        row.append((arm.name + told, arm.fitted.image))
    row += [] if clean is None else [("original", clean)]
    write_atomically(path, png(side_by_side(row)), overwrite=overwrite)


def _page(
    desk: Desk,
    path: Path,
    done: "list[Arm]",
    records: "list[Sidecar]",
    laid: "Laid",
    clean: "Image | None",
) -> None:
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown, decibels

    told = [decibels(r.metrics["psnr"]) if "psnr" in r.metrics else "" for r in records]
    arms = [
        Shown(embed(_PRIORS[arm.name], arm.fitted.image), f"recipe {arm.recipe}", words)
        for arm, words in zip(done, told, strict=True)
    ]
    damaged = Shown(embed("damaged", laid.problem.observation), "as it was read")
    pictures = [arms[-1], damaged, *arms[:-1]]
    pictures += [] if clean is None else [Shown(embed("original", clean), "for measuring alone")]
    content = Content(
        "What the prior does",
        "One problem, solved with no prior, with total variation, and with an untrained network.",
        pictures,
        curves={_PRIORS[arm.name]: arm.fitted.losses for arm in done},
        used=[arm.recipe for arm in done],
    )
    show(desk, path, records[-1], content)


@analysing
def impedance(
    picture: Annotated[Path, typer.Argument(metavar="IMAGE", show_default=False)],
    output: options.Record,
    noise_std: Annotated[
        str, typer.Option("--noise-std", metavar="S", help="Noise level of the noisy target.")
    ] = "25/255",
    size: options.Size = None,
    recipe: options.Recipe = "dip/impedance",
    steps: options.Steps = None,
    *,
    common: Common,
) -> None:
    """Fit a network to a picture, the picture with noise, its shuffled pixels, and white noise.

    Writes the four curves of the squared error to FILE. What is fitted late is what the network
    resists.
    """
    noisy = read_options(Denoise, {"noise_std": noise_std})
    if noisy == Denoise():
        raise typer.BadParameter("expected a number from 0 to 1", param_hint="'--noise-std'")
    desk = Desk("impedance", output, common)
    setting = recipe_named(recipe, "impedance")
    begin(desk)

    from priorfit import images
    from priorfit.analysis.pose import pose_impedance
    from priorfit.analysis.record import curves

    check_place(desk)
    started = time.perf_counter()
    read = images.read(picture)
    image = sized(read.tensor(), size)
    std = noisy.level(read)
    assert std is not None
    problems = pose_impedance(image.to(desk.place), std, common.seed)
    done = _fits(desk, problems, setting.recipe(steps))
    given = {"noise-std": noise_std, "size": size, "recipe": recipe}
    record = curves(
        desk.about(recipe, given, inputs_of({"input": picture}), steps),
        {name: found.losses for name, found in done.items()},
        seconds=time.perf_counter() - started,
        measure="mean squared error",
        values={name: {"error": found.error} for name, found in done.items()},
        notes=[f"{name}: {note}" for name, found in done.items() for note in found.notes],
    )
    leave_record(desk, record)
    if common.report:
        _curves_page(desk, record, problems, done)
    if desk.loud:
        told = ", ".join(f"{name} {found.error:.3g}" for name, found in done.items())
        say(f"{output}: {record.seconds:.1f} s, mean squared error of {told}")
    leave_if_interrupted(desk, list(done.values())[-1])


def _fits(desk: Desk, problems: "dict[str, Problem]", recipe: "Recipe") -> "dict[str, Fitted]":
    """One fit after another, up to the one that Ctrl-C ends."""
    from priorfit.analysis.fit import fitted

    done: dict[str, Fitted] = {}
    for name, problem in problems.items():
        with progress(Path(name), shown=desk.loud) as watch:
            done[name] = fitted(problem, recipe, desk.seed, watch)
        if done[name].interrupted:
            break
    return done


def _curves_page(
    desk: Desk, record: "Curves", problems: "dict[str, Problem]", done: "dict[str, Fitted]"
) -> None:
    from priorfit.analysis.show import Content
    from priorfit.report.embed import embed
    from priorfit.report.restored import Shown

    content = Content(
        "What a network resists",
        "The same untrained network fitted to four targets from the same start.",
        [Shown(embed(name, problems[name].observation), "to be fitted") for name in done],
        slider=False,
        curves={name: found.losses for name, found in done.items()},
        measure=record.measure,
    )
    show(desk, desk.output, record, content)
