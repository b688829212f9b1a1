"""Fit an image prior to what the camera saw: restore, invert and edit images.

The public names are imported when they are first used, so that `priorfit --help` answers at once.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from priorfit import tasks
from priorfit.tasks import *  # noqa: F403  what a task is called, it is called here too

if TYPE_CHECKING:
    from priorfit import recipes
    from priorfit.degradations import Blur, Compose, Downsample, Grayscale, Identity, Mask
    from priorfit.degradations.simulate import simulate
    from priorfit.engine.case import Restored
    from priorfit.engine.course import Progress
    from priorfit.engine.run import Run
    from priorfit.errors import PriorfitError
    from priorfit.loop.fit import Fit, Recipe, Restoration, Stage, optimise, restore
    from priorfit.loop.state import Step
    from priorfit.metrics import psnr, ssim
    from priorfit.networks.generator import Generator
    from priorfit.noise import Noise
    from priorfit.priors.deep_image import DeepImagePrior
    from priorfit.problem import Problem
    from priorfit.runs import Job, Outcome, resume, run, start
    from priorfit.terms.objective import Objective, Term

__version__ = "0.1.0"

__all__ = [
    "Blur",
    "Compose",
    "DeepImagePrior",
    "Downsample",
    "Fit",
    "Generator",
    "Grayscale",
    "Identity",
    "Job",
    "Mask",
    "Noise",
    "Objective",
    "optimise",
    "Outcome",
    "PriorfitError",
    "Problem",
    "Progress",
    "psnr",
    "Recipe",
    "recipes",
    "Restoration",
    "restore",
    "Restored",
    "resume",
    "Run",
    "run",
    "simulate",
    "ssim",
    "Stage",
    "start",
    "Step",
    "Term",
]

__all__ += tasks.__all__

_NAMES = {
    "priorfit.degradations": ("Blur", "Compose", "Downsample", "Grayscale", "Identity", "Mask"),
    "priorfit.degradations.simulate": ("simulate",),
    "priorfit.engine.case": ("Restored",),
    "priorfit.engine.course": ("Progress",),
    "priorfit.engine.run": ("Run",),
    "priorfit.errors": ("PriorfitError",),
    "priorfit.metrics": ("psnr", "ssim"),
    "priorfit.networks.generator": ("Generator",),
    "priorfit.noise": ("Noise",),
    "priorfit.terms.objective": ("Objective", "Term"),
    "priorfit.runs": ("Job", "Outcome", "resume", "run", "start"),
    "priorfit.priors.deep_image": ("DeepImagePrior",),
    "priorfit.problem": ("Problem",),
    "priorfit.loop.fit": ("Fit", "Recipe", "Restoration", "Stage", "optimise", "restore"),
    "priorfit.loop.state": ("Step",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


class _Package(ModuleType):
    """This package: `priorfit.loop.fit` is the function, though a module has the same name."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module puts it into its package under its name.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name == "recipes":
        return importlib.import_module("priorfit.recipes")
    if name not in _HOMES:
        raise AttributeError(f"module 'priorfit' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
