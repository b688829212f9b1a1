"""`priorfit bench dip` on the images and corners that benchmarks/README.md reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suites import RESULTS, SHARED
from priorfit.bench.results import load
from priorfit.bench.run import BenchPlan as Part
from priorfit.bench.run import measure as measured
from priorfit.bench.suites import SUITES
from priorfit.bench.table import table as drawn

IMAGES = {
    "denoise25": ("kodim12", "hill", "peppers", "kodim01", "F16", "lena"),
    "pixels50": ("Lena512", "man", "couple", "hill", "house", "barbara"),
    "set5_x4": ("baby", "butterfly", "bird", "head", "woman"),
}
SIDE = 256


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Args:
        suites: names in `IMAGES`.
        seeds: how many, from 0.
        images: how many of each suite.
        variant: appended to the name of the recipe, such as `-unguided`.
        threads: of each command.
        results: file to keep the runs in.
    """

    suites: Sequence[str] = tuple(IMAGES)
    seeds: int = 3
    images: int = 5
    variant: str = ""
    threads: int = 2
    results: Path = RESULTS / "floors.json"


def measure(plan: Plan) -> None:
    """Run what is not in the results yet."""
    for suite in plan.suites:
        part = Part(
            [suite],
            folder=SHARED,
            only=IMAGES[suite][: plan.images],
            side=SIDE,
            recipe=f"dip/{SUITES[suite].damage.task.kind}{plan.variant}",
            seeds=plan.seeds,
            threads=plan.threads,
        )
        measured(part, plan.results, lambda line: print(line, flush=True), after=lambda _: None)


def table(results: Path = RESULTS / "floors.json") -> str:
    """The results as Markdown, one row an image."""
    return drawn(load(results), "python -m benchmarks floors")
