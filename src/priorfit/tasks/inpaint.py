"""Fill a hole: which pixels it holds, and which recipe its depth and its share ask for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, Unpack

from pydantic import Field, model_validator

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import AUTO, Choice, Laid, Task
from priorfit.tasks.checks import size_of, whole_number
from priorfit.tasks.options import Typed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

_LITTLE = 0.05
"""Share of known pixels below which hiding some of them teaches a network nothing."""

_FAR = 17
"""Pixels farther than which from any known one a hole is large: as measured, docs/recipes.md."""


class Inpaint(Task):
    """Fill holes: white or grey in a mask, transparent, or NaN.

    Unless --recipe names one, the recipe is chosen by the size and depth of the hole.
    """

    kind: Literal["inpaint"] = "inpaint"
    hole_mask: Annotated[
        Path | None,
        Field(
            description="Mask that is white or grey where pixels are to be filled: one file for "
            "all pictures, or a folder with one for each."
        ),
        Typed(metavar="MASK", by_picture=True),
    ] = None
    known_mask: Annotated[
        Path | None,
        Field(description="Mask the other way round: white where pixels are known."),
        Typed(metavar="MASK", by_picture=True),
    ] = None
    hole_from_alpha: Annotated[bool, Field(description="Fill the transparent pixels.")] = False
    grow_mask: Annotated[
        int,
        Field(ge=0, description="Widen the hole by this many pixels on every side."),
        Typed(metavar="PIXELS"),
    ] = 0
    paste_back: Annotated[bool, Field(description="Keep known pixels exactly as they were.")] = True

    default_recipe: ClassVar[str] = AUTO
    synonyms: ClassVar[tuple[str, ...]] = ("inpainting", "fill", "outpaint", "remove")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.hole_mask is not None and self.known_mask is not None:
            raise ValueError("expected one mask, got --hole-mask and --known-mask")
        return self

    @property
    def contenders(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.PYRAMID, cheap.BIHARMONIC)

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.BIHARMONIC,)

    def lay(self, picture: "Picture", path: Path) -> Laid:
        import numpy as np

        from priorfit.tasks.holes import hole_of, opaque

        hole = hole_of(picture, self.hole_mask, self.known_mask, from_alpha=self.hole_from_alpha)
        laid = self.pose(picture, hole.where)
        if self.hole_from_alpha and picture.alpha is not None:
            filled = np.full_like(picture.alpha, opaque(picture.alpha))
            picture = replace(picture, alpha=filled)
        return replace(laid, picture=picture, notes=hole.notes)

    def pose(self, picture: "Picture", hole: "Tensor | None") -> Laid:
        """Pose the filling of a hole.

        Args:
            picture: its NaN belong to the hole.
            hole: (H, W), true where pixels are to be filled.

        Raises:
            ProblemError: see `inpainting`.
        """
        image = picture.tensor()
        problem = inpainting(image, hole, grow=self.grow_mask, paste_back=self.paste_back)
        return Laid(problem, picture, choice=_choose(problem))


def _choose(problem: "Problem") -> Choice:
    """The recipe for a hole: another one where next to nothing is known; a deep one is remarked."""
    from priorfit.degradations.mask import near

    known = problem.known
    share = known.double().mean().item()
    if share < _LITTLE:
        recipe = "dip/inpaint-sparse"
        return Choice(recipe, f"only {share:.1%} of the pixels are known: filled with {recipe}")
    if not near(known, _FAR).all():
        other = "--recipe dip/inpaint-large is made for that"
        return Choice("dip/inpaint", f"the hole is more than {_FAR} pixels deep: {other}")
    return Choice("dip/inpaint")


def inpainting(
    image: "Image", hole: "Tensor | None" = None, *, grow: int = 0, paste_back: bool = True
) -> "Problem":
    """The filling of a hole.

    Args:
        image: (1, C, H, W); pixels that are not numbers belong to the hole.
        hole: (H, W), true where pixels are to be filled.
        grow: pixels by which the hole becomes wider, in all channels.
        paste_back: give known pixels back bit for bit.

    Raises:
        ProblemError: the hole is of another size than the image, or there is nothing to fill, or
            nothing to go by.
    """
    import torch

    from priorfit.degradations import Mask
    from priorfit.degradations.mask import grown
    from priorfit.loop.finish import KeepKnownPixels
    from priorfit.problem import Problem

    known = torch.isfinite(image)
    if hole is not None:
        if hole.shape != image.shape[-2:]:
            raise ProblemError(f"expected a mask of {size_of(image)} pixels, got {size_of(hole)}")
        known = known & ~hole.bool()
    if grow:
        known = known & ~grown(~known[0].all(0), grow)
    if known.all():
        raise ProblemError("there is nothing to fill: the hole is empty (it is white in a mask)")
    if not known.flatten(2).any(2).all():
        raise ProblemError(
            "there is nothing to go by: every pixel is to be filled (the hole is white in a mask)"
        )
    mask = Mask(known)
    finish = [KeepKnownPixels()] if paste_back else []
    return Problem(mask(image), mask, finish=finish)


@on_arrays(Inpaint)
def inpaint(
    image: "ArrayLike",
    hole_mask: "ArrayLike | None" = None,
    *,
    grow_mask: int = 0,
    paste_back: bool = True,
    **shared: Unpack[Shared],
) -> "Run[Restored]":
    """Fill a hole.

    Args:
        image: (H, W), or with channels; NaN belong to the hole.
        hole_mask: (H, W), booleans or numbers, not zero where pixels are to be filled; or with an
            axis for colours at its end.
        grow_mask: pixels by which the hole, NaN included, becomes wider.
        paste_back: give known pixels back bit for bit.
        recipe: a name, or `auto`: chosen by how much is known and how deep the hole is.
    """
    from priorfit.degradations.mask import hole_in

    grow = whole_number("grow_mask", grow_mask, 0, or_else="leave it out")
    task = Inpaint.from_options({"grow_mask": grow, "paste_back": paste_back})

    def pose(picture: "Picture") -> Laid:
        hole = None if hole_mask is None else hole_in(hole_mask, picture.size)
        return task.pose(picture, hole)

    return start_on_array(task, image, pose, shared)
