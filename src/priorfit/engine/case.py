"""One picture, posed: all that a run needs to know of it, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from priorfit.engine.request import Request, TaskLike
from priorfit.images import Picture, to_array
from priorfit.problem import Problem
from priorfit.records.code_file import CodeFile
from priorfit.records.sidecar import Checkpoint, Sidecar
from priorfit.types import Code, Image


@dataclass(frozen=True)
class Wording:
    """How notes speak of a choice between a fit and a cheap estimate.

    Args:
        replaced: what became of the estimate in the place of the fit.
        surpassed: what to do for the better one.
    """

    replaced: str
    surpassed: str


@dataclass(frozen=True, eq=False)
class Case:
    """One picture, posed.

    Args:
        request: how it is to be restored, with a recipe of a name.
        task: what is to be done.
        picture: as it came.
        like: the way the result is stored.
        given: the problem on the scale of the picture.
        problem: the same as the recipe sees it, on the device that works on it.
        wording: of notes.
        notes: what was found out so far.
        estimated: the noise level was not given but estimated.
        needless: why there is nothing to restore; None where there is.
        filled: specks that were filled beforehand.
        white: whether the noise is what Stein's estimate takes it for.
        grace: seconds that what comes before the first step may take whatever the time limit.
        shown: what a viewer may hold beside the result, by name.
        checkpoints: trained networks that the recipe is made with, by the part of each.
        synthesises: whether one of them draws the result.
    """

    request: Request
    task: TaskLike
    picture: Picture
    like: Picture
    given: Problem
    problem: Problem
    wording: Wording
    notes: tuple[str, ...] = ()
    estimated: bool = False
    needless: str | None = None
    filled: int = 0
    white: bool = True
    grace: float = 0.0
    shown: Mapping[str, Image] = field(default_factory=dict)
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    synthesises: bool = False

    @property
    def device(self) -> torch.device:
        """What works on it."""
        return self.problem.observation.device


@dataclass(frozen=True, eq=False)
class Restored:
    """What came of a run.

    Args:
        picture: as it came.
        like: the way the result is stored.
        observed: (1, c, h, w), what was restored; the hole of a mask is filled with zeros.
        result: (1, C, H, W) in [0, 1], as written.
        comparators: other pictures of the scene by name: the guide, and in a report what is cheap.
        sidecar: how it came about.
        guide: name and image of the estimate that the prior was shown, if there was one.
        untouched: whether the result is the picture as it came.
        warning: why there is no fit in it although one was wanted; None where all is well.
        interrupted: whether the fit was cut short.
        snapshots: pictures of steps that were kept; the first is what the fit began with.
        tuned: what the fit has come to, for the frame after.
        code: what draws the result again, where its prior has a code that others can read.
        deviation: (1, C, H, W), standard deviation of every pixel, if the recipe gives any.
    """

    picture: Picture
    like: Picture
    observed: Image
    result: Image
    comparators: Mapping[str, Image]
    sidecar: Sidecar
    guide: tuple[str, Image] | None = None
    untouched: bool = False
    warning: str | None = None
    interrupted: bool = False
    snapshots: Mapping[int, Image] = field(default_factory=dict)
    tuned: Code = field(default_factory=dict)
    code: CodeFile | None = None
    deviation: Image | None = None

    @property
    def array(self) -> np.ndarray:
        """The result with the dtype, the range and the axes of the picture."""
        return to_array(self.result, self.like)
