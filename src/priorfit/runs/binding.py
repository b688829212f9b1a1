"""A job out of a run folder, bound to the place where the folder is now."""

from functools import partial
from pathlib import Path

from priorfit.errors import PriorfitError
from priorfit.runs.job import Job


def bound(job: Job, folder: Path) -> Job:
    """The job with everything that it writes beside its run folder, whatever the folder says.

    A run folder may come from a stranger, or have been moved. What is read is looked for beside it
    too, where it is not at its old place.

    Args:
        job: as the run folder says.
        folder: of the run.

    Raises:
        PriorfitError: it names no file, or two files are one.
    """
    beside, old = folder.absolute().parent, job.output.parent
    read = partial(_found, beside=beside)
    written = partial(_placed, old=old, beside=beside)
    update: dict[str, object] = {
        "input": read(job.input),
        "output": _named(job.output, beside),
        "task": job.task.placed(read, written),
        "reference": None if job.reference is None else read(job.reference),
        "uncertainty": None if job.uncertainty is None else written(job.uncertainty),
    }
    here = job.model_copy(update=update)
    if len(set(here.products)) < len(here.products):
        raise PriorfitError(f"{folder}: two of the files that it writes would have one name")
    return here


def _named(path: Path, beside: Path) -> Path:
    if path.name in ("", ".", "..") or "\0" in str(path):
        raise PriorfitError(f"{beside}: a run folder in it names no file to write")
    return beside / path.name


def _placed(path: Path, old: Path, beside: Path) -> Path:
    """A file at its place below the folder, or in it if it was elsewhere."""
    name = _named(path, beside)
    if not path.is_relative_to(old) or ".." in path.parts:
        return name
    inside = path.relative_to(old)
    folders = [beside.joinpath(*inside.parts[:count]) for count in range(1, len(inside.parts))]
    sound = all(folder.is_dir() and not folder.is_symlink() for folder in folders)
    return beside / inside if sound else name


def _found(path: Path, beside: Path) -> Path:
    """Where a file is now: at its old place, or beside the run folder."""
    if "\0" in str(path):
        raise PriorfitError(f"{beside}: a run folder in it names no file to read")
    if path.is_absolute() and (path.exists() or not path.name):
        return path
    here = beside / path.name
    return here if here.exists() or not path.is_absolute() else path
