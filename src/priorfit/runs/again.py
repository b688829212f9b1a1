"""Commands that are given once more: what is done is left alone, what was broken off goes on."""

import shlex

from priorfit.engine.run import Callback
from priorfit.errors import PriorfitError
from priorfit.runs import saved as run_folder
from priorfit.runs.files import Outcome
from priorfit.runs.job import Job
from priorfit.runs.perform import resume, run
from priorfit.tasks.base import AUTO

_NO_PIXEL = {"overwrite", "checkpoint_every"}  # options that a run may go on without


def is_finished(job: Job) -> bool:
    """Whether the picture of a job is there, and no run that is still to write it."""
    return job.output.exists() and not job.run_folder.exists()


def go_on(job: Job, watch: Callback | None = None, *, started: float | None = None) -> Outcome:
    """Do a job that may have been begun before, in another process that was killed.

    Args:
        job: what to do.
        watch: sees every step.
        started: as for `run`, where there is nothing to go on from.

    Raises:
        PriorfitError: as for `run` and `resume`; or what was begun is another job.
        KeyboardInterrupt: as for them.
    """
    folder = job.run_folder
    if not run_folder.is_unfinished(folder):
        # A folder without a checkpoint: what lies beside it was written by the run that was killed.
        mine = folder.is_dir()
        return run(job.model_copy(update={"overwrite": mine}), watch, started=started)
    begun = run_folder.load(folder).job
    if job.recipe == AUTO:  # what was begun has the name of what was chosen
        begun = begun.model_copy(update={"recipe": AUTO})
    if _pixels(begun) != _pixels(job.absolute()):
        again = shlex.join(["priorfit", "resume", str(folder)])
        raise PriorfitError(
            f"{job.output}: an unfinished run with other options is there, go on with it "
            f"({again}), or begin anew (--overwrite)"
        )
    return resume(folder, watch)


def _pixels(job: Job) -> dict[str, object]:
    return job.model_dump(exclude=_NO_PIXEL)
