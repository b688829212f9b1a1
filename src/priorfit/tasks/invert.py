"""Invert: find the code from which a trained generator draws a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pydantic import Field, field_validator

from priorfit.tasks.arrays import Shared, start_on_array, with_code
from priorfit.tasks.base import AUTO, CODE, Choice, Laid, Product, Task
from priorfit.tasks.checks import require_numbers
from priorfit.tasks.options import Typed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image

_RECIPES = {"z": "latent/invert", "w": "latent/invert-w", "w+": "latent/invert-w+"}


class Invert(Task):
    """Find the code from which a generator draws a picture."""

    kind: Literal["invert"] = "invert"
    space: Annotated[
        str,
        Field(
            description="Space of the code: z, which every generator has; w, one vector for all "
            "layers; or w+, one for each layer, which comes closest."
        ),
        Typed(choices=tuple(_RECIPES)),
    ] = "z"
    label: Annotated[
        str | None,
        Field(
            description="Class of the picture, for generators that know classes; searched for by "
            "default."
        ),
        Typed("class", "NAME|NUMBER"),
    ] = None
    image: Annotated[
        Path | None,
        Field(description="Write the picture that the generator draws from the code too."),
        Typed(metavar="PATH", written=True),
    ] = None

    @field_validator("space")
    @classmethod
    def _known(cls, space: str) -> str:
        if space not in _RECIPES:
            raise ValueError(f"expected a space among {', '.join(_RECIPES)}, got '{space}'")
        return space

    default_recipe: ClassVar[str] = AUTO
    product: ClassVar[Product] = CODE
    synonyms: ClassVar[tuple[str, ...]] = ("inversion", "embed", "project", "projection", "encode")

    def lay(self, picture: "Picture", path: Path) -> Laid:
        return self.pose(picture)

    def pose(self, picture: "Picture") -> Laid:
        """Pose the inversion of a picture.

        Raises:
            ProblemError: pixels that are not numbers.
        """
        problem = inverting(picture.tensor(), self.label)
        return Laid(problem, picture, choice=Choice(_RECIPES[self.space]))


def inverting(image: "Image", label: int | str | None = None) -> "Problem":
    """The inversion of an image: whatever is drawn shall be as close to it as can be.

    Args:
        image: (1, C, H, W).
        label: number or name of its class, if known.

    Raises:
        ProblemError: pixels that are not numbers.
    """
    from priorfit.degradations import Identity
    from priorfit.problem import Problem

    return Problem(require_numbers(image), Identity(), label=label)


@with_code(Invert)
def invert(
    image: "ArrayLike",
    *,
    space: str = "z",
    label: int | str | None = None,
    **shared: Unpack[Shared],
) -> "Run[Restored]":
    """Find the code from which a generator draws a picture.

    What comes back has the drawing as `array`, the code as `code`, which
    `priorfit.records.code_file.write_code` puts into a file, and how it came about as `sidecar`.

    Args:
        image: (H, W), or with channels.
        space: `z`, which every generator has; `w`, one vector for all layers; or `w+`, one for
            each layer, which comes closest.
        label: number or name of the class of the picture, for generators that know classes;
            searched for by default.
    """
    known = None if label is None else str(label)
    task = Invert.from_options({"space": space, "label": known})
    return start_on_array(task, image, task.pose, shared)
