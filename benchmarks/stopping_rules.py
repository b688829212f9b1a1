"""Stop rules scored on recorded curves: how far below the best picture is the one returned.

`python -m benchmarks stopping-rules --out FOLDER` reads what `stopping` wrote there, plays every
rule, and writes the table. Rules were chosen on the curves of one half of the images; the other
half is what is reported.
"""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.stopping import REPORTED, Curve
from benchmarks.suites import RESULTS

Row = NDArray[np.floating]
Course = Mapping[str, Row]
"""A curve's columns by name, one number a step."""

PICTURES = ("average", "ema99", "render")


@dataclass(frozen=True)
class Pick:
    """Where a rule ends a curve.

    Args:
        at: step whose picture it returns, from 1.
        end: step at which it knows.
        confirmed: false if the curve ended before.
    """

    at: int
    end: int
    confirmed: bool


@dataclass(frozen=True)
class Played:
    """`stopping.Lowest` on a recorded course, with the score as a function of its columns."""

    score: Callable[[Course], Row]
    start: int = 100
    patience: int = 150
    share: float = 0.3

    def pick(self, course: Course) -> Pick:
        """Where the rule ends."""
        values = self.score(course)
        lowest, at = np.inf, 0
        for taken, value in enumerate(values, 1):
            if taken >= self.start and value < lowest:
                lowest, at = value, taken
            if at and taken - at >= max(self.patience, self.share * at):
                return Pick(at, taken, True)
        return Pick(at or len(values), len(values), False)


def held_out(picture: str = "average", weight: float = 1.0) -> Callable[[Course], Row]:
    """Error at held-out pixels, and at held-out values where there are any."""

    def score(course: Course) -> Row:
        pixel = course[f"held.pixel.square.{picture}"]
        value = course[f"held.value.square.{picture}"]
        if not np.isfinite(value).all():
            return pixel
        return pixel + weight * value

    return score


def calm(weight: float = 0.003) -> Callable[[Course], Row]:
    """`scores.Calm`: the error held out, times a small power of the moving variance."""
    return lambda course: held_out()(course) * course["emv0.01"] ** weight


def column(name: str) -> Callable[[Course], Row]:
    """A column as it is; what is not known yet is no minimum."""
    return lambda course: np.nan_to_num(course[name], nan=np.inf)


def load(folder: Path) -> dict[Curve, Course]:
    """Every curve that is recorded with something held out."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            columns, values = file["columns"].tolist(), file["values"].astype(np.float64)
        curve = Curve.named(path.stem, len(values))
        if not curve.whole:
            found[curve] = dict(zip(columns, values.T, strict=True))
    return found


def best(course: Course) -> float:
    """PSNR of the best picture that the fit ever had, render or average."""
    return max(float(course[f"psnr.{picture}"].max()) for picture in PICTURES)


RULES: dict[str, Played] = {
    "held out, and a little of the moving variance": Played(calm()),
    "the same, ten times as much of it": Played(calm(0.03)),
    "held-out pixels and values": Played(held_out()),
    "held-out pixels": Played(held_out(weight=0.0)),
    "variance of 100 renders": Played(column("wmv100")),
    "variance of 100 renders, patience 500": Played(column("wmv100"), patience=500),
    "variance of 50 renders": Played(column("wmv50")),
    "moving variance, rate 0.1": Played(column("emv0.1")),
    "moving variance, rate 0.1, patience 500": Played(column("emv0.1"), patience=500),
    "moving variance, rate 0.01": Played(column("emv0.01")),
}


def measure(folder: Path) -> None:
    """Play every rule on every curve, write what came of it and print the tables."""
    courses = load(folder)
    rows = []
    for curve, course in courses.items():
        row = {
            "curve": curve.name,
            "half": "reported" if curve.image in REPORTED else "tuned",
            "steps": len(course["loss"]),
            "best": best(course),
            "best_average_at": int(course["psnr.average"].argmax()) + 1,
            "last": float(course["psnr.average"][-1]),
        }
        for name, rule in RULES.items():
            pick = rule.pick(course)
            gap = row["best"] - float(course["psnr.average"][pick.at - 1])
            row[name] = {"gap": gap, "at": pick.at, "end": pick.end, "confirmed": pick.confirmed}
        rows.append(row)
    told = {
        "command": "python -m benchmarks stopping-rules",
        "machine": platform.processor() or platform.machine(),
        "date": date.today().isoformat(),
        "rows": _rounded(rows),
    }
    (RESULTS / "stopping-rules.json").write_text(json.dumps(told, indent=0) + "\n")
    for part in ("plain", "dip"):
        for half in ("tuned", "reported"):
            chosen = [
                row for row in rows if row["half"] == half and str(row["curve"]).startswith(part)
            ]
            if chosen:
                print(f"{part}, {half}: {len(chosen)} curves\n\n{table(chosen)}\n")


def table(rows: list[dict]) -> str:
    """Markdown: mean and worst gap of each rule, and how often the curve ended before it did."""
    lines = ["| rule | mean gap, dB | worst | knew before the end |", "|---|---|---|---|"]
    last = [row["best"] - row["last"] for row in rows]
    lines.append(f"| none: the last average | {np.mean(last):.2f} | {max(last):.2f} | |")
    for name in RULES:
        gaps = [row[name]["gap"] for row in rows]
        known = sum(row[name]["confirmed"] for row in rows)
        cells = f"{np.mean(gaps):.2f} | {max(gaps):.2f} | {known} of {len(rows)}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
