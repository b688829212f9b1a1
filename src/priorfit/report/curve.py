"""Loss curves as the numbers of a drawing."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_STEEP = 3.0  # values that differ by more are drawn on a logarithmic axis, if they are positive
_MOST_TICKS = 6


@dataclass(frozen=True)
class Tick:
    """A number at an axis.

    Args:
        at: where, in units of the drawing.
        text: the number.
    """

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """A line in a frame, y downwards.

    Args:
        width: of the frame in units of the drawing.
        height: likewise.
        points: `x,y x,y …`; some may lie above the frame.
        across: ticks of the step.
        up: ticks of the loss.
        logarithmic: the axis of the loss is.
        clipped: the line begins above the frame.
        mark: where a step of importance is.
    """

    width: float
    height: float
    points: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    logarithmic: bool
    clipped: bool
    mark: float | None = None


def draw(
    losses: Sequence[tuple[int, float]],
    width: float = 640,
    height: float = 200,
    mark: int | None = None,
) -> Curve | None:
    """Lay out (step, loss) pairs; what is not finite is left out, None if nothing is left.

    A step may be marked.

    Positive losses that fall far get a logarithmic axis. On a linear one a start far above 95 % of
    the values is left outside the frame, so that it does not press the rest to the ground.
    """
    points = [(step, loss) for step, loss in losses if math.isfinite(loss)]
    if not points:
        return None
    values = sorted(loss for _, loss in points)
    logarithmic = values[0] > 0 and values[-1] > _STEEP * values[0]
    usual = values[math.ceil(0.95 * len(values)) - 1]
    pressed = values[-1] - values[0] > _STEEP * (usual - values[0])
    top = usual if pressed and not logarithmic else values[-1]
    upward = _scale(values[0], top, height, math.log10 if logarithmic else float)
    across = _scale(points[0][0], points[-1][0], width, float)
    steps = [t for t in _even(points[0][0], points[-1][0]) if t.is_integer()]
    marks = _decades(values[0], top) if logarithmic else _even(values[0], top)
    return Curve(
        width=width,
        height=height,
        points=" ".join(f"{across(x):.1f},{height - upward(y):.1f}" for x, y in points),
        across=tuple(Tick(round(across(t), 1), f"{t:,.0f}") for t in steps),
        up=tuple(Tick(round(height - upward(t), 1), f"{t:.3g}") for t in marks),
        logarithmic=logarithmic,
        clipped=top < values[-1],
        mark=None if mark is None else round(across(mark), 1),
    )


@dataclass(frozen=True)
class Line:
    """One of several lines in a frame.

    Args:
        name: of the line.
        points: `x,y x,y …`.
    """

    name: str
    points: str


@dataclass(frozen=True)
class Lines:
    """Several lines in a frame, y downwards.

    Args:
        width: of the frame in units of the drawing.
        height: likewise.
        lines: they.
        across: ticks of the step, on a logarithmic axis.
        up: ticks of the value.
        logarithmic: the axis of the value is.
    """

    width: float
    height: float
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    logarithmic: bool


def draw_together(
    curves: Mapping[str, Sequence[tuple[int, float]]], width: float = 640, height: float = 320
) -> Lines | None:
    """Lay out named curves of (step from 1, value) on common axes, None if there is no point.

    What is not finite is left out. Values that are all positive get a logarithmic axis if they
    differ much.
    """
    finite = {
        name: [(step, value) for step, value in curve if math.isfinite(value)]
        for name, curve in curves.items()
    }
    every = [point for curve in finite.values() for point in curve]
    if not every:
        return None
    low, high = min(value for _, value in every), max(value for _, value in every)
    last = max(step for step, _ in every)
    logarithmic = low > 0 and high > _STEEP * low
    upward = _scale(low, high, height, math.log10 if logarithmic else float)
    across = _scale(1, last, width, math.log10)
    marks = _decades(low, high) if logarithmic else _even(low, high)
    return Lines(
        width=width,
        height=height,
        lines=tuple(
            Line(name, " ".join(f"{across(x):.1f},{height - upward(y):.1f}" for x, y in curve))
            for name, curve in finite.items()
        ),
        across=tuple(Tick(round(across(t), 1), f"{t:,.0f}") for t in _decades(1, last)),
        up=tuple(Tick(round(height - upward(t), 1), f"{t:.3g}") for t in marks),
        logarithmic=logarithmic,
    )


def _scale(
    low: float, high: float, length: float, bend: Callable[[float], float]
) -> Callable[[float], float]:
    """Map low to 0 and high to the length; what is all equal, to the middle."""
    start, span = bend(low), bend(high) - bend(low)
    if span <= 0:
        return lambda value: length / 2
    return lambda value: (bend(value) - start) / span * length


def _even(low: float, high: float) -> list[float]:
    """Round numbers from low to high, at most six."""
    if not high > low:
        return [float(low)]
    rough = (high - low) / (_MOST_TICKS - 1)
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * n for n in (1, 2, 5, 10) if ten * n >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) if step > 1e-9 else n * step for n in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Round numbers from low to high on a logarithmic axis, at most nine."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    stride = max(1, math.ceil(len(powers) / _MOST_TICKS))
    tens = [10.0**p for p in powers if p % stride == 0]
    inside = [t for t in tens if low <= t <= high]
    finer = [m * 10.0**p for p in powers for m in (1, 2, 5)]
    return inside if len(inside) > 2 else [t for t in finer if low <= t <= high]
