"""Numbers that change as a fit goes on: functions of the step, as values that a recipe can show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stairs:
    """One value after another, each until a step.

    Args:
        stairs: (first step that it no longer holds for, value), in order.
        after: the value from then on.
    """

    stairs: tuple[tuple[int, float], ...]
    after: float = 0.0

    def __call__(self, step: int) -> float:
        return next((value for end, value in self.stairs if step < end), self.after)


@dataclass(frozen=True)
class Decay:
    """From one value towards another, a share of the way lost in so many steps.

        v(t) = last + (first − last)·2^(−t / half)

    Args:
        first: value at step 0.
        half: steps in which half of the rest of the way is gone.
        last: what it comes to.
    """

    first: float
    half: float
    last: float = 0.0

    def __call__(self, step: int) -> float:
        return self.last + (self.first - self.last) * 0.5 ** (step / self.half)
