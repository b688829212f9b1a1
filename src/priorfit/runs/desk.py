"""Everything that a job needs, read and checked before any work."""

import math
from dataclasses import dataclass

from priorfit import images, recipes
from priorfit.engine.case import Case, Wording
from priorfit.engine.clock import Clock, closing_seconds
from priorfit.engine.prepare import prepare
from priorfit.images import Picture
from priorfit.loop.fit import Recipe
from priorfit.records.sidecar import Source, source
from priorfit.runs.checks import check_outputs
from priorfit.runs.job import Job
from priorfit.runs.measure import read_reference
from priorfit.runs.products import check_writable
from priorfit.runs.reading import read_within
from priorfit.runs.shelf import Shelf
from priorfit.runs.uncertainty import check_uncertainty
from priorfit.tasks.base import AUTO, CODE
from priorfit.tasks.device import device_named
from priorfit.tasks.problems import for_recipe
from priorfit.types import Image, Shape

_GRACE = 3.0
"""Seconds that what comes before the first step may take whatever the time limit."""

_WORDING = Wording(
    replaced="was written instead (--hand-out fit writes the fit)",
    surpassed="--hand-out best writes the better one",
)


@dataclass(frozen=True, eq=False)
class Desk:
    """Everything that a job needs, read and checked.

    Args:
        job: with its recipe chosen.
        inputs: the files.
        case: the picture, posed.
        reference: (1, C, H, W), if there is one.
    """

    job: Job
    inputs: tuple[Source, ...]
    case: Case
    reference: Image | None

    def recipe(self, steps: int) -> Recipe:
        """The recipe of the job in this length."""
        kit = recipes.Kit(self.case.device, self.job.checkpoints)
        return prepare(recipes.load(self.job.recipe, steps, kit), self.job)

    def clock(self, started: float) -> Clock:
        """The time limit of the job, with what has to happen after the last step.

        Args:
            started: when it began to count.
        """
        samples = math.prod(shape_of(self.case))
        compared = len(self.job.task.comparators) if self.job.report else 0
        measured = 0 if self.reference is None else 1 + compared
        limit = self.job.time_limit
        closing = closing_seconds(
            limit or 0.0, samples, measured=measured, reported=self.job.report
        )
        return Clock(started, limit, closing)


def lay_out(job: Job, device: str, shelf: Shelf | None = None) -> Desk:
    """Read and check what a job needs, before any work.

    Args:
        job: what to do.
        device: where.
        shelf: see `check_outputs`.

    Raises:
        PriorfitError: anything that is wrong with the job or its files.
    """
    check_outputs(job, shelf)
    chosen = device_named(device)
    picture = read_within(job)
    job = job.model_copy(update={"task": job.task.for_recipe(job.recipe)})
    laid = job.task.lay(images.visible(picture), job.input)
    notes = (*picture.notes, *laid.notes)
    if job.recipe == AUTO and laid.choice is not None:
        job = job.model_copy(update={"recipe": laid.choice.recipe})
        notes += () if laid.choice.why is None else (laid.choice.why,)
    check_uncertainty(job)
    notes += tuple(check_writable(job, laid.picture))
    method = recipes.find(job.recipe)
    case = Case(
        request=job,
        task=job.task,
        picture=picture,
        like=laid.picture,
        given=laid.problem.to(chosen),
        problem=for_recipe(laid.problem.to(chosen), picture, job.recipe),
        wording=_WORDING,
        notes=notes,
        estimated=laid.estimated,
        needless=laid.needless,
        filled=laid.filled,
        white=laid.white,
        grace=_GRACE,
        shown=laid.comparators,
        checkpoints=recipes.checkpoints_of(method, job.checkpoints),
        synthesises=method.synthesises,
    )
    reference = _reference(job, picture, case)
    inputs = tuple(source(role, path) for role, path in job.files.items())
    return Desk(job, inputs, case, reference)


def _reference(job: Job, picture: Picture, case: Case) -> Image | None:
    if job.reference is None:
        # How close a drawing comes to its picture is what an inversion is about.
        return picture.tensor() if job.task.product is CODE else None
    return read_reference(job.reference, picture, shape_of(case))


def shape_of(case: Case) -> Shape:
    """Shape of the result: that of the image sought, less the margins of a blur's canvas."""
    return case.given.finished_shape
