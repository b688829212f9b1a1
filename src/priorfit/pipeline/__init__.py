"""One picture file to another: what to do as a value, and the function that does it."""

from priorfit.pipeline.again import go_on, is_finished
from priorfit.pipeline.checks import check_outputs
from priorfit.pipeline.follow import Watch
from priorfit.pipeline.job import Job, Task
from priorfit.pipeline.kinds import Deblur, Dejpeg, Denoise, Enhance, Fuse, Inpaint, Upscale
from priorfit.pipeline.perform import Outcome, resume, run
from priorfit.pipeline.saved import Saved, is_unfinished
from priorfit.pipeline.saved import load as load_saved

__all__ = [
    "check_outputs",
    "Deblur",
    "Dejpeg",
    "Denoise",
    "Enhance",
    "Fuse",
    "go_on",
    "Inpaint",
    "is_finished",
    "is_unfinished",
    "Job",
    "load_saved",
    "Outcome",
    "resume",
    "run",
    "Saved",
    "Task",
    "Upscale",
    "Watch",
]
