"""Where a picture is to be filled: its masks, its transparency, and what is no number in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from priorfit import images
from priorfit.degradations.mask import partly, touched
from priorfit.errors import ProblemError
from priorfit.images import Picture
from priorfit.wording import counted

_MUCH = 0.75  # of a picture: more is seldom meant


@dataclass(frozen=True)
class Hole:
    """Where to fill, and what has to be said of it.

    Args:
        where: (H, W) booleans.
        notes: a phrase each.
    """

    where: Tensor
    notes: tuple[str, ...] = ()


def hole_of(
    picture: Picture, hole_mask: Path | None, known_mask: Path | None, *, from_alpha: bool
) -> Hole:
    """The hole of a picture; what is covered in part is filled too.

    Args:
        picture: to fill; its NaN may be all there is.
        hole_mask: white where pixels are to be filled.
        known_mask: white where they are known.
        from_alpha: fill what is transparent.

    Raises:
        ImageFileError: a mask cannot be read, or is of another size.
        ProblemError: there is nothing to take a hole from.
    """
    covers, notes = [], []
    for path, is_hole in ((hole_mask, True), (known_mask, False)):
        if path is not None:
            mask = images.mask_of(path, picture.size)
            white = torch.from_numpy(mask.white)
            covers.append(white if is_hole else 1 - white)
            notes += [f"{path.name}: {note}" for note in mask.notes]
    if from_alpha:
        covers.append(_transparency(picture))
    if not covers and np.isfinite(picture.pixels).all():
        raise ProblemError("expected --hole-mask, --known-mask, --hole-from-alpha or NaN pixels")
    hole = torch.zeros(picture.size, dtype=torch.bool)
    for cover in covers:
        hole |= touched(cover)
    return Hole(hole, (*notes, *_on_grey(covers), *_on_size(hole, hole_mask, known_mask)))


def opaque(alpha: np.ndarray) -> float:
    """What an alpha channel holds where nothing is transparent."""
    return 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)


def _transparency(picture: Picture) -> Tensor:
    if picture.alpha is None:
        raise ProblemError("has no alpha channel to take the hole from: give --hole-mask")
    return torch.from_numpy(1 - picture.alpha / opaque(picture.alpha))


def _on_grey(covers: list[Tensor]) -> tuple[str, ...]:
    grey = sum(partly(cover) for cover in covers)
    if not grey:
        return ()
    return (f"{counted(grey, 'pixel')} covered by the mask in part, filled as well",)


def _on_size(hole: Tensor, hole_mask: Path | None, known_mask: Path | None) -> tuple[str, ...]:
    share = hole.double().mean().item()
    if share < _MUCH or (hole_mask is known_mask is None):
        return ()
    other = "--known-mask" if known_mask is None else "--hole-mask"
    return (
        f"{share:.0%} of the picture is to be filled: {other} reads a mask the other way round",
    )
