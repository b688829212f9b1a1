"""Which recipe a picture asks for, where nobody names one."""

from dataclasses import dataclass

import torch

from priorfit.degradations import Mask
from priorfit.problem import Problem

AUTO = "auto"
"""In the place of a recipe's name: the task chooses."""

_LITTLE = 0.05
"""Share of known pixels below which hiding some of them teaches a network nothing."""

_FAR = 17
"""Pixels farther than which from any known one a hole is large: as measured, docs/recipes.md."""


@dataclass(frozen=True)
class Choice:
    """A recipe for one picture.

    Args:
        recipe: its name.
        why: what is unusual about the picture, what is done about it or could be; None if nothing.
    """

    recipe: str
    why: str | None = None


def for_hole(problem: Problem) -> Choice:
    """The recipe for a hole: another one where next to nothing is known; a deep one is remarked."""
    mask = problem.degradation
    if not isinstance(mask, Mask):
        return Choice("dip/inpaint")
    share = mask.known.mean(dtype=torch.float64).item()
    if share < _LITTLE:
        recipe = "dip/inpaint-sparse"
        return Choice(recipe, f"only {share:.1%} of the pixels are known: filled with {recipe}")
    if not mask.near(_FAR).all():
        other = "--recipe dip/inpaint-large is made for that"
        return Choice("dip/inpaint", f"the hole is more than {_FAR} pixels deep: {other}")
    return Choice("dip/inpaint")
