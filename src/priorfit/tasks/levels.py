"""Noise levels as they are given: fractions of full scale, or the picture's own units."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real

from priorfit.errors import ProblemError

_COUNTS = re.compile(r"(.+?) ?counts?", re.IGNORECASE)


@dataclass(frozen=True)
class NoiseLevel:
    """A standard deviation of noise.

    Args:
        fraction: of the full scale of the file's type, 0 to 1, if it was given so.
        counts: or in the picture's own units, 0 or more; neither if it is to be estimated.
    """

    fraction: float | None = None
    counts: float | None = None


def read_level(text: str) -> NoiseLevel:
    """Parse a noise level: auto, 0.1, 25/255, 8.5/255, or 12counts in the picture's own units.

    Raises:
        ValueError: anything else.
    """
    if text.strip().lower() == "auto":
        return NoiseLevel()
    found = _COUNTS.fullmatch(text.strip())
    value = _number(found[1] if found else text)
    if value is None or not 0 <= value < math.inf:
        raise ValueError(
            "expected a fraction of full scale, 0 to 1, such as 0.1 or 25/255, a number of the "
            f"picture's own units such as 12counts, or auto, got '{text}'"
        )
    if found is None and value > 1:
        raise ValueError(_ambiguous(text.strip()))
    return NoiseLevel(fraction=value) if found is None else NoiseLevel(counts=value)


def check_noise_std(noise_std: float) -> None:
    """Refuse what is no standard deviation on a scale of 0 to 1.

    Raises:
        ProblemError: outside [0, 1].
    """
    if isinstance(noise_std, bool) or not isinstance(noise_std, Real):
        raise ProblemError(
            "expected noise_std as a number from 0 to 1, or None to have it estimated, got "
            f"{noise_std!r}"
        )
    if noise_std > 1 and math.isfinite(noise_std):
        raise ProblemError(
            f"expected noise_std as a fraction of full scale, 0 to 1, got {noise_std:g}: say "
            f"{noise_std:g}/255 for grey levels of 8 bits; what is in the picture's own units is "
            "divided by their full scale"
        )
    if not 0 <= noise_std <= 1:
        raise ProblemError(f"expected a standard deviation from 0 to 1, got {noise_std:g}")


def _number(text: str) -> float | None:
    """A number or the quotient of two, None for anything else."""
    try:
        above, slash, below = text.partition("/")
        return float(Fraction(above) / Fraction(below)) if slash else float(text)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _ambiguous(text: str) -> str:
    """What to say of a number above 1, which has two readings."""
    number = text.partition("/")[0].strip()
    readings = [] if "/" in text else [f"{text}/255 for grey levels of 8 bits"]
    readings.append(f"{number}counts for the picture's own units")
    return f"expected a fraction of full scale, 0 to 1, got {text}: say {', or '.join(readings)}"
