"""Codes: everything that renders an image, as named tensors with one entry an image.

A part is named by a prefix: `network` is every tensor whose name is `network` or begins with
`network.`; of two overlapping names the longer one holds.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from priorfit.errors import ProblemError, RecipeError
from priorfit.types import Code


def part(code: Code, name: str) -> dict[str, Tensor]:
    """Pick the tensors of the part called `name`."""
    return {key: tensor for key, tensor in code.items() if _belongs(key, name)}


def split(code: Code, names: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """Share the floating-point tensors of a code among parts; the longest matching name holds.

    Raises:
        RecipeError: a name that no tensor of the code belongs to.
    """
    names = list(names)
    shares: dict[str, dict[str, Tensor]] = {name: {} for name in names}
    for key, tensor in code.items():
        owners = [name for name in names if _belongs(key, name)]
        if owners and tensor.is_floating_point():
            shares[max(owners, key=len)][key] = tensor
    for name in names:
        if not part(code, name):
            known = ", ".join(sorted({key.split(".")[0] for key in code}))
            raise RecipeError(f"the recipe tunes '{name}', but the prior's code has only {known}")
    return shares


def lerp(a: Code, b: Code, weight: float) -> Code:
    """Go from `a` (weight 0) to `b` (weight 1) on a straight line, network parameters included."""
    return {
        key: torch.lerp(a[key], b[key], weight) if a[key].is_floating_point() else a[key]
        for key in a
    }


def select(code: Code, image: int) -> Code:
    """Keep one image of a batch, as a batch of one."""
    return {key: tensor[image : image + 1] for key, tensor in code.items()}


def stack(codes: Sequence[Code]) -> Code:
    """Join codes of the same prior into one batch."""
    return {key: torch.cat([code[key] for code in codes]) for key in codes[0]}


@torch.no_grad()
def take_over(code: Code, before: Code) -> None:
    """Copy the tensors of another code into this one, which has them all, in place.

    Raises:
        ProblemError: it lacks one, or has it in another shape.
    """
    for name, tensor in before.items():
        if name not in code or code[name].shape != tensor.shape:
            found = tuple(code[name].shape) if name in code else "none"
            raise ProblemError(
                "cannot begin where a fit of another kind ended (pictures with other channels, or "
                f"another recipe): expected {name} of {tuple(tensor.shape)}, got {found}"
            )
        code[name].copy_(tensor)


def detached(code: Code) -> Code:
    """Copy a code, away from the graph and from the optimiser."""
    return {key: tensor.detach().clone() for key, tensor in code.items()}


def _belongs(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")
