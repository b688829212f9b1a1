"""Restored pictures beside what cheap methods make of the damaged one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from priorfit import images
from priorfit.errors import PriorfitError, ProblemError
from priorfit.guarantee.comparators import Alternative, alternatives, left_out
from priorfit.images import Picture
from priorfit.networks.lpips import Lpips
from priorfit.records.sidecar import load_sidecar
from priorfit.runs.measure import read_reference, scores
from priorfit.tasks import TASKS, Denoise, Inpaint, Task, Upscale
from priorfit.tasks.problems import in_own_units
from priorfit.types import Image


@dataclass(frozen=True, eq=False)
class Entrant:
    """One picture of the comparison.

    Args:
        name: path of a file, or name of a cheap method.
        image: (1, C, H, W).
        seconds: that it took, if that is known.
        metrics: against the reference; empty without one.
        restored: it was given, and not made here.
    """

    name: str
    image: Image
    seconds: float | None
    metrics: dict[str, float]
    restored: bool = True


@dataclass(frozen=True, eq=False)
class Cheap:
    """The cheap side of a comparison.

    Args:
        task: that the damaged picture was taken for.
        guessed: no sidecar said so.
        observed: (1, c, h, w), the damaged picture.
        made: by the cheap methods.
        left_out: names of those that would try the patience.
    """

    task: Task
    guessed: bool
    observed: Image
    made: Sequence[Alternative]
    left_out: tuple[str, ...] = field(default=())


def cheap_side(
    restored: Path, damaged: Path, patience: float, hole_mask: Path | None = None
) -> Cheap:
    """Have the cheap methods restore a damaged picture.

    Args:
        restored: a result for the same; its sidecar says what was done. Without one a mask means a
            hole, a larger result an enlargement, and everything else noise.
        damaged: the picture.
        patience: seconds that each method may take.
        hole_mask: white where pixels are to be filled; the file that the sidecar names by default,
            which is looked for beside both pictures.

    Raises:
        PriorfitError: a file is missing or does not fit, or the result is not of this picture.
    """
    picture = images.read(damaged)
    sidecar = load_sidecar(restored)
    size = images.read(restored).size
    if sidecar is None or sidecar.task not in TASKS:
        task = _guessed(picture, size, hole_mask)
    else:
        folders = [damaged.parent, restored.parent]
        task = _found(TASKS[sidecar.task], sidecar.options, folders, hole_mask)
    problem = task.lay(images.visible(picture), damaged).problem
    observed, problem = problem.observation, in_own_units(problem, picture.limits)
    made = alternatives(task.comparators, problem, patience)
    if any(tuple(each.image.shape[-2:]) != size for each in made):
        expected = " or ".join({"×".join(map(str, each.image.shape[-2:])) for each in made})
        raise PriorfitError(
            f"{restored}: expected the result of {damaged}, of {expected} pixels, "
            f"got {'×'.join(map(str, size))}"
        )
    omitted = left_out(task.comparators, problem, patience)
    return Cheap(task, sidecar is None, observed, made, omitted)


def entrant(path: Path, reference: Path | None, network: Lpips | None, *, on_luma: bool) -> Entrant:
    """A restored picture with its metrics, see `measured`.

    Raises:
        PriorfitError: it cannot be read, or the reference is of another size.
    """
    picture = images.read(path)
    beside = load_sidecar(path)
    clean = None if reference is None else read_reference(reference, picture, picture.shape)
    stored = {} if beside is None else dict(beside.metrics)
    metrics = stored | measured(picture.tensor(), clean, network, on_luma=on_luma)
    return Entrant(str(path), picture.tensor(), None if beside is None else beside.seconds, metrics)


def measured(
    image: Image, reference: Image | None, network: Lpips | None, *, on_luma: bool
) -> dict[str, float]:
    """PSNR and SSIM; PSNR of luma where it decides; LPIPS where there is a network for it."""
    if reference is None:
        return {}
    return scores(image, reference, on_luma=on_luma, network=network)


def _guessed(picture: Picture, size: tuple[int, int], hole_mask: Path | None) -> Task:
    if hole_mask is not None:
        return Inpaint(hole_mask=hole_mask)
    factor = size[0] // picture.size[0]
    if factor > 1 and size == tuple(factor * side for side in picture.size):
        return Upscale(factor=factor)
    return Denoise()


def _found(
    kind: type[Task], options: dict[str, object], folders: Sequence[Path], hole_mask: Path | None
) -> Task:
    """The task of a sidecar, its files found again by their names."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in kind.reads() & given.keys():
        given[name] = _beside(str(given[name]), folders, needed=hole_mask is None)
    if hole_mask is not None:
        given = {n: v for n, v in given.items() if n != "known_mask"} | {"hole_mask": hole_mask}
    try:
        return kind.from_options(given)
    except ProblemError as error:
        raise PriorfitError("the sidecar is of another version: its options are unknown") from error


def _beside(name: str, folders: Sequence[Path], *, needed: bool) -> Path:
    for folder in folders:
        if (folder / Path(name).name).is_file():
            return folder / Path(name).name
    if needed:
        raise PriorfitError(
            f"the sidecar names {name}, which is beside neither picture: put it there, "
            "or give --hole-mask if it is one"
        )
    return Path(name)


def finite(image: Image) -> Image:
    """The picture with zeros for pixels that are not numbers, to be shown."""
    return torch.nan_to_num(image).clamp(0, 1)
