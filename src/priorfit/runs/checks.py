"""What is found out before any work: whether the products of a job may be written."""

import shlex

from priorfit import images
from priorfit.errors import ImageFileError, PriorfitError
from priorfit.images.atomic import exists_already
from priorfit.runs import saved as run_folder
from priorfit.runs.job import Job


def check_outputs(job: Job) -> None:
    """Find out before any work whether the products of a job could be written.

    Its picture is looked at first: where that is none, nobody cares for the rest.

    Raises:
        ImageFileError: there is no picture; a product exists, or its folder cannot be written, or
            no format has such a name.
    """
    images.format_in(job.input)
    images.format_of(job.output)
    for product in job.products:
        if product.is_dir():
            raise ImageFileError(f"{product}: cannot be written: it is a folder")
        if not job.overwrite and product.exists():
            raise ImageFileError(f"{exists_already(product)} (--overwrite)")


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
