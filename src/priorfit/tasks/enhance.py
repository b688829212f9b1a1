"""Boost detail: what a short fit of a picture leaves out is added to it once more."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack

from pydantic import Field

from priorfit.errors import ProblemError
from priorfit.tasks.arrays import Shared, on_arrays, start_on_array
from priorfit.tasks.base import Laid, Task
from priorfit.tasks.checks import require_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from priorfit.engine.case import Restored
    from priorfit.engine.run import Run
    from priorfit.images import Picture
    from priorfit.problem import Problem
    from priorfit.types import Image


class Enhance(Task):
    """Boost detail: whatever a short fit of the picture leaves out.

    The fewer --steps, the coarser the detail.
    """

    kind: Literal["enhance"] = "enhance"
    amount: Annotated[
        float, Field(ge=-1, le=10, description="How strongly detail is boosted; -1 removes it.")
    ] = 1.0

    default_recipe: ClassVar[str] = "dip/enhance"
    synonyms: ClassVar[tuple[str, ...]] = ("sharpen",)

    def lay(self, picture: "Picture", path: Path) -> Laid:
        return self.pose(picture)

    def pose(self, picture: "Picture") -> Laid:
        """Pose the boosting of detail, which nothing tells the right amount of.

        Raises:
            ProblemError: see `enhancing`.
        """
        from priorfit.classical import guides

        image = picture.tensor()
        sharpened = {"unsharp mask": guides.unsharp(image, self.amount)}
        return Laid(enhancing(image, self.amount), picture, comparators=sharpened)


def enhancing(image: "Image", amount: float = 1.0) -> "Problem":
    """The boosting of the detail of a picture: of what a short fit leaves out.

    Args:
        image: (1, C, H, W).
        amount: of the detail that is added; −1 takes it away and leaves the coarse layer.

    Raises:
        ProblemError: pixels that are not numbers, or an amount outside [−1, 10].
    """
    from priorfit.degradations import Identity
    from priorfit.loop.finish import BoostDetail
    from priorfit.problem import Problem

    if not -1 <= amount <= 10:
        raise ProblemError(f"expected an amount from -1 to 10, got {amount:g}")
    return Problem(require_numbers(image), Identity(), finish=[BoostDetail(amount)])


@on_arrays(Enhance)
def enhance(image: "ArrayLike", amount: float = 1.0, **shared: Unpack[Shared]) -> "Run[Restored]":
    """Boost detail: what a short fit of the picture leaves out is added to it.

    Args:
        image: (H, W), or with channels.
        amount: of the detail that is added, −1 to 10; −1 leaves the coarse layer.
        steps: the fewer, the coarser the detail; the recipe's own by default.
    """
    task = Enhance.from_options({"amount": amount})
    return start_on_array(task, image, task.pose, shared)
