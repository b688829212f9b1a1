"""Everything that a job needs, read and checked, and everything that comes of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from priorfit import images
from priorfit.degradations import Blur
from priorfit.images import Picture
from priorfit.problem import Problem
from priorfit.records.sidecar import Sidecar, Source, source
from priorfit.runs.checks import check_outputs
from priorfit.runs.clock import closing_seconds
from priorfit.runs.job import Job
from priorfit.runs.large import Extent, read_within
from priorfit.runs.measure import read_reference
from priorfit.runs.uncertainty import check_uncertainty
from priorfit.tasks.base import AUTO, Laid
from priorfit.tasks.device import device_named
from priorfit.tasks.problems import for_recipe
from priorfit.types import Code, Image, Shape


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a job.

    Args:
        job: it.
        picture: as it was read.
        observed: (1, c, h, w), what was restored; the hole of a mask is filled with zeros.
        result: (1, C, H, W) in [0, 1], as written.
        reference: (1, C, H, W), if there was one.
        comparators: other pictures of the scene by name: the guide, and in a report what is cheap.
        sidecar: how it came about.
        interrupted: whether the fit was cut short.
        leaving: whether somebody asked the process to end, if only after the last step.
        run_folder: where an interrupted run goes on, None if it is finished or could not be kept.
        snapshots: pictures of steps that were kept; the first is what the fit began with.
        tuned: what the fit has come to, for the frame after.
        deviation: (1, C, H, W), standard deviation of every pixel, if the recipe gives any.
    """

    job: Job
    picture: Picture
    observed: Image
    result: Image
    reference: Image | None
    comparators: Mapping[str, Image]
    sidecar: Sidecar
    interrupted: bool = False
    leaving: bool = False
    run_folder: Path | None = None
    snapshots: Mapping[int, Image] = field(default_factory=dict)
    tuned: Code = field(default_factory=dict)
    deviation: Image | None = None


@dataclass(frozen=True)
class Desk:
    """Everything a job needs, read and checked.

    Args:
        job: with its recipe chosen.
        inputs: the files.
        picture: as it was read.
        laid: the problem on the scale of the picture.
        problem: as the recipe sees it.
        reference: (1, C, H, W), if there is one.
        notes: what was found out so far.
        device: that works on it.
        extent: how large the fit will be.
        patience: seconds that each cheap estimate may take, by its cost.
    """

    job: Job
    inputs: tuple[Source, ...]
    picture: Picture
    laid: Laid
    problem: Problem
    reference: Image | None
    notes: tuple[str, ...]
    device: torch.device
    extent: Extent = field(default_factory=Extent)
    patience: float = 0.0


def lay_out(job: Job, device: str) -> Desk:
    """Read and check what a job needs, before any work.

    Args:
        job: what to do.
        device: where.

    Raises:
        PriorfitError: anything that is wrong with the job or its files.
    """
    check_outputs(job)
    chosen = device_named(device)
    picture = read_within(job)
    job = job.model_copy(update={"task": job.task.for_recipe(job.recipe)})
    job, laid = _with_recipe(job, job.task.lay(images.visible(picture), job.input))
    check_uncertainty(job)
    losses = images.ensure_writable(job.output, laid.picture, overwrite=job.overwrite)
    reference = None
    if job.reference is not None:
        reference = read_reference(job.reference, picture, shape_of(laid))
    inputs = tuple(source(role, path) for role, path in job.files.items())
    laid = replace(laid, problem=laid.problem.to(chosen))
    problem = for_recipe(laid.problem, picture, job.recipe)
    notes = (*picture.notes, *laid.notes, *losses)
    return Desk(job, inputs, picture, laid, problem, reference, notes, chosen)


def _with_recipe(job: Job, laid: Laid) -> tuple[Job, Laid]:
    """The job with a recipe of a name, and what was laid out with a note on why that was chosen."""
    choice = laid.choice
    if job.recipe != AUTO or choice is None:
        return job, laid
    notes = laid.notes if choice.why is None else (*laid.notes, choice.why)
    return job.model_copy(update={"recipe": choice.recipe}), replace(laid, notes=notes)


def shape_of(laid: Laid) -> Shape:
    """Shape of the result: that of the image sought, less the margins of a blur's canvas."""
    problem = laid.problem
    if isinstance(problem.degradation, Blur):
        channels, height, width = problem.observation.shape[1:]
        return channels, height, width
    return problem.shape


def closing_of(desk: Desk) -> float:
    """Seconds that a job needs after its last step."""
    samples = math.prod(shape_of(desk.laid))
    compared = len(desk.job.task.comparators) if desk.job.report else 0
    measured = 0 if desk.reference is None else 1 + compared
    limit = desk.job.time_limit or 0.0
    return closing_seconds(limit, samples, measured=measured, reported=desk.job.report)
