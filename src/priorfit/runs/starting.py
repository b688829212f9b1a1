"""Runs to iterate, of pictures in files and in memory alike."""

from collections.abc import Callable
from typing import Any, ParamSpec, overload

import numpy as np
from numpy.typing import NDArray

from priorfit.engine.case import Restored
from priorfit.engine.run import Run
from priorfit.errors import ProblemError
from priorfit.runs.files import Outcome
from priorfit.runs.job import Job
from priorfit.runs.perform import start_job
from priorfit.tasks.arrays import start_function

Parameters = ParamSpec("Parameters")


@overload
def start(what: Job) -> Run[Outcome]: ...


@overload
def start(
    what: Callable[Parameters, NDArray[np.generic]],
    *given: Parameters.args,
    **named: Parameters.kwargs,
) -> Run[Restored]: ...


def start(what: Any, *given: Any, **named: Any) -> Run[Any]:
    """Begin to restore a picture, to be taken step by step.

        run = start(denoise, image, noise_std=0.1, time_limit=60)
        for progress in run:
            show(run.preview(), progress.seconds_left)
        restored = run.outcome()  # restored.array, restored.sidecar

    Leave the loop when you like, or call `run.cancel()` from any thread: the outcome is the picture
    so far. Runs in several threads give the bytes that each gives alone.

    Args:
        what: `denoise` or another function on arrays; or a `Job`, whose outcome is written to its
            files, and whose run folder is held until then, or until `run.close()`.
        *given: arguments of the function.
        **named: likewise, without `callback`.

    Raises:
        PriorfitError: anything that is wrong with the picture or the arguments.
    """
    if isinstance(what, Job):
        if given or named:
            raise ProblemError("expected a job alone, got further arguments: a job holds them all")
        return start_job(what)
    return start_function(what, *given, **named)
