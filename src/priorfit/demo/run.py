"""Damage, restore, show."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from priorfit.demo.damage import EXHIBITS, Exhibit, hole_of
from priorfit.demo.pace import Pace, measure
from priorfit.demo.pulse import pulse
from priorfit.demo.show import DemoFiles, Result, show
from priorfit.engine.run import Callback
from priorfit.errors import PriorfitError
from priorfit.guarantee.comparators import Comparator
from priorfit.images import write_atomically
from priorfit.problem import Problem
from priorfit.report import write as write_report
from priorfit.report.embed import levels, png
from priorfit.report.page import require
from priorfit.report.restored import decibels
from priorfit.runs import Job, Outcome, run
from priorfit.types import Image

WHOLE = 480.0
"""Seconds that all of it may take on a machine that is busy with something else."""

_BESIDE = 5.0
"""Seconds on one quiet core for all that is no restoration: photographs, cheap methods, pages."""

_LEAST = 10.0
"""Seconds for each, however fast the machine is: what is not arithmetic does not get faster."""

_MEGABYTES = 5
"""Of the folder, as measured."""


def main(
    folder: Path,
    *,
    steps: int | None = None,
    exhibits: Sequence[Exhibit] = EXHIBITS,
    pace: Callable[[], Pace] = measure,
) -> None:
    """Damage photographs, restore them, and leave pictures and a page in a folder.

    Every restoration gets the time that it is worth at the pace of the machine, within a bound for
    all of them. torch is left with the number of threads that was fastest.

    Args:
        folder: made if missing; files of an earlier demonstration are replaced.
        steps: of each restoration, instead of its own time.
        exhibits: what is damaged, and how.
        pace: measures how fast the machine is.

    Raises:
        PriorfitError: a restoration failed (the others are shown), or nothing can be written, or
            the extra `report` is not installed.
        KeyboardInterrupt: what was done before is shown.
    """
    require()
    began = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PriorfitError(f"{folder} cannot be made: {error.strerror or error}") from error
    now = pace()
    _say(foretold(exhibits, now, folder))
    results: list[Result] = []
    try:
        for number, exhibit in enumerate(exhibits, 1):
            now = pace() if number > 1 else now  # others come and go meanwhile
            left = WHOLE - (time.perf_counter() - began)
            limit = limit_of(exhibits[number - 1 :], now, left)
            title = f"[{number}/{len(exhibits)}] {exhibit.title.lower()}"
            _say(f"{title}: priorfit {' '.join(exhibit.command)}")
            results.append(_exhibit(exhibit, folder, limit, steps))
            _say(f"      {describe(results[-1])}")
            for note in results[-1].notes:
                _say(f"      {note}")
    finally:
        if results:
            _say(f"before and after: {show(folder, results).absolute().as_uri()}")
    failed = [result.exhibit.name for result in results if result.restored is None]
    if failed:
        raise PriorfitError(
            f"{len(failed)} of {len(results)} restorations failed, see above: {', '.join(failed)}"
        )


def foretold(exhibits: Sequence[Exhibit], now: Pace, folder: Path) -> str:
    """Say beforehand how long it takes and how much it leaves."""
    work = sum(exhibit.seconds for exhibit in exhibits)
    seconds = min(work * now.slowness, WHOLE) + _BESIDE * now.slowness
    threads = f"{now.threads} thread" + "s" * (now.threads > 1)
    return (
        f"{len(exhibits)} photographs, damaged and restored: about {max(1, round(seconds / 60))} "
        f"min on {threads}, as busy as this machine is now; {_MEGABYTES} MB in {folder}"
    )


def limit_of(rest: Sequence[Exhibit], now: Pace, left: float) -> float:
    """Seconds for the first of what there still is to do: what it is worth, or its share."""
    share = rest[0].seconds / sum(exhibit.seconds for exhibit in rest)
    return max(round(min(rest[0].seconds * now.slowness, share * left)), _LEAST)


def describe(result: Result) -> str:
    """The figures of an exhibit in a line, which are those of the page."""
    names = {"damaged": result.damaged, **result.comparators}
    if result.restored is not None:
        names["restored"] = result.restored
    figures = [f"{name} {decibels(result.psnr(image))}" for name, image in names.items()]
    return f"{', '.join(figures)}; {result.seconds:.0f} s"


def _exhibit(exhibit: Exhibit, folder: Path, limit: float, steps: int | None) -> Result:
    files = DemoFiles(folder, exhibit.name)
    truth = exhibit.truth()
    problem = exhibit.damage(truth)
    _write(files.truth, truth)
    _write(files.damaged, problem.observation)
    for stale in files.made:  # what an earlier demonstration left must not pass for this one's
        stale.unlink(missing_ok=True)
    hole = hole_of(problem)
    if hole is not None:
        _write(files.hole, hole[None])
    job = Job(
        input=files.damaged,
        output=files.restored,
        task=exhibit.task(files.hole),
        recipe=exhibit.recipe,
        seed=0,
        reference=files.truth,
        report=True,
        overwrite=True,
        time_limit=limit,
        steps=steps,
        checkpoint_every=None,
        tile=None,
        memory_limit=None,
    )
    started = time.perf_counter()
    with pulse(limit) as doing:
        outcome, notes = _outcome(job, files.report, doing.watch)
        seconds = time.perf_counter() - started
        shown = {} if outcome is None else outcome.comparators
        comparators = {c.name: _solve(c, shown, problem) for c in exhibit.comparators}
    if outcome is not None and outcome.leaving:
        raise KeyboardInterrupt
    restored = None if outcome is None else outcome.result
    return Result(exhibit, files, truth, problem.observation, comparators, restored, seconds, notes)


def _outcome(job: Job, report: Path, watch: Callback) -> tuple[Outcome | None, tuple[str, ...]]:
    """What came of a job, with what is to be said of it; None if it failed."""
    try:
        outcome = run(job, watch)
        write_report(report, outcome)
    except PriorfitError as error:
        return None, (f"failed: {error}",)
    return outcome, outcome.sidecar.notes


def _solve(method: Comparator, shown: Mapping[str, Image], problem: Problem) -> Image:
    """What the report shows of a cheap method, so that the two agree; else made here."""
    return shown[method.name] if method.name in shown else method.solve(problem)


def _write(path: Path, image: Image) -> None:
    write_atomically(path, png(levels(image[0])), overwrite=True)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
