"""Noise levels as they are typed."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

import typer

_COUNTS = re.compile(r"(.+?) ?counts?", re.IGNORECASE)
_HINT = "'--noise-std'"


@dataclass(frozen=True)
class NoiseStd:
    """A standard deviation of noise.

    Args:
        fraction: of the full scale of the file's type, 0 to 1, if it was given so.
        counts: or in the picture's own units, 0 or more; neither if it is to be estimated.
    """

    fraction: float | None = None
    counts: float | None = None


def noise_std(text: str) -> NoiseStd:
    """Parse a noise level: auto, 0.1, 25/255, 8.5/255, or 12counts in the picture's own units.

    Raises:
        BadParameter: anything else.
    """
    if text.strip().lower() == "auto":
        return NoiseStd()
    found = _COUNTS.fullmatch(text.strip())
    value = _number(found[1] if found else text)
    if value is None or not 0 <= value < math.inf:
        raise typer.BadParameter(
            "expected a fraction of full scale, 0 to 1, such as 0.1 or 25/255, a number of the "
            f"picture's own units such as 12counts, or auto, got '{text}'",
            param_hint=_HINT,
        )
    if found is None and value > 1:
        raise typer.BadParameter(_ambiguous(text.strip()), param_hint=_HINT)
    return NoiseStd(fraction=value) if found is None else NoiseStd(counts=value)


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
