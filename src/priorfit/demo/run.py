"""Damage, restore with the command line, show."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from priorfit import images
from priorfit.demo.damage import EXHIBITS, Exhibit, hole_of
from priorfit.demo.show import Files, Result, show
from priorfit.errors import PriorfitError
from priorfit.images import write_atomically
from priorfit.report.embed import levels, png
from priorfit.report.page import require
from priorfit.types import Image

Command = Callable[[Sequence[str]], int]
"""Runs the command line with these arguments, and gives its exit status."""

_LENGTH = ("--time-limit", "45")
_SIGN_OF_LIFE = 15  # seconds


def in_a_process(arguments: Sequence[str]) -> int:
    """Run the command line as somebody would type it: its bar and its lines show as they come.

    Without a terminal there is no bar; a line every 15 seconds stands for it.
    """
    # -P: a folder called priorfit, here where the user is, is not the package.
    command = [sys.executable, "-P", "-m", "priorfit", *arguments]
    started = time.perf_counter()
    pause = None if sys.stderr.isatty() else _SIGN_OF_LIFE
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait(pause)
            except subprocess.TimeoutExpired:
                _say(f"      {time.perf_counter() - started:.0f} s")
            except KeyboardInterrupt:  # which it got too: it writes what it has, and leaves
                process.wait()
                raise


def main(
    folder: Path,
    *,
    length: Sequence[str] = _LENGTH,
    exhibits: Sequence[Exhibit] = EXHIBITS,
    command: Command = in_a_process,
) -> None:
    """Damage photographs, restore them, and leave pictures and a page in a folder.

    Args:
        folder: made if missing; files of an earlier demonstration are replaced.
        length: options of the command line that say how long a restoration may take.
        exhibits: what is damaged, and how.
        command: runs the command line.

    Raises:
        PriorfitError: a restoration failed (the others are shown), or nothing can be written, or
            the extra `report` is not installed.
    """
    require()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PriorfitError(f"{folder} cannot be made: {error.strerror or error}") from error
    results = []
    for number, exhibit in enumerate(exhibits, 1):
        _say(f"[{number}/{len(exhibits)}] {exhibit.title.lower()}: priorfit {exhibit.command[0]}")
        results.append(_exhibited(exhibit, folder, length, command))
    page = show(folder, results)
    failed = [result.exhibit.name for result in results if result.restored is None]
    _say(f"before and after: {page.absolute().as_uri()}")
    if failed:
        raise PriorfitError(
            f"{len(failed)} of {len(results)} restorations failed, see above: {', '.join(failed)}"
        )


def _exhibited(exhibit: Exhibit, folder: Path, length: Sequence[str], command: Command) -> Result:
    files = Files(folder, exhibit.name)
    truth = exhibit.truth()
    problem = exhibit.damage(truth)
    _write(files.truth, truth)
    _write(files.damaged, problem.observation)
    for stale in files.made:  # what an earlier demonstration left must not pass for this one's
        stale.unlink(missing_ok=True)
    task, *options = exhibit.command
    hole = hole_of(problem)
    if hole is not None:
        _write(files.hole, hole[None])
        options += ["--hole-mask", str(files.hole)]
    options += ["--reference", str(files.truth), "--report", "--overwrite", *length]
    started = time.perf_counter()
    status = command([task, str(files.damaged), "-o", str(files.restored), *options])
    seconds = time.perf_counter() - started
    restored = images.read(files.restored).tensor() if status == 0 else None
    comparator = exhibit.comparator.solve(problem)
    return Result(exhibit, files, truth, problem.observation, comparator, restored, seconds)


def _write(path: Path, image: Image) -> None:
    write_atomically(path, png(levels(image[0])), overwrite=True)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()  # before the lines of a process that shares the terminal
