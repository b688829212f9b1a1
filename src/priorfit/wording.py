"""How messages put numbers and lists into words."""

from collections.abc import Iterable

_LONG = 10_000  # from here on digits are told apart better in threes
_LEAST_SHOWN = 0.1  # grey levels: below, an estimate says nothing


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, "1 step", "1200 steps" or "12,000 steps".

    Args:
        number: how many.
        noun: what, of one.
        plural: of several, where an s does not make it.
    """
    digits = f"{number:,}" if abs(number) >= _LONG else str(number)
    return f"{digits} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names as an English list, each once; where they are many, the last ones are counted.

    Args:
        names: at least one.
        most: parts of the list.
    """
    known = list(dict.fromkeys(names))
    if len(known) > most:
        known = [*known[: most - 1], f"{len(known) - most + 1} more"]
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"


def grey_levels(level: float) -> str:
    """A fraction of full scale in grey levels of 8 bits, "6.6/255", to what means something.

    Args:
        level: 0 or more.
    """
    if level * 255 < _LEAST_SHOWN:
        return "0/255" if level == 0 else f"less than {_LEAST_SHOWN}/255"
    return f"{level * 255:.2g}/255" if level * 255 < 10 else f"{level * 255:.0f}/255"


def described(value: object) -> str:
    """What somebody gave: its type, and its shape if it has one."""
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    return kind if shape is None else f"{kind} of {tuple(shape)}"
