"""What is found out before any work: whether the products of a job may be written."""

import shlex

from priorfit import images
from priorfit.errors import PriorfitError
from priorfit.runs import saved as run_folder
from priorfit.runs.job import Job
from priorfit.runs.products import check_name
from priorfit.runs.shelf import Shelf


def check_outputs(job: Job, shelf: Shelf | None = None) -> None:
    """Find out before any work whether the products of a job could be written.

    Its picture is looked at first: where that is none, nobody cares for the rest.

    Args:
        job: whose products they are.
        shelf: on which they come; that of a job that was not begun before by default.

    Raises:
        ImageFileError: there is no picture; a product exists, or its folder cannot be written, or
            no format has such a name.
    """
    images.format_in(job.input)
    check_name(job)
    shelf = Shelf(job, job.run_folder) if shelf is None else shelf
    for product in job.products:
        shelf.check(product)


def check_unbegun(job: Job) -> None:
    """Begin nothing anew that somebody may want to go on with.

    Raises:
        PriorfitError: there is an unfinished run, and no leave to replace it.
    """
    if run_folder.is_unfinished(job.run_folder) and not job.overwrite:
        again = shlex.join(["priorfit", "resume", str(job.run_folder)])
        raise PriorfitError(
            f"{job.output}: an unfinished run of it is there, go on with it ({again}, or "
            "--skip-existing), or begin anew (--overwrite)"
        )
