"""From the options of a restoring command to its jobs, with everything checked that can be."""

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from priorfit.cli import options

if TYPE_CHECKING:
    from priorfit.pipeline import Job, Task

_SLASHES = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True)
class Common:
    """The options that every restoring command has: a new one is a line here."""

    recipe: options.Recipe
    seed: options.Seed = 0
    device: options.Device = "auto"
    steps: options.Steps = None
    time_limit: options.TimeLimit = None
    stop: options.Stop = None
    reference: options.Reference = None
    report: options.Report = False
    snapshots: options.Snapshots = None
    uncertainty: options.Uncertainty = None
    sequence: options.Sequence = None
    json: options.Json = False
    quiet: options.Quiet = False
    overwrite: options.Overwrite = False
    force: options.Force = False
    skip_existing: options.SkipExisting = False
    checkpoint_every: options.CheckpointEvery = None
    tile: options.Tile = None
    memory_limit: options.MemoryLimit = None
    threads: options.Threads = None


Command = Callable[..., None]


def restoring(recipe: str) -> Callable[[Command], Command]:
    """Give a command, whose last parameter is `common`, an option for each field of `Common`.

    Args:
        recipe: that the command takes by default.
    """

    return sharing(Common, {"recipe": recipe})


def sharing(kind: type, defaults: Mapping[str, object]) -> Callable[[Command], Command]:
    """Give a command, whose last parameter is `common`, an option for each field of a dataclass.

    Args:
        kind: the dataclass, an instance of which the command gets.
        defaults: of fields that have none of their own.
    """

    def widened(command: Command) -> Command:
        own = inspect.signature(command).parameters.values()
        shared = [_parameter(field, defaults) for field in fields(kind)]
        parameters = [parameter for parameter in own if parameter.name != "common"] + shared

        @functools.wraps(command)
        def run(**given: Any) -> None:
            common = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            command(**given, common=common)

        # Typer reads both.
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        vars(run)["__signature__"] = inspect.Signature(parameters)
        return run

    return widened


def _parameter(field: Field, defaults: Mapping[str, object]) -> inspect.Parameter:
    default = defaults.get(field.name, field.default)
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(field.name, kind, default=default, annotation=field.type)


def jobs_of(
    inputs: Sequence[Path], output: str, common: Common, task_of: "Callable[[Path], Task]"
) -> "list[Job]":
    """Make one job a picture.

    Args:
        inputs: pictures.
        output: file, or folder, as it was typed.
        common: options.
        task_of: picture to its task.

    Raises:
        BadParameter: names that collide, an output that is an input, numbers out of range.
        RecipeError: no recipe of that name.
    """
    from priorfit import recipes
    from priorfit.errors import RecipeError
    from priorfit.pipeline import Job
    from priorfit.tasks import AUTO

    tasks = [task_of(path) for path in inputs]
    try:
        if common.recipe != AUTO or not all(task.chooses for task in tasks):
            recipes.find(common.recipe)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="'--recipe'") from None
    if common.time_limit is not None and not 0 < common.time_limit < float("inf"):
        raise typer.BadParameter(
            "expected a number of seconds above 0", param_hint="'--time-limit'"
        )
    snapshots = options.snapshots(common.snapshots)
    memory_limit = options.memory(common.memory_limit)
    _check_rule(common.stop)
    spreads: list[Path | None] = [None] * len(inputs)
    if common.uncertainty is not None:
        spreads = [*_targets(inputs, common.uncertainty)]
    jobs = [
        Job(
            input=path,
            output=target,
            task=task,
            recipe=common.recipe,
            seed=common.seed,
            device=common.device,
            steps=common.steps,
            time_limit=common.time_limit,
            stop=common.stop,
            reference=None if common.reference is None else matched(common.reference, path),
            report=common.report,
            snapshots=snapshots,
            uncertainty=spread,
            overwrite=common.overwrite,
            force=common.force,
            checkpoint_every=common.checkpoint_every,
            tile=common.tile,
            memory_limit=memory_limit,
        )
        for path, target, task, spread in zip(
            inputs, _targets(inputs, output), tasks, spreads, strict=True
        )
    ]
    _check_names(jobs)
    return jobs


def _check_rule(stop: str | None) -> None:
    from priorfit.errors import RecipeError
    from priorfit.stopping import ruled

    try:
        ruled([], stop)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="'--stop'") from None


def matched(place: Path, picture: Path) -> Path:
    """A file for all pictures, or the one in a folder that has the name of this picture."""
    if not place.is_dir():
        return place
    same = place / picture.name
    if same.exists():
        return same
    stems = sorted(path for path in place.glob("*") if path.stem == picture.stem)
    return stems[0] if stems else same


def make_folder(output: str, several: bool) -> None:
    """Make the folder of the results and try whether it can be written.

    Raises:
        ImageFileError: it cannot.
    """
    import tempfile

    from priorfit.errors import ImageFileError

    inside = several or _is_folder(output)
    folder = Path(output) if inside else Path(output).parent
    try:
        if inside:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageFileError(f"{folder}: cannot be written: {reason}") from None


def _is_folder(output: str) -> bool:
    """Whether a name for the result of one picture means a folder, which may be missing."""
    path = Path(output)
    if path.is_dir() or output.endswith(_SLASHES):
        return True
    return not path.suffix and not path.exists()


def _targets(inputs: Sequence[Path], output: str) -> list[Path]:
    if len(inputs) == 1 and not _is_folder(output):
        return [Path(output)]
    return [Path(output) / path.name for path in inputs]


def _check_names(jobs: "Sequence[Job]") -> None:
    """Refuse results that would overwrite each other, or something that is read."""
    hint = "'--output' / '-o'"
    read = {_real(path): path for job in jobs for path in job.files.values()}
    written: dict[str, Path] = {}
    for job in jobs:
        for product in job.products:
            real = _real(product)
            if real in read:
                raise typer.BadParameter(
                    f"{product} is read by this command: choose another name", param_hint=hint
                )
            if real in written:
                raise typer.BadParameter(
                    f"two results would have the name {product}: give the inputs other names, "
                    "or restore them one by one",
                    param_hint=hint,
                )
            written[real] = product


def _real(path: Path) -> str:
    return os.path.realpath(path)
