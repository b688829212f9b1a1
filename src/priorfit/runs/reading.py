"""Pictures read under a limit of memory."""

from priorfit import images
from priorfit.engine.large import in_bytes
from priorfit.errors import ImageFileError, PriorfitError
from priorfit.images import MAX_PIXELS, Picture
from priorfit.images.picture import SMALLEST_SIDE
from priorfit.loop.memory import used
from priorfit.runs.job import Job

_READ = 40  # bytes a pixel of three colours: as stored, as numbers, as a tensor, and a copy


def read_within(job: Job) -> Picture:
    """Read the picture of a job under its limit of memory.

    Raises:
        ImageFileError: as `images.read`; or the picture needs more than the limit.
        PriorfitError: the program alone needs more.
    """
    if job.memory_limit is None:
        return images.read(job.input)
    most = max(0, job.memory_limit - used()) // _READ
    if most < SMALLEST_SIDE**2:
        raise PriorfitError(
            f"a limit of {in_bytes(job.memory_limit)} is less than the {in_bytes(used())} that "
            "the program takes without any picture: give --memory-limit more, say 4GB"
        )
    try:
        return images.read(job.input, max_pixels=min(MAX_PIXELS, most))
    except ImageFileError as error:
        if f"{most:,}" not in str(error):
            raise
        raise ImageFileError(f"{error}: give --memory-limit more") from error
