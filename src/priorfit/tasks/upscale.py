"""Enlarge: how the small picture was made, and how much larger one may still be read again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, Unpack

from pydantic import Field, field_validator

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import AUTO, Laid, Task
from priorfit.tasks.checks import require_numbers
from priorfit.tasks.options import Typed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.degradations.resample import Kernel
    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.guarantee.comparators import Comparator
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

KERNELS = ("lanczos3", "lanczos2", "bicubic", "area")
"""How a small image may have been made; the first as Pillow's LANCZOS does."""


class Upscale(Task):
    """Enlarge by a whole factor."""

    kind: Literal["upscale"] = "upscale"
    factor: Annotated[int, Field(ge=2, description="How many times wider and higher.")] = 4
    kernel: Annotated[
        str | None,
        Field(
            description="Filter that made the small picture. [default: lanczos3; -paper recipes: "
            "lanczos2]"
        ),
        Typed(choices=KERNELS),
    ] = None

    default_recipe: ClassVar[str] = "dip/upscale"
    on_luma: ClassVar[bool] = True
    synonyms: ClassVar[tuple[str, ...]] = (
        "super-resolution",
        "superresolution",
        "superres",
        "super-resolve",
        "sr",
        "enlarge",
        "upsample",
        "upscaling",
        "zoom",
    )

    @field_validator("kernel")
    @classmethod
    def _known(cls, kernel: str | None) -> str | None:
        if kernel is not None and kernel not in KERNELS:
            raise ValueError(f"expected a kernel among {', '.join(KERNELS)}, got '{kernel}'")
        return kernel

    @property
    def contenders(self) -> "Sequence[Comparator]":
        return self.comparators

    @property
    def comparators(self) -> "Sequence[Comparator]":
        from priorfit.guarantee import comparators as cheap

        return (cheap.BICUBIC, cheap.LANCZOS)

    def for_recipe(self, recipe: str) -> Self:
        """The same with the window that the recipe takes, where nobody named one.

        Raises:
            RecipeError: there is no recipe of that name.
        """
        from priorfit import recipes

        if self.kernel is not None or recipe == AUTO:
            return self
        own = recipes.find(recipe).window
        return self.model_copy(update={"kernel": own or KERNELS[0]})

    def lay(self, picture: "Picture", path: Path) -> Laid:
        return self.pose(picture)

    def pose(self, picture: "Picture") -> Laid:
        """Pose the enlargement of a picture.

        Raises:
            ProblemError: see `upscaling`.
        """
        from priorfit import images

        problem = upscaling(picture.tensor(), self.factor, _windows()[self.kernel or KERNELS[0]])
        like, notes = images.enlarged(picture, self.factor)
        return Laid(problem, like, notes=notes)


def _windows() -> "dict[str, Kernel]":
    from priorfit.degradations import Area, Bicubic, Lanczos

    return dict(zip(KERNELS, (Lanczos(3), Lanczos(2), Bicubic(), Area()), strict=True))


def upscaling(image: "Image", factor: int, kernel: "Kernel | None" = None) -> "Problem":
    """The enlargement of an image.

    Args:
        image: (1, C, H, W).
        factor: how many times larger, at least 2.
        kernel: how the small image was made; as Pillow's LANCZOS does by default.

    Raises:
        ProblemError: the factor is no whole number of at least 2, or the result would be too large.
    """
    from priorfit.degradations import Border, Downsample, Lanczos
    from priorfit.images import MAX_PIXELS
    from priorfit.problem import Problem

    if factor in (0, 1):
        raise ProblemError(f"expected a factor of 2 or more, got {factor}, which enlarges nothing")
    kernel = kernel or Lanczos(3)
    # The published setting repeats the edge; Pillow, and most cameras' software, renormalise.
    border = Border.REPLICATE if kernel == Lanczos(2) else Border.RENORMALISE
    degradation = Downsample(factor, kernel, border=border)
    _, height, width = degradation.image_shape((1, image.shape[-2], image.shape[-1]))
    if height * width > MAX_PIXELS:  # every result can be read again
        raise ProblemError(
            f"{height}×{width} pixels are more than {MAX_PIXELS:,}: lower the factor"
        )
    return Problem(require_numbers(image), degradation)


@on_arrays(Upscale)
def upscale(
    image: "ArrayLike", factor: int, *, kernel: str | None = None, **shared: Unpack[Shared]
) -> "Run[Restored]":
    """Enlarge by a whole factor.

    Args:
        image: (H, W), or with channels.
        factor: at least 2.
        kernel: how the small image was made: lanczos3 (as Pillow does), lanczos2, bicubic or area;
            the recipe's own by default.
    """
    task = Upscale.from_options({"factor": factor, "kernel": kernel})
    task = task.for_recipe(shared.get("recipe", task.default_recipe))
    return start_on_array(task, image, task.pose, shared)
