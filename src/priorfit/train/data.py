"""Photographs to train on: decoded once, square, of one size, in memory as bytes."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.errors import ImageFileError, ProblemError
from priorfit.images import MAX_PIXELS
from priorfit.images.formats import FORMATS
from priorfit.images.read import picture_of
from priorfit.images.sniff import HEAD, identify
from priorfit.train.sources import PhotographEntry, list_photographs

FEW = 100
"""Photographs; with fewer, a generator memorises them in spite of augmentation."""

_UNREADABLE = (ImageFileError, OSError, MemoryError)
_NAMED = 3  # files that a note gives by name


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs of one size.

    Args:
        images: (N, 3, S, S) bytes, channels last in memory.
        labels: (N,) numbers of classes, 0 where there are none.
        classes: their names; empty where there are none.
        notes: what was odd about them, a sentence each.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        """S."""
        return self.images.shape[-1]


Watch = Callable[[int, int], None]
"""Told how many of how many photographs are decoded."""


def load(
    path: Path,
    size: int,
    *,
    labels: Path | None = None,
    test: bool = False,
    watch: Watch | None = None,
) -> Photographs:
    """Read photographs and cut each to its central square, reduced to size × size.

    What cannot be read or is smaller than that is left out and noted.

    Args:
        path: a folder, a zip file or an .npz pack.
        size: S, pixels.
        labels: table file name -> class.
        test: the photographs that a pack marks for judging, instead of the others.
        watch: told of the progress.

    Raises:
        ProblemError: no photograph is left, or more than the memory holds.
    """
    with list_photographs(path, labels) as source:
        entries = [entry for entry in source.entries if entry.test == test]
        if not entries:
            kind = "marked for judging" if test else "to train on"
            raise ProblemError(f"{path}: expected photographs {kind}, found none")
        _check_memory(path, len(entries), size)
        kept, failures = _decode(entries, size, watch)
        if not kept:
            raise ProblemError(_nothing_left(path, failures, size))
        notes = [*source.notes, *_failure_notes(failures, size)]
    return _gather(kept, [entries[number].label for number in kept], notes)


def fitting_size(path: Path, largest: int = 128) -> int:
    """The largest power of two, from 16, that nine tenths of a few of the photographs reach.

    Raises:
        ProblemError: none of them can be read.
    """
    with list_photographs(path) as source:
        some = source.entries[:: max(1, len(source.entries) // 64)]
        sides = sorted(side for entry in some if (side := _side(entry)) is not None)
    if not sides:
        raise ProblemError(f"{path}: expected photographs to train on, none can be read")
    side = sides[len(sides) // 10]
    return max(16, min(largest, 1 << (side.bit_length() - 1)))


def _side(entry: PhotographEntry) -> int | None:
    try:
        return min(read_colour(entry).shape[:2])
    except _UNREADABLE:
        return None


class _Small(Exception):
    """A photograph has fewer pixels than are wanted."""


def _decode(
    entries: Sequence[PhotographEntry], size: int, watch: Watch | None
) -> tuple[dict[int, np.ndarray], dict[str, list[str]]]:
    """Squares (S, S, 3) by number of their entry; what failed, by why."""
    kept: dict[int, np.ndarray] = {}
    failures: dict[str, list[str]] = {"small": [], "unreadable": []}
    for number, entry in enumerate(entries):
        try:
            kept[number] = square(read_colour(entry), size)
        except _Small:
            failures["small"].append(entry.name)
        except _UNREADABLE as error:
            failures["unreadable"].append(f"{entry.name} ({error})")
        if watch is not None:
            watch(number + 1, len(entries))
    return kept, failures


def read_colour(entry: PhotographEntry) -> np.ndarray:
    """Read one photograph as (H, W, 3) bytes, upright.

    Raises:
        ImageFileError: it is no readable image.
    """
    with entry.open() as file:
        name = identify(file.read(HEAD))
        file.seek(0)
        pixels = picture_of(FORMATS[name].decode(file, MAX_PIXELS), name).pixels
    if np.isnan(pixels).any():
        raise ImageFileError("holds NaN")
    if len(pixels) not in (1, 3):
        raise ImageFileError(f"has {len(pixels)} channels, expected 1 or 3")
    levels = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0))


def square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Cut (H, W, 3) bytes to the central square and reduce it, with antialiasing, to (S, S, 3)."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    if side < size:
        raise _Small
    top, left = (height - side) // 2, (width - side) // 2
    cut = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    if side == size:
        return cut
    reduced = PillowImage.fromarray(cut).resize((size, size), PillowImage.Resampling.LANCZOS)
    return np.asarray(reduced)


def _nothing_left(path: Path, failures: dict[str, list[str]], size: int) -> str:
    count = sum(len(names) for names in failures.values())
    return (
        f"{path}: none of {count} images can be used: {'; '.join(_failure_notes(failures, size))}"
    )


def _gather(
    kept: dict[int, np.ndarray], names: Sequence[str | None], notes: list[str]
) -> Photographs:
    classes = tuple(sorted({name for name in names if name is not None}))
    if len(classes) == 1:
        notes.append(f"there is one class, '{classes[0]}': it is trained without classes")
    if len(classes) < 2:
        classes = ()
    numbers = [classes.index(name) if name in classes else 0 for name in names]
    stack = torch.from_numpy(np.stack(list(kept.values()))).permute(0, 3, 1, 2)
    notes += _content_notes(stack)
    return Photographs(stack, torch.tensor(numbers), classes, tuple(notes))


def _failure_notes(failures: dict[str, list[str]], size: int) -> list[str]:
    why = {"small": f"smaller than {size}×{size} pixels", "unreadable": "cannot be read"}
    notes = []
    for kind, names in failures.items():
        if names:
            more = "" if len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
            notes.append(f"left out, {why[kind]}: {', '.join(names[:_NAMED])}{more}")
    return notes


def _content_notes(images: Tensor) -> list[str]:
    """What the pixels give away: few photographs, grey ones among colour."""
    notes = []
    if len(images) < FEW:
        notes.append(
            f"there are few photographs, {len(images)}: expected at least {FEW}, better "
            "thousands; the generator will repeat them"
        )
    grey = sum(int(_is_grey(image)) for image in images)
    if 0 < grey < len(images):
        notes.append(
            f"{grey} of {len(images)} photographs are grey: the generator will draw grey ones too"
        )
    return notes


def _is_grey(image: Tensor) -> bool:
    return bool((image[0] == image[1]).all() and (image[1] == image[2]).all())


def _check_memory(path: Path, count: int, size: int) -> None:
    needed = 2 * count * 3 * size**2
    there = _memory()
    if needed > there:
        raise ProblemError(
            f"{path}: {count} images of {size}×{size} need {needed / 1e9:.1f} GB of memory, "
            f"{there / 1e9:.1f} are there: choose a smaller --size or fewer images"
        )


def _memory() -> int:
    """Bytes of memory in this machine; a guess where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 33
