"""Pictures that need no restoring: better left alone than changed for the worse."""

import torch

from priorfit.types import Image
from priorfit.wording import grey_levels

INVISIBLE = 2 / 255
"""Error that nobody sees, as a fraction of what a picture spans; benchmarks/README.md has what was
measured on clean photographs."""

_ROUNDING = 1e-5  # an estimate of a flat picture, which spans nothing, is not quite 0
_MOST = 1_000_000  # values that the span is taken from


def without_noise(image: Image, level: float) -> str | None:
    """Say that a picture has no noise to speak of; None if it has.

    Args:
        image: (1, C, H, W).
        level: standard deviation of its noise, as estimated.
    """
    if level > max(INVISIBLE * _span(image), _ROUNDING):
        return None
    return f"there is hardly any noise, {grey_levels(level)} by estimate"


def said_to_be_none(level: float) -> str | None:
    """Say that a picture has no noise because its user says so; None if there is some.

    Args:
        level: standard deviation of its noise, as given.
    """
    return None if level > 0 else "the noise level given is 0"


def without_artefacts(error_std: float) -> str | None:
    """Say that compression did a picture no harm that is seen; None if it did.

    Args:
        error_std: what it cost, as a fraction of full scale.
    """
    if error_std > INVISIBLE:
        return None
    return f"compression has left no error that is seen, {grey_levels(error_std)} by its tables"


def _span(image: Image) -> float:
    """From the darkest to the brightest of a picture's values, less the outermost half percents."""
    values = image.flatten()
    values = values[:: -(-len(values) // _MOST)].double()
    low, high = torch.quantile(values, torch.tensor([0.005, 0.995], dtype=torch.float64)).tolist()
    return high - low
