"""What a job writes: a picture as it was stored, or a code with the picture that it draws."""

from collections.abc import Sequence
from pathlib import Path

from priorfit import images, recipes
from priorfit.engine.case import Restored
from priorfit.errors import CodeError, ImageFileError, RecipeError
from priorfit.images import Picture
from priorfit.images.synthetic import labelled
from priorfit.recipes.method import GENERATOR
from priorfit.records.code_file import encode_code
from priorfit.runs.job import Job
from priorfit.tasks.base import CODE

_IMAGE = "image"
"""Part of a task: the picture of a code."""


def check_name(job: Job) -> None:
    """Refuse names that no product of the job can have.

    Raises:
        ImageFileError: it has another ending.
    """
    if job.task.product is not CODE:
        images.format_of(job.output)
        return
    if job.output.suffix.lower() not in CODE.endings:
        expected = " or ".join(CODE.endings)
        raise ImageFileError(f"{job.output}: is no name for a code, expected one with {expected}")
    for path in job.task.written.values():
        images.format_of(path)


def check_writable(job: Job, like: Picture) -> Sequence[str]:
    """Find out before hours of work whether the result could be written.

    Returns:
        Notes on what will not be kept.

    Raises:
        ImageFileError: it could not.
        RecipeError: a code is asked for, and the recipe finds none.
    """
    if job.task.product is not CODE:
        return images.ensure_writable(job.output, like, overwrite=True)
    if not recipes.find(job.recipe).synthesises:
        raise RecipeError(f"{job.recipe} finds no code: take a recipe that draws with a generator")
    place = job.task.written.get(_IMAGE)
    if place is None:
        return ()
    return images.ensure_writable(place, like, overwrite=True)


def encode_product(restored: Restored, job: Job) -> tuple[dict[Path, bytes], Sequence[str]]:
    """The files of a result, and notes on what could not be kept.

    Raises:
        ImageFileError: a format cannot hold the picture.
        CodeError: there is no code.
    """
    if job.task.product is not CODE:
        picture, notes = _picture(job.output, job, restored)
        return {job.output: picture}, notes
    if restored.code is None:
        raise CodeError(f"{job.recipe} has found no code that others can read")
    files = {job.output: encode_code(restored.code)}
    place = job.task.written.get(_IMAGE)
    if place is None:
        return files, ()
    picture, notes = _picture(place, job, restored)
    return files | {place: picture}, notes


def _picture(path: Path, job: Job, restored: Restored) -> tuple[bytes, Sequence[str]]:
    like = restored.like
    if restored.untouched and images.format_of(path) == restored.picture.format:
        return job.input.read_bytes(), ()  # its very bytes, profile and all
    if restored.sidecar.synthesised:
        like = labelled(like, _words(restored), whole=job.task.product is CODE)
    return images.encode_for(path, restored.result, like)


def _words(restored: Restored) -> str:
    """What a picture says of itself that a generator has drawn."""
    name = Path(restored.sidecar.checkpoints[GENERATOR].name).name
    return f"Drawn by a generator ({name}) with priorfit, recipe {restored.sidecar.recipe}"
