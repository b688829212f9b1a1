"""The gallery's curves: `python -m benchmarks.gallery_curves WHAT RECORD.json`.

WHAT is the name of the picture in docs/gallery/; the record is what `priorfit analyse impedance` or
`random-labels` has written.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.gallery import PICTURES

_SIZE, _LEFT, _RIGHT, _TOP, _BOTTOM = (760, 420), 64, 170, 20, 40  # pixels
_COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#8d6a9f", "#c08a2e")

Points = Sequence[tuple[int, float]]


def main() -> None:
    """Draw one picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery_curves")
    parser.add_argument("what")
    parser.add_argument("record", type=Path)
    asked = parser.parse_args()
    record = json.loads(asked.record.read_text())
    drawn(record["curves"], record["measure"]).save(PICTURES / f"{asked.what}.jpg", quality=90)


def drawn(curves: Mapping[str, Points], measure: str) -> Image.Image:
    """Curves over steps, both on logarithmic scales, each with its name at its end."""
    picture = Image.new("RGB", _SIZE, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    steps = [step for points in curves.values() for step, _ in points]
    values = [max(value, 1e-9) for points in curves.values() for _, value in points]
    along = _Axis(min(steps), max(steps), _LEFT, _SIZE[0] - _RIGHT)
    up = _Axis(min(values), max(values), _SIZE[1] - _BOTTOM, _TOP)
    for value in up.ticks():
        pen.line([(_LEFT, up(value)), (_SIZE[0] - _RIGHT, up(value))], fill="#dddddd")
        pen.text((_LEFT - 6, up(value)), f"{value:g}", fill="#444444", font=font, anchor="rm")
    for step in along.ticks():
        where = (along(step), _SIZE[1] - _BOTTOM + 6)
        pen.text(where, f"{step:g}", fill="#444444", font=font, anchor="mt")
    pen.text((_LEFT, 4), f"{measure}, over steps", fill="#444444", font=font)
    ends = _apart({name: up(max(points[-1][1], 1e-9)) for name, points in curves.items()})
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=False):
        pen.line([(along(s), up(max(v, 1e-9))) for s, v in points], fill=colour, width=2)
        place = (_SIZE[0] - _RIGHT + 8, ends[name])
        pen.text(place, name, fill=colour, font=font, anchor="lm")
    return picture


class _Axis:
    """A logarithmic scale from one pixel to another."""

    def __init__(self, low: float, high: float, first: int, last: int) -> None:
        self.low, self.high = math.log10(low), math.log10(max(high, low * 1.001))
        self.first, self.last = first, last

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Powers of ten within."""
        return [10.0**p for p in range(math.ceil(self.low), math.floor(self.high) + 1)]


def _apart(places: Mapping[str, float], least: float = 16) -> dict[str, float]:
    """Names moved down until none covers another."""
    found: dict[str, float] = {}
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        found[name] = max([place, *(other + least for other in found.values())])
    return found


if __name__ == "__main__":
    main()
