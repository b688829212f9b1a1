"""One picture file to another: what to do as a value, and the function that does it."""

from priorfit.pipeline.follow import Watch
from priorfit.pipeline.job import Job, Task
from priorfit.pipeline.kinds import Deblur, Dejpeg, Denoise, Enhance, Fuse, Inpaint, Upscale
from priorfit.pipeline.perform import Outcome, check_outputs, resume, run
from priorfit.pipeline.saved import Saved
from priorfit.pipeline.saved import load as load_saved

__all__ = [
    "check_outputs",
    "Deblur",
    "Dejpeg",
    "Denoise",
    "Enhance",
    "Fuse",
    "Inpaint",
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
