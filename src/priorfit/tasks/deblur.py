"""Undo a known blur: a point spread function from a file, a Gaussian, or motion along a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pydantic import BeforeValidator, Field

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import Laid, Task
from priorfit.tasks.checks import require_numbers, size_of
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


def _read_motion(given: object) -> object:
    """LENGTH,ANGLE as it is typed."""
    if not isinstance(given, str):
        return given
    try:
        length, angle = (float(part) for part in given.split(","))
    except ValueError:
        raise ValueError(f"expected LENGTH,ANGLE, say 9,45, got '{given}'") from None
    return length, angle


class Deblur(Task):
    """Undo a known blur."""

    kind: Literal["deblur"] = "deblur"
    psf: Annotated[
        Path | None,
        Field(description="Point spread function: a picture or a .npy file."),
        Typed(metavar="FILE"),
    ] = None
    gaussian: Annotated[
        float | None,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="Gaussian blur of this standard deviation, in pixels.",
        ),
        Typed(metavar="STD"),
    ] = None
    motion: Annotated[
        tuple[float, float] | None,
        BeforeValidator(_read_motion),
        Field(
            description="Motion along a line: its length in pixels, its angle in degrees, "
            "counter-clockwise."
        ),
        Typed(metavar="LENGTH,ANGLE", as_text=True),
    ] = None

    default_recipe: ClassVar[str] = "dip/deblur"
    synonyms: ClassVar[tuple[str, ...]] = ("deblurring", "deconvolve", "deconvolution")

    @property
    def contenders(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.AS_IT_WAS,)

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.AS_IT_WAS, cheap.WIENER)

    def check(self) -> None:
        if (self.psf, self.gaussian, self.motion).count(None) != 2:
            raise ValueError("expected one of --psf, --gaussian and --motion")

    def lay(self, picture: "Picture", path: Path) -> Laid:
        return self.pose(picture, self._psf())

    def pose(self, picture: "Picture", psf: "Tensor") -> Laid:
        """Pose the undoing of a blur.

        Raises:
            ProblemError: see `deblurring`.
        """
        return Laid(deblurring(picture.tensor(), psf), picture)

    def _psf(self) -> "Tensor":
        from priorfit.degradations import gaussian_psf, motion_psf
        from priorfit.tasks.psf import read_psf

        if self.psf is not None:
            return read_psf(self.psf)
        if self.motion is not None:
            return motion_psf(*self.motion)
        if self.gaussian is not None:
            return gaussian_psf(self.gaussian)
        raise ProblemError("expected a PSF, a Gaussian or motion")


def deblurring(image: "Image", psf: "Tensor") -> "Problem":
    """The undoing of a known blur.

    Args:
        image: (1, C, H, W).
        psf: point spread function, (h, w), of any sum; it is centred.

    Raises:
        ProblemError: the PSF is larger than the image, negative, empty or not a picture.
    """
    from priorfit.degradations import Blur
    from priorfit.problem import Problem

    blur = Blur(psf)
    if any(reach > side for reach, side in zip(blur.psf.shape, image.shape[-2:], strict=True)):
        raise ProblemError(
            f"expected a PSF no larger than the image, {size_of(image)}, got {size_of(blur.psf)}"
        )
    return Problem(require_numbers(image), blur)


@on_arrays(Deblur)
def deblur(image: "ArrayLike", psf: "ArrayLike", **shared: Unpack[Shared]) -> "Run[Restored]":
    """Undo a known blur.

    Args:
        image: (H, W), or with channels.
        psf: point spread function, (h, w), of any sum.
    """
    import numpy as np
    import torch

    task, kernel = Deblur(), torch.from_numpy(np.array(psf, np.float64))
    return start_on_array(task, image, lambda picture: task.pose(picture, kernel), shared)
