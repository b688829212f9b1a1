"""Run folders: what an interrupted job leaves so that it can go on."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from priorfit.errors import PriorfitError
from priorfit.images import write_atomically
from priorfit.pipeline.job import Job
from priorfit.runs import load_state, save_state
from priorfit.sidecar import Source, from_json, to_json

_JOB, _STATE = "job.json", "state.safetensors"


class Saved(BaseModel):
    """How far an interrupted job came; the state of its fit lies in a second file.

    Args:
        job: with absolute paths.
        planned: steps that it goes on to.
        seconds: wall time so far.
        threads: of torch.
        device: that it ran on.
        losses: of every step taken.
        inputs: the files as they were.
    """

    model_config = ConfigDict(frozen=True)

    job: Job
    planned: int
    seconds: float
    threads: int
    device: str
    losses: tuple[tuple[int, float], ...]
    inputs: tuple[Source, ...]


def save(folder: Path, saved: Saved, state: Mapping[str, Any]) -> None:
    """Write a run folder.

    Raises:
        PriorfitError: it cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PriorfitError(f"{folder}: cannot be made: {error.strerror or error}") from error
    save_state(folder / _STATE, state)
    # The job last: a folder without one is no run folder.
    write_atomically(folder / _JOB, to_json(saved).encode(), overwrite=True)


def load(folder: Path) -> Saved:
    """Read what a run folder says about its run.

    Raises:
        PriorfitError: this is no run folder.
    """
    try:
        return from_json(Saved, (folder / _JOB).read_bytes())
    except OSError as error:
        raise PriorfitError(
            f"{folder}: is no folder of an interrupted run, it has no {_JOB}"
        ) from error
    except ValueError as error:
        raise PriorfitError(f"{folder / _JOB}: is damaged, or of another version") from error


def load_fit(folder: Path) -> dict[str, Any]:
    """Read the state of the fit in a run folder.

    Raises:
        PriorfitError: it is missing or damaged.
    """
    return load_state(folder / _STATE)


def clear(folder: Path) -> None:
    """Remove a run folder that a finished run needs no longer; nothing else is touched."""
    for name in (_JOB, _STATE):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
