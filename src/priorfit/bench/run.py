"""The command as a user types it, on one image after the other; every run is kept at once."""

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from PIL import Image as PillowImage

from priorfit.bench import launch
from priorfit.bench.damages import Pixels, levels
from priorfit.bench.results import BenchCheap, BenchRun, Results, load, save
from priorfit.bench.suites import SUITES, BenchCase, read
from priorfit.guarantee.comparators import PATIENCE, alternatives
from priorfit.records.sidecar import load_sidecar, versions
from priorfit.wording import counted

Say = Callable[[str], None]


@dataclass(frozen=True)
class BenchPlan:
    """What to measure.

    Args:
        suites: names in `SUITES`.
        folder: of the published images.
        only: names of images; all by default.
        most: images of each suite, the first ones; all by default.
        side: of the corner that is taken, in pixels; the whole image by default.
        recipe: name; `dip/` and the task by default. Suites of other tasks are left out.
        seeds: how many, from 0.
        length: options of the command that limit a run.
        threads: of each command; torch's own number by default.
        patience: seconds that each cheap method may take.
    """

    suites: Sequence[str]
    folder: Path | None = None
    only: Sequence[str] = ()
    most: int | None = None
    side: int | None = None
    recipe: str | None = None
    seeds: int = 1
    length: Sequence[str] = ()
    threads: int | None = None
    patience: float = PATIENCE

    def images(self, suite: str) -> tuple[str, ...]:
        """Names of the images of a suite that are measured."""
        chosen = [name for name in SUITES[suite].images if not self.only or name in self.only]
        return tuple(chosen[: self.most])


@dataclass(frozen=True)
class BenchTurn:
    """One run that is to be made."""

    case: BenchCase
    recipe: str
    seed: int


def measure(
    plan: BenchPlan, path: Path, say: Say, *, after: Callable[[Results], None]
) -> list[str]:
    """Measure what is not in the file yet.

    Args:
        plan: what.
        path: file of the measurements, which is replaced after every run.
        say: is told a line about every run.
        after: is given all measurements after every one.

    Returns:
        Names of the images whose command failed.

    Raises:
        PriorfitError: an image is missing, or the file is damaged or cannot be written.
    """
    results = load(path)
    failed = []
    for turn in turns(plan, results):
        results = with_cheap(results, turn.case, plan)
        run = _run(turn, plan)
        if run is None:
            failed.append(f"{turn.case.suite}/{turn.case.name}")
            continue
        results = results.model_copy(update={"runs": (*results.runs, run)})
        save(path, results)
        after(results)
        say(_line(run))
    after(results)
    return failed


def turns(plan: BenchPlan, results: Results) -> Iterator[BenchTurn]:
    """The runs of a plan that are not among the results, every image once before any twice."""
    done = {run.key for run in results.runs}
    for seed in range(plan.seeds):
        for name in plan.suites:
            suite = SUITES[name]
            recipe = plan.recipe or f"dip/{suite.damage.task.kind}"
            for image in plan.images(name):
                key = (name, image, plan.side, recipe, seed, shlex.join(plan.length))
                if key not in done:
                    yield BenchTurn(suite.case(image, plan.folder, plan.side), recipe, seed)


def with_cheap(results: Results, case: BenchCase, plan: BenchPlan) -> Results:
    """The results with what the cheap methods make of an image, if they do not have it yet."""
    known = {(row.suite, row.image, row.side) for row in results.cheap}
    if (case.suite, case.name, plan.side) in known:
        return results
    rows = [
        BenchCheap(
            suite=case.suite,
            image=case.name,
            side=plan.side,
            method=other.name,
            **_round(case.score(levels(other.image))),
            seconds=round(other.seconds, 3),
        )
        for other in alternatives(case.damage.task.comparators, case.problem, plan.patience)
    ]
    return results.model_copy(update={"cheap": (*results.cheap, *rows)})


def _run(turn: BenchTurn, plan: BenchPlan) -> BenchRun | None:
    """Run the command in a folder of its own; None if it failed, which it said itself."""
    case = turn.case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "damaged.png", case.damaged)
        command = case.damage.task.kind
        arguments = [command, "damaged.png", "-o", "restored.png", *case.damage.arguments]
        if case.hole is not None:
            _write(folder / "hole.png", case.hole)
            arguments += ["--hole-mask", "hole.png"]
        arguments += ["--recipe", turn.recipe, "--seed", str(turn.seed), *plan.length]
        arguments += [] if plan.threads is None else ["--threads", str(plan.threads)]
        # -P: a folder called priorfit, here where the command runs, is not the package.
        python = [sys.executable, "-P"]
        whole = [*python, launch.__file__, "measures.json", *python, "-m", "priorfit", *arguments]
        status = subprocess.run([*whole, "--quiet"], cwd=folder, check=False).returncode
        sidecar = load_sidecar(folder / "restored.png")
        if status != 0 or sidecar is None:
            return None
        measures = json.loads((folder / "measures.json").read_text())
        scores = _round(case.score(read(folder / "restored.png")))
    return BenchRun(
        suite=case.suite,
        image=case.name,
        side=plan.side,
        recipe=turn.recipe,
        seed=turn.seed,
        length=shlex.join(plan.length),
        **scores,
        seconds=round(measures["seconds"], 2),
        peak=measures["peak"],
        steps=sidecar.steps,
        stop_reason=sidecar.stop_reason,
        threads=sidecar.threads,
        command=shlex.join(["priorfit", *arguments]),
        machine=machine(),
        date=date.today().isoformat(),
        versions=versions(),
    )


def machine() -> str:
    """Name of the processor and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"{name}, {count} cores"


def _round(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3 if name == "psnr" else 4) for name, value in scores.items()}


def _line(run: BenchRun) -> str:
    seconds = f"{run.seconds:.0f} s, {counted(run.steps, 'step')}"
    return (
        f"{run.suite}/{run.image}: {run.psnr:.2f} dB in {seconds} ({run.recipe}, seed {run.seed})"
    )


def _write(path: Path, pixels: Pixels) -> None:
    PillowImage.fromarray(pixels).save(path)
