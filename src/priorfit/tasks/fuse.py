"""Give a photograph the detail of another one of the same scene, taken with flash."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pydantic import Field

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, picture_of, start_on_array
from priorfit.tasks.base import Laid, Task
from priorfit.tasks.checks import require_numbers, size_of
from priorfit.tasks.options import Option, Typed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image


class Fuse(Task):
    """Combine the light of a photograph without flash with the detail of one with flash."""

    kind: Literal["fuse"] = "fuse"
    flash: Annotated[
        Path | None,
        Field(description="Photograph taken with flash: its detail is kept."),
        Typed(required=True),
    ] = None

    default_recipe: ClassVar[str] = "dip/fuse"
    picture_option: ClassVar[Option | None] = Option(
        "no_flash",
        "Photograph taken without flash: its light is kept.",
        Path,
        typed=Typed(required=True),
    )

    @property
    def contenders(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.AS_IT_WAS,)

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return cheap.SMOOTHING

    def check(self) -> None:
        if self.flash is None:
            raise ValueError("expected --flash, the photograph taken with it")

    def lay(self, picture: "Picture", path: Path) -> Laid:
        from priorfit import images

        if self.flash is None:
            raise ProblemError("expected a photograph taken with flash")
        height, width = picture.size
        try:  # a larger one takes no memory
            flash = images.read(self.flash, max_pixels=height * width)
        except images.TooManyPixelsError as error:
            raise ProblemError(
                f"expected two photographs of one size, got {error.width}×{error.height} pixels "
                f"with flash and {width}×{height} without"
            ) from error
        return self.pose(picture, images.visible(flash))

    def pose(self, picture: "Picture", flash: "Picture") -> Laid:
        """Pose the fusion of two photographs.

        Args:
            picture: taken without flash.
            flash: taken with it.

        Raises:
            ProblemError: see `fusing`.
        """
        lit = flash.tensor()
        return Laid(fusing(lit, picture.tensor()), picture, comparators={"flash": lit})


def fusing(flash: "Image", no_flash: "Image") -> "Problem":
    """The fusion of two photographs.

    Args:
        flash: (1, c, H, W), free of noise.
        no_flash: (1, C, H, W), whose light is kept.

    Raises:
        ProblemError: the two are of different sizes.
    """
    from priorfit.degradations import Identity
    from priorfit.problem import Problem

    if flash.shape[-2:] != no_flash.shape[-2:]:
        raise ProblemError(
            "expected two photographs of one size, got "
            f"{size_of(flash)} pixels with flash and {size_of(no_flash)} without"
        )
    companion = require_numbers(flash)
    return Problem(require_numbers(no_flash), Identity(), companion=companion)


@on_arrays(Fuse)
def fuse(flash: "ArrayLike", no_flash: "ArrayLike", **shared: Unpack[Shared]) -> "Run[Restored]":
    """Give a no-flash photograph the detail of a flash photograph of the same scene.

    Args:
        flash: (H, W), or with channels.
        no_flash: likewise, of the same size; the result has its light and its dtype.
        channel_axis: of both; None for grey images of two axes.
    """
    task, lit = Fuse(), picture_of(flash, shared)
    return start_on_array(task, no_flash, lambda picture: task.pose(picture, lit), shared)
