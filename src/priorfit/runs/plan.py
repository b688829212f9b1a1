"""The jobs for several pictures: where each result goes, and what can be checked before the first.

Whoever lets somebody choose pictures and places, on a command line or a page, plans with this.
"""

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from priorfit import recipes
from priorfit.engine.request import Request, handed_out
from priorfit.errors import ImageFileError, RecipeError, RequestError
from priorfit.images import SUFFIXES, as_typed, no_file, result_name
from priorfit.loop.stopping import ruled
from priorfit.runs.job import Job
from priorfit.runs.uncertainty import ENDINGS
from priorfit.tasks import Task
from priorfit.tasks.base import AUTO
from priorfit.wording import listed

_SLASHES = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True)
class Places:
    """Where the files of several pictures are, as somebody typed them.

    Args:
        output: file, or folder: for several pictures, or by a name without an ending or with a
            slash at its end.
        reference: clean picture, or folder of them.
        uncertainty: as `output`, for the standard deviations.
    """

    output: str
    reference: Path | None = None
    uncertainty: str | None = None


def plan_jobs(
    inputs: Sequence[Path], places: Places, request: Request, task_of: Callable[[Path], Task]
) -> list[Job]:
    """Make one job a picture, and check what can be checked before the first.

    Args:
        inputs: pictures.
        places: where the results go.
        request: what all pictures have in common.
        task_of: picture to its task.

    Raises:
        RequestError: names that collide, an output that is an input, no such recipe or rule.
        ImageFileError: what all pictures need is not there, or a file is in the place of a folder.
    """
    tasks = [task_of(path) for path in inputs]
    _check_request(request, tasks)
    spreads: list[Path | None] = [None] * len(inputs)
    if places.uncertainty is not None:
        spreads = [*_targets(inputs, places.uncertainty, about="uncertainty", endings=ENDINGS)]
    endings = {ending: None for task in tasks for ending in task.product.endings}
    targets = _targets(inputs, places.output, endings=endings)
    jobs = [
        Job(
            **dict(request),
            input=path,
            output=target,
            task=task,
            reference=None if places.reference is None else matched(places.reference, path),
            uncertainty=spread,
        )
        for path, target, task, spread in zip(inputs, targets, tasks, spreads, strict=True)
    ]
    _check_names(jobs)
    _check_shared(jobs)
    return jobs


def make_folders(places: Places, *, several: bool) -> list[Path]:
    """Make the folders of the results and try whether they can be written.

    Returns:
        Those that were missing.

    Raises:
        ImageFileError: one cannot be written.
    """
    made = make_folder(places.output, several=several)
    if places.uncertainty is not None:
        made += make_folder(places.uncertainty, several=several)
    return made


def make_folder(output: str, *, several: bool) -> list[Path]:
    """Make the folder of a result and try whether it can be written.

    Args:
        output: file, or folder, as it was typed.
        several: whether it is for several results.

    Returns:
        The folder if it was missing.

    Raises:
        ImageFileError: it cannot be written.
    """
    inside = several or _is_folder(output)
    folder = Path(output) if inside else Path(output).parent
    made = [] if folder.exists() else [folder]
    try:
        if inside:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageFileError(f"{folder}: cannot be written: {reason}") from None
    return made


def matched(place: Path, picture: Path) -> Path:
    """A file for all pictures, or the one in a folder that has the name of this picture."""
    if not place.is_dir():
        return place
    same = place / picture.name
    if same.exists():
        return same
    stems = sorted(path for path in place.glob("*") if path.stem == picture.stem)
    return stems[0] if stems else same


def _check_request(request: Request, tasks: Sequence[Task]) -> None:
    """Refuse what would fail for every picture alike."""
    try:
        if request.recipe != AUTO or not all(task.chooses() for task in tasks):
            recipes.find(request.recipe)
    except RecipeError as error:
        raise RequestError(str(error), "recipe") from None
    if request.recipe in recipes.METHODS:
        try:
            recipes.check_parts(recipes.find(request.recipe), request.checkpoints)
        except RecipeError as error:
            raise RequestError(str(error), "generator") from None
    try:
        ruled([], request.stop)
    except RecipeError as error:
        raise RequestError(str(error), "stop") from None
    for task in tasks if request.hand_out is not None else ():
        known = handed_out(task.contenders)
        if request.hand_out not in known:
            expected = listed(known, most=len(known))
            raise RequestError(f"expected {expected}, got '{request.hand_out}'", "hand_out")


def _is_folder(output: str) -> bool:
    """Whether a name for the result of one picture means a folder, which may be missing."""
    path = Path(output)
    if path.is_dir() or output.endswith(_SLASHES):
        return True
    return not path.suffix and not path.exists()


def _targets(
    inputs: Sequence[Path], output: str, *, about: str = "output", endings: Collection[str] = ()
) -> list[Path]:
    """Where the results of the pictures go.

    Args:
        inputs: pictures.
        output: file, or folder, as it was typed.
        about: what it was typed for.
        endings: that a name may have, the first for those that have another; every picture's own
            by default.

    Raises:
        RequestError: several pictures, and a name for one.
        ImageFileError: there is a file in the place of the folder.
    """
    if len(inputs) == 1 and not _is_folder(output):
        return [Path(output)]
    place = Path(output)
    if len(inputs) > 1 and not place.is_dir() and not output.endswith(_SLASHES):
        if place.exists():
            raise ImageFileError(
                f"{output} is a file, expected a folder for {len(inputs)} pictures"
            )
        if place.suffix.lower() in SUFFIXES:
            raise RequestError(
                f"{output} is a name for one picture, expected a folder for {len(inputs)}: "
                "with / at its end it is one",
                about,
            )
    return [place / _name_of(path, endings) for path in inputs]


def _name_of(picture: Path, endings: Collection[str]) -> str:
    """The name of a picture's result in a folder: its own, if results can have its ending."""
    if not endings:
        return result_name(picture)
    if picture.suffix.lower() in endings:
        return picture.name
    return picture.stem + next(iter(endings))


def _check_names(jobs: Sequence[Job]) -> None:
    """Refuse results that would overwrite each other, or something that is read."""
    read = {os.path.realpath(path) for job in jobs for path in job.files.values()}
    written: set[str] = set()
    for product in (product for job in jobs for product in job.products):
        real = os.path.realpath(product)
        if real in read:
            raise RequestError(f"{product} is read by this command: choose another name", "output")
        if real in written:
            raise RequestError(
                f"two results would have the name {product}: give the inputs other names, "
                "or restore them one by one",
                "output",
            )
        written.add(real)


def _check_shared(jobs: Sequence[Job]) -> None:
    """Find out once, not for each picture, whether what they all need is there.

    Raises:
        ImageFileError: it is not.
    """
    files = [{path for role, path in job.files.items() if role != "input"} for job in jobs]
    for path in sorted(set.intersection(*files)) if len(files) > 1 else ():
        try:
            why = no_file(path)
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
        if why is not None:
            raise ImageFileError(f"{as_typed(path)}: {why}")
