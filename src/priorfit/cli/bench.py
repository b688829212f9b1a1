"""`priorfit bench`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.misuse import Commands
from priorfit.cli.session import INTERRUPTED, complain, say, set_up

if TYPE_CHECKING:
    from priorfit.bench.run import BenchPlan

bench = typer.Typer(cls=Commands, help="Run benchmarks on suites of images.", no_args_is_help=False)

_QUICK_SIDE, _QUICK_STEPS = 128, "300"


@bench.callback()
def _bench() -> None:
    """Run benchmarks on suites of images."""


Suites = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SUITE",
        help="Published suites, which need --images: denoise25, pixels50, set5_x4, set14_x4 "
        "(default all four). Suites that need nothing: samples-denoise25, samples-pixels50, "
        "samples-x4.",
        show_default=False,
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        "--images", metavar="FOLDER", help="Folder that holds a folder for each published suite."
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FOLDER",
        callback=options.named,
        help="Folder for results.json and results.md.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="NAMES", help="Only these images; names between commas."),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        "--recipe", metavar="NAME", help="Recipe for the suites of its task (default dip/TASK)."
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Number of seeds, from 0.")]
Corner = Annotated[
    int | None,
    typer.Option(
        "--corner",
        min=32,
        help="Use only the top left corner of this side in pixels (default: all).",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="One image per suite, a corner of 128 pixels, 300 steps; takes about a minute.",
    ),
]


@bench.command()
def dip(
    suites: Suites = None,
    images: Images = None,
    out: Out = Path("bench-dip"),
    only: Only = None,
    recipe: Recipe = None,
    seeds: Seeds = 1,
    corner: Corner = None,
    steps: options.Steps = None,
    time_limit: options.TimeLimit = None,
    threads: options.Threads = None,
    patience: options.Patience = 60.0,
    quick: Quick = False,
) -> None:
    """Benchmark Deep Image Prior on suites of images.

    Compares with classical methods and, for whole images, with the authors' published results.
    Rerun the same command to continue an interrupted benchmark.
    """
    from priorfit.bench.run import BenchPlan

    length = [] if steps is None else ["--steps", str(steps)]
    length += [] if time_limit is None else ["--time-limit", f"{time_limit:g}"]
    chosen = _suites(suites, recipe, published=images is not None or not quick)
    plan = BenchPlan(
        suites=chosen,
        folder=images,
        only=_names(only, chosen),
        most=1 if quick else None,
        side=corner or (_QUICK_SIDE if quick else None),
        recipe=recipe,
        seeds=seeds,
        length=length or (["--steps", _QUICK_STEPS] if quick else []),
        threads=threads,
        patience=patience,
    )
    try:
        _measure(plan, out)
    except KeyboardInterrupt:
        complain(f"interrupted; results so far are in {out}; rerun the command to continue")
        raise typer.Exit(INTERRUPTED) from None


def _measure(plan: "BenchPlan", out: Path) -> None:
    from priorfit.bench.results import Results
    from priorfit.bench.run import measure
    from priorfit.bench.table import table
    from priorfit.errors import PriorfitError
    from priorfit.images import write_atomically

    set_up(plan.threads)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PriorfitError(f"{out}: cannot be made: {error.strerror or error}") from None
    command = shlex.join(["priorfit", *sys.argv[1:]])

    def after(results: Results) -> None:
        text = table(results, command)
        write_atomically(out / "results.md", text.encode(), overwrite=True)

    failed = measure(plan, out / "results.json", say, after=after)
    say(f"{out / 'results.md'}: the table")
    for name in failed:
        complain("the command failed, see above", Path(name))
    raise typer.Exit(int(bool(failed)))


def _suites(given: list[str] | None, recipe: str | None, *, published: bool) -> list[str]:
    """Names of suites, as given or by default, that are of the task of the recipe.

    Raises:
        BadParameter: there is no such suite or recipe, or none is of its task.
    """
    from priorfit import recipes
    from priorfit.bench.suites import PUBLISHED, SAMPLES, SUITES
    from priorfit.errors import RecipeError

    names = given or list(PUBLISHED if published else SAMPLES)
    for name in names:
        if name not in SUITES:
            expected = ", ".join(SUITES)
            raise typer.BadParameter(f"expected a suite among {expected}, got '{name}'")
    if recipe is None:
        return names
    try:
        tasks = recipes.find(recipe).tasks
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="'--recipe'") from None
    fitting = [name for name in names if SUITES[name].damage.task.kind in tasks]
    if not fitting:
        raise typer.BadParameter(
            f"{recipe} is for {', '.join(tasks)}, and {', '.join(names)} are not",
            param_hint="'--recipe'",
        )
    return fitting


def _names(only: str | None, suites: list[str]) -> list[str]:
    """Names of images.

    Raises:
        BadParameter: no suite has an image of that name.
    """
    from priorfit.bench.suites import SUITES

    names = [] if only is None else [name.strip() for name in only.split(",")]
    known = {image for suite in suites for image in SUITES[suite].images}
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"expected images among {', '.join(sorted(known))}, got '{name}'",
                param_hint="'--only'",
            )
    return names
