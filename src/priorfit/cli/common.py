"""From the options of a restoring command to its jobs, with everything checked that can be."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from priorfit.cli import options

if TYPE_CHECKING:
    from priorfit.runs import Job, Places, Request
    from priorfit.tasks import Task

_OUTPUT = "'--output' / '-o'"


@dataclass(frozen=True)
class Common:
    """The options that every restoring command has: a new one is a line here."""

    recipe: options.Recipe
    generator: options.Generator = None
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
        ImageFileError: what all pictures need is not there.
    """
    from priorfit.errors import RequestError
    from priorfit.runs import plan_jobs

    if common.skip_existing and (common.overwrite or common.sequence is not None):
        other = "--overwrite" if common.overwrite else "--sequence"
        raise typer.BadParameter(f"does not go with {other}", param_hint="'--skip-existing'")
    if common.time_limit is not None and not 0 < common.time_limit < float("inf"):
        raise typer.BadParameter(
            "expected a number of seconds above 0", param_hint="'--time-limit'"
        )
    try:
        return plan_jobs(inputs, places_of(output, common), _request_of(common), task_of)
    except RequestError as error:
        option = _OUTPUT if error.about == "output" else f"'--{error.about.replace('_', '-')}'"
        raise typer.BadParameter(str(error), param_hint=option) from None


def places_of(output: str, common: Common) -> "Places":
    """Where a command reads and writes beside its pictures."""
    from priorfit.runs import Places

    return Places(output, common.reference, common.uncertainty)


def _request_of(common: Common) -> "Request":
    """The options that hold for all pictures."""
    from priorfit.runs import Request

    given = {name: value for name, value in vars(common).items() if name in Request.model_fields}
    parsed = {
        "snapshots": options.snapshots(common.snapshots),
        "memory_limit": options.memory(common.memory_limit),
        "checkpoints": {} if common.generator is None else {"generator": common.generator},
    }
    return Request(**given | parsed)
