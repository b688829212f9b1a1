"""From the options of a restoring command to its jobs, with everything checked that can be."""

import functools
import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from priorfit.cli import options

if TYPE_CHECKING:
    from priorfit.runs import Job, Task

_OUTPUT = "'--output' / '-o'"
_SPREAD = (".tif", ".tiff", ".npy", ".png")  # files that hold standard deviations
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
    hand_out: options.HandOut = None
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
    from priorfit.runs import Job

    tasks = [task_of(path) for path in inputs]
    _check_recipe(common.recipe, tasks)
    if common.time_limit is not None and not 0 < common.time_limit < float("inf"):
        raise typer.BadParameter(
            "expected a number of seconds above 0", param_hint="'--time-limit'"
        )
    snapshots = options.snapshots(common.snapshots)
    memory_limit = options.memory(common.memory_limit)
    _check_rule(common.stop)
    _check_hand_out(common.hand_out, tasks)
    spreads: list[Path | None] = [None] * len(inputs)
    if common.uncertainty is not None:
        option = "'--uncertainty'"
        spreads = [*_targets(inputs, common.uncertainty, hint=option, endings=_SPREAD)]
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
            hand_out=common.hand_out,
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
    _check_shared(jobs)
    return jobs


def _check_recipe(name: str, tasks: "Sequence[Task]") -> None:
    from priorfit import recipes
    from priorfit.errors import RecipeError
    from priorfit.tasks import AUTO

    try:
        if name != AUTO or not all(task.chooses for task in tasks):
            recipes.find(name)
    except RecipeError as error:
        raise typer.BadParameter(str(error), param_hint="'--recipe'") from None


def _check_hand_out(name: str | None, tasks: "Sequence[Task]") -> None:
    """Refuse what no task of a command hands out."""
    from priorfit.runs.job import handed_out_by
    from priorfit.wording import listed

    for kind in {task.kind for task in tasks} if name is not None else ():
        known = handed_out_by(kind)
        if name not in known:
            raise typer.BadParameter(
                f"expected {listed(known, most=len(known))}, got '{name}'",
                param_hint="'--hand-out'",
            )


def _check_rule(stop: str | None) -> None:
    from priorfit.errors import RecipeError
    from priorfit.loop.stopping import ruled

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


def make_folder(output: str, several: bool) -> list[Path]:
    """Make the folder of the results and try whether it can be written.

    Returns:
        The folder if it was missing.

    Raises:
        ImageFileError: it cannot.
    """
    import tempfile

    from priorfit.errors import ImageFileError

    inside = several or _is_folder(output)
    folder = Path(output) if inside else Path(output).parent
    made = [] if folder.exists() else [folder]
    try:
        if inside:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageFileError(f"{folder}: cannot be written: {reason}") from None
    return made


def _is_folder(output: str) -> bool:
    """Whether a name for the result of one picture means a folder, which may be missing."""
    path = Path(output)
    if path.is_dir() or output.endswith(_SLASHES):
        return True
    return not path.suffix and not path.exists()


def _targets(
    inputs: Sequence[Path], output: str, *, hint: str = _OUTPUT, endings: Collection[str] = ()
) -> list[Path]:
    """Where the results of the pictures go.

    Args:
        inputs: pictures.
        output: file, or folder, as it was typed.
        hint: the option that it was typed for.
        endings: that a name may have, the first for those that have another; every picture's own
            by default.

    Raises:
        BadParameter: several pictures, and a name for one.
        ImageFileError: there is a file in the place of the folder.
    """
    from priorfit.errors import ImageFileError

    if len(inputs) == 1 and not _is_folder(output):
        return [Path(output)]
    place = Path(output)
    if len(inputs) > 1 and not place.is_dir() and not output.endswith(_SLASHES):
        if place.exists():
            raise ImageFileError(
                f"{output} is a file, expected a folder for {len(inputs)} pictures"
            )
        if place.suffix.lower() in _endings():
            raise typer.BadParameter(
                f"{output} is a name for one picture, expected a folder for {len(inputs)}: "
                "with / at its end it is one",
                param_hint=hint,
            )
    return [place / _name_of(path, endings) for path in inputs]


def _name_of(picture: Path, endings: Collection[str]) -> str:
    """The name of a picture's result in a folder: its own, if results can have its ending."""
    from priorfit.images import result_name

    if not endings:
        return result_name(picture)
    if picture.suffix.lower() in endings:
        return picture.name
    return picture.stem + next(iter(endings))


def _endings() -> Collection[str]:
    from priorfit.images import SUFFIXES

    return SUFFIXES


def _check_names(jobs: "Sequence[Job]") -> None:
    """Refuse results that would overwrite each other, or something that is read."""
    hint = _OUTPUT
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


def _check_shared(jobs: "Sequence[Job]") -> None:
    """Find out once, not for each picture, whether what they all need is there.

    Raises:
        ImageFileError: it is not.
    """
    from priorfit.errors import ImageFileError
    from priorfit.images import no_file

    files = [{path for role, path in job.files.items() if role != "input"} for job in jobs]
    for path in sorted(set.intersection(*files)) if len(files) > 1 else ():
        try:
            why = no_file(path)
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
        if why is not None:
            raise ImageFileError(f"{path}: {why}")


def _real(path: Path) -> str:
    return os.path.realpath(path)
