"""How messages put numbers into words."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, "1 step" or "1,200 steps".

    Args:
        number: how many.
        noun: what, of one.
        plural: of several, where an s does not make it.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
