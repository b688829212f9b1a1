"""What several tasks ask of what they are given."""

from numbers import Integral
from typing import TYPE_CHECKING

from priorfit.errors import ProblemError

if TYPE_CHECKING:
    from torch import Tensor

    from priorfit.types import Image


def whole_number(name: str, value: object, least: int, *, or_else: str = "None") -> int:
    """A whole number, if a value is one.

    Args:
        name: of the argument.
        value: that it was given.
        least: number that will do.
        or_else: what else may be given.

    Raises:
        ProblemError: it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ProblemError(
            f"expected {name} to be a whole number of {least} or more, or {or_else}, got {value!r}"
        )
    return int(value)


def require_numbers(image: "Image") -> "Image":
    """The image, if it has nothing to fill.

    Raises:
        ProblemError: pixels that are not numbers.
    """
    import torch

    if not torch.isfinite(image).all():
        raise ProblemError("the image has pixels that are not numbers: `inpaint` fills them")
    return image


def size_of(picture: "Tensor") -> str:
    """Height×width, as messages give it."""
    return "×".join(str(side) for side in picture.shape[-2:])
