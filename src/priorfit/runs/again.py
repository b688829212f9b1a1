"""Rerun a command: skip finished pictures, resume interrupted ones."""

import shlex

from priorfit.engine.run import Callback
from priorfit.errors import PriorfitError
from priorfit.records.sidecar import load_sidecar, sidecar_path
from priorfit.runs import saved as run_folder
from priorfit.runs.files import Outcome, Report
from priorfit.runs.job import Job
from priorfit.runs.perform import drive, resume, start_job
from priorfit.runs.shelf import Shelf
from priorfit.tasks.base import AUTO

_NO_PIXEL = {"overwrite", "checkpoint_every"}  # options that a run may go on without


def is_finished(job: Job) -> bool:
    """Whether the whole set of a job is there, and no run that is still to write it."""
    sidecar = load_sidecar(job.output)
    if sidecar is None or not job.output.exists() or job.run_folder.exists():
        return False
    beside = sidecar_path(job.output)
    shelf = Shelf(job, job.run_folder)
    asked = {shelf.key(path): path for path in job.products if path != beside}
    if not sidecar.files:  # of a version that did not write them down
        return all(path.exists() for path in asked.values())
    return all(
        name in sidecar.files and (path.exists() or not sidecar.files[name])
        for name, path in asked.items()
    )


def go_on(
    job: Job,
    watch: Callback | None = None,
    *,
    started: float | None = None,
    report: Report | None = None,
) -> Outcome:
    """Do a job that may have been begun before, in another process that was killed.

    Args:
        job: what to do.
        watch: sees every step.
        started: as for `run`, where there is nothing to go on from.
        report: as for `run`.

    Raises:
        PriorfitError: as for `run` and `resume`; or what was begun is another job.
        KeyboardInterrupt: as for them.
    """
    folder = job.run_folder
    if not run_folder.is_unfinished(folder):
        job = job.model_copy(update={"overwrite": False})
        shelf = Shelf(job, folder)  # knows what a run that was killed has written
        if (sidecar := load_sidecar(job.output)) is not None:
            shelf.adopt(sidecar)
        return drive(start_job(job, started=started, report=report, shelf=shelf), watch)
    begun = run_folder.load(folder).job
    if job.recipe == AUTO:  # what was begun has the name of what was chosen
        begun = begun.model_copy(update={"recipe": AUTO})
    if _pixels(begun) != _pixels(job.absolute()):
        again = shlex.join(["priorfit", "resume", str(folder)])
        raise PriorfitError(
            f"{job.output}: an unfinished run with other options is there, go on with it "
            f"({again}), or begin anew (--overwrite)"
        )
    return resume(folder, watch, report=report)


def _pixels(job: Job) -> dict[str, object]:
    return job.model_dump(exclude=_NO_PIXEL)
