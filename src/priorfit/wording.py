"""How messages put numbers and lists into words."""

from collections.abc import Iterable


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, "1 step" or "1,200 steps".

    Args:
        number: how many.
        noun: what, of one.
        plural: of several, where an s does not make it.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


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
