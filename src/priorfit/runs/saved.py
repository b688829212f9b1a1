"""Run folders: what an unfinished run has on the disk, so that it can go on.

A checkpoint is one file, replaced as a whole: at every moment there is the older one or the newer
one, and what it says about the run never disagrees with the state of the fit.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from priorfit import recipes
from priorfit.disk.locks import locked
from priorfit.engine.run import Before
from priorfit.errors import PriorfitError
from priorfit.images.atomic import sweep
from priorfit.records.sidecar import Checkpoint, Source, from_json, to_json
from priorfit.records.state_file import load_about, load_state, save_state
from priorfit.runs.job import Job

_CHECKPOINT, _LOCK = "checkpoint.safetensors", "lock"
_MOST_STEPS, _MOST_THREADS, _LARGEST_TILE = 10**9, 512, 1 << 20
_TRIES = 9  # at a folder that other processes remove at the same moment


class Saved(BaseModel):
    """How far an unfinished job came; the state of its fit lies in the same file.

    Args:
        job: with absolute paths.
        numbers: of its recipe, see `numbers_of`.
        planned: steps that it goes on to.
        seconds: wall time so far.
        threads: of torch.
        device: that it ran on.
        losses: of every step taken.
        inputs: the files as they were.
        checkpoints: the trained networks as they were, by the part of each.
        resumed: how many times it was resumed.
        tile: side of its tiles, None if it is in one piece.
        patience: seconds that each cheap estimate might take, by its cost.
        each: steps of a tile, None where the first one's share of the time is to tell.
    """

    model_config = ConfigDict(frozen=True)

    job: Job
    numbers: str
    planned: int = Field(ge=1, le=_MOST_STEPS)
    seconds: float = Field(ge=0, allow_inf_nan=False)
    threads: int = Field(ge=1, le=_MOST_THREADS)
    device: str
    losses: tuple[tuple[Annotated[int, Field(ge=0, le=_MOST_STEPS)], float], ...]
    inputs: tuple[Source, ...]
    checkpoints: dict[str, Checkpoint] = {}
    resumed: int = Field(0, ge=0, le=_MOST_STEPS)
    tile: int | None = Field(None, ge=1, le=_LARGEST_TILE)
    each: int | None = Field(None, ge=1, le=_MOST_STEPS)
    patience: float = Field(0.0, ge=0, allow_inf_nan=False)

    def before(self, state: Mapping[str, Any]) -> Before:
        """Where the run goes on.

        Args:
            state: of the fit.
        """
        return Before(
            state,
            self.each,
            self.losses,
            self.resumed + 1,
            self.planned,
            self.seconds,
            self.tile,
            self.patience,
        )


def numbers_of(recipe: str) -> str:
    """Sha256 of all numbers of a recipe: what was begun with others cannot go on.

    Raises:
        RecipeError: there is none of that name.
    """
    shown = "\n".join(f"{name} {value}" for name, value, _ in recipes.find(recipe).rows())
    return hashlib.sha256(shown.encode()).hexdigest()


def save(folder: Path, saved: Saved, state: Mapping[str, Any]) -> None:
    """Write a checkpoint into a run folder in place of the one before.

    Raises:
        PriorfitError: it cannot be written; the one before is there still.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)  # its place may have vanished meanwhile
    except OSError as error:
        raise PriorfitError(f"{folder}: cannot be made: {error.strerror or error}") from error
    save_state(folder / _CHECKPOINT, state, to_json(saved, indent=None))


def is_unfinished(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return (folder / _CHECKPOINT).is_file()


def load(folder: Path) -> Saved:
    """Read what a run folder says about its run.

    Raises:
        PriorfitError: this is no run folder, or damaged.
    """
    if not is_unfinished(folder):
        raise PriorfitError(
            f"{folder}: is no folder of an interrupted run, it has no {_CHECKPOINT}"
        )
    about = load_about(folder / _CHECKPOINT)
    try:
        return from_json(Saved, about.encode())
    except ValueError as error:
        raise PriorfitError(f"{folder / _CHECKPOINT}: is damaged, or of another version") from error


def load_all(folder: Path) -> tuple[Saved, dict[str, Any]]:
    """Read what a run folder says about its run, and the state of the fit; all of it is whole.

    Raises:
        PriorfitError: as `load`, or it was damaged since it was written.
    """
    state = load_state(folder / _CHECKPOINT)
    return load(folder), state


def clear(folder: Path) -> None:
    """Remove the checkpoint of a run that is finished or begun anew."""
    (folder / _CHECKPOINT).unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes off a run, and its folder tidy.

    The folder is made if missing, and removed in the end if no checkpoint is left in it. A disk
    that has no room for it is no reason not to run. What killed processes left of temporary files
    is removed, in the folder and beside it.

    Raises:
        PriorfitError: another process is at work on this run.
    """
    if folder.is_symlink():
        raise PriorfitError(f"{folder}: is a symbolic link, expected the folder of a run itself")
    sweep(folder.parent)
    lock = _lock(folder)
    try:
        sweep(folder)
        yield
    finally:
        with nullcontext() if lock is None else lock:
            _tidy(folder)


def _tidy(folder: Path) -> None:
    with suppress(OSError):  # other files in it are none of ours
        (folder / _LOCK).unlink(missing_ok=True)
        if not is_unfinished(folder):
            folder.rmdir()


def _itself(path: str, flags: int) -> int:
    """Open a file, not what a link in its place points to, and wait for nobody behind a pipe."""
    more = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | more, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a file", path)
    return descriptor


def _lock(folder: Path) -> IO[bytes] | None:
    for _ in range(_TRIES):
        try:
            folder.mkdir(exist_ok=True)
            file = open(folder / _LOCK, "ab", opener=_itself)
        except OSError:
            continue
        if locked(file, wait=False) is False:
            file.close()
            raise PriorfitError(f"{folder}: another process is at work on this run, let it end")
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # the run that it belonged to ended at this moment
    return None
