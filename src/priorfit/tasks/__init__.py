"""The tasks: an image and what is known of its damage, to a problem; each in a file of its own.

The table at the end is where command line, Python functions, benchmarks and reports find them: a
new task is its file, its line here, and its recipe.
"""

from collections.abc import Mapping
from types import MappingProxyType

from priorfit.tasks.base import Task
from priorfit.tasks.deblur import Deblur, deblur
from priorfit.tasks.dejpeg import Dejpeg, dejpeg
from priorfit.tasks.denoise import Denoise, denoise
from priorfit.tasks.enhance import Enhance, enhance
from priorfit.tasks.fuse import Fuse, fuse
from priorfit.tasks.inpaint import Inpaint, inpaint
from priorfit.tasks.invert import Invert, invert
from priorfit.tasks.upscale import Upscale, upscale

__all__ = [
    "Deblur",
    "deblur",
    "Dejpeg",
    "dejpeg",
    "Denoise",
    "denoise",
    "Enhance",
    "enhance",
    "Fuse",
    "fuse",
    "Inpaint",
    "inpaint",
    "Invert",
    "invert",
    "Task",
    "TASKS",
    "Upscale",
    "upscale",
]

TASKS: Mapping[str, type[Task]] = MappingProxyType(
    {
        task.name(): task
        for task in (Denoise, Inpaint, Upscale, Deblur, Dejpeg, Fuse, Enhance, Invert)
    }
)
"""By the name of the command, in the order of its help."""

COMING: Mapping[str, str] = MappingProxyType(
    {
        "colorize": "colorize",
        "colorise": "colorize",
        "colourise": "colorize",
        "colourize": "colorize",
        "edit": "edit",
    }
)
"""Tasks that are not here yet, by the names that people try."""
