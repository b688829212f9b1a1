"""Work through the jobs of a command: progress, one line a picture, errors, Ctrl-C."""

import atexit
import ctypes
import gc
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from priorfit.wording import counted

if TYPE_CHECKING:
    from priorfit.cli.common import Common
    from priorfit.engine.course import Progress
    from priorfit.engine.run import Callback
    from priorfit.runs import Job, Outcome
    from priorfit.tasks import Task
    from priorfit.types import Code


def _age() -> float:
    """Seconds since this process began, 0 where the system does not tell in Linux's way."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0


STARTED = time.perf_counter() - _age()
"""When the command began: a time limit counts what Python takes to start."""

INTERRUPTED = 130

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # as malloc.h numbers them


def complain(message: str, about: Path | None = None) -> None:
    """Write one plain line to stderr, beginning with the program and the file it is about."""
    if about is not None and not message.startswith(str(about)):
        message = f"{about}: {message}"
    say(f"priorfit: {message}", error=True)


def say(line: str, *, error: bool = False) -> None:
    """Write one plain line: control characters, which a file name may have, are spelled out."""
    if not error:
        print(printable(line), flush=True)
        return
    with suppress(OSError):  # a terminal that is gone, or the like, is no reason to do no work
        print(printable(line), file=sys.stderr, flush=True)


def printable(line: str) -> str:
    """A line with its control characters spelled out: nothing in it can move a cursor."""
    return "".join(
        character
        if character.isprintable() or character == "\t"
        else character.encode("unicode_escape").decode()
        for character in line.replace("\n", " ")
    )


def set_up(threads: int | None) -> None:
    """Settle what holds for the whole process: memory, threads, numbers too small to matter."""
    keep_freed_memory()
    # At its end Python would search all that torch has imported for cycles, for up to a second.
    atexit.register(gc.freeze)
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    # Denormal numbers, which vanishing gradients are full of, slow a processor down tenfold.
    torch.set_flush_denormal(True)


def keep_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one, where it is glibc.

    It gives every block above 32 MB back to the system at once and asks for it again, page by
    page: a tenth to a quarter of a step.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def restore(
    inputs: Sequence[Path], output: str, common: "Common", task_of: "Callable[[Path], Task]"
) -> None:
    """Do a task on every picture, and end the command with its exit status.

    Raises:
        BadParameter: options that do not go together.
        PriorfitError: the folder of the results cannot be written.
        Exit: 0 all done, 1 at least one failed, 130 interrupted.
    """
    from priorfit.cli.common import jobs_of, places_of
    from priorfit.runs.plan import make_folders
    from priorfit.tasks.device import device_named

    jobs = jobs_of(inputs, output, common, task_of)
    if common.report:
        from priorfit.report.page import require

        require()
    device_named(common.device)  # once, and not for each picture
    made = make_folders(places_of(output, common), several=len(inputs) > 1)
    set_up(common.threads)
    loud = not (common.quiet or common.json)
    if common.steps is None and common.time_limit is None and loud:
        _announce(common.recipe)
    try:
        failed = _each(jobs, common)
    except KeyboardInterrupt:  # which is said
        raise typer.Exit(INTERRUPTED) from None
    finally:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()  # if nothing has come into it
    raise typer.Exit(int(failed > 0))


def _each(jobs: "Sequence[Job]", common: "Common") -> int:
    """Do one job after the other, and say how many failed."""
    from priorfit.runs.turns import in_turn

    perform = partial(_perform, common=common)
    failed = 0
    for turn in in_turn(
        jobs, perform, skip_existing=common.skip_existing, sequence=common.sequence
    ):
        if turn.outcome is not None:
            leave_if_interrupted(turn.outcome, turn.left)
        elif turn.error is None:
            _say_skipped(turn.job, common)
        else:
            failed += 1
            _say_failed(turn.job, reason(turn.error), common)
    return failed


def _perform(job: "Job", common: "Common", *, first: bool, before: "Code | None") -> "Outcome":
    """Do one job with a bar, and say what came of it."""
    from priorfit.runs import go_on, run

    started = STARTED if first else None
    quiet = common.quiet or common.json
    try:
        with progress(job.input, shown=not quiet) as watch:
            if common.skip_existing:
                outcome = go_on(job, watch, started=started, report=report_of)
            else:
                tell = None if quiet else partial(complain, about=job.input)
                outcome = run(
                    job, watch, started=started, before=before, tell=tell, report=report_of
                )
        conclude(outcome, as_json=common.json, quiet=common.quiet)
        return outcome
    except KeyboardInterrupt:
        complain(_broken_off(job), job.input)
        raise


def _say_skipped(job: "Job", common: "Common") -> None:
    if common.json:
        say(json.dumps({"input": str(job.input), "output": str(job.output), "skipped": True}))
    elif not common.quiet:
        say(f"{job.output}: exists already, skipped")


def _say_failed(job: "Job", message: str, common: "Common") -> None:
    complain(message, job.input)
    if common.json:
        say(json.dumps({"input": str(job.input), "error": message}))


def _broken_off(job: "Job") -> str:
    """What to say of a job that was interrupted before it wrote a picture."""
    from priorfit.runs import is_unfinished

    if is_unfinished(job.run_folder):
        return f"interrupted; to go on: {_resuming(job.run_folder)}"
    return "interrupted before the first step, nothing was written"


def _resuming(folder: Path) -> str:
    return shlex.join(["priorfit", "resume", str(folder)])


def reason(error: Exception) -> str:
    """One line for any error; what nobody expected is raised again if PRIORFIT_DEBUG is set."""
    from priorfit.errors import PriorfitError

    if isinstance(error, PriorfitError):
        return str(error)
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return "needs more memory than there is: use a smaller picture"
    if type(error).__name__ == "OutOfMemoryError":
        return "needs more memory than the device has: use a smaller picture, or --device cpu"
    if isinstance(error, OSError):
        return f"{error.filename or ''} {error.strerror or error}".strip()
    if os.environ.get("PRIORFIT_DEBUG"):
        raise error
    return (
        f"internal error, please report it: {type(error).__name__}: {error} "
        "(PRIORFIT_DEBUG=1 shows where)"
    )


def report_of(outcome: "Outcome") -> bytes:
    """The report of a picture that is done."""
    from priorfit.report import render

    return render(outcome)


def conclude(outcome: "Outcome", *, as_json: bool, quiet: bool) -> None:
    """Write the line of a picture that is done."""
    job, sidecar = outcome.job, outcome.sidecar
    if not quiet:
        for note in sidecar.notes:
            complain(note, job.input)
    if as_json:
        from priorfit.records.sidecar import to_json

        where = {"input": str(job.input), "output": str(job.output)}
        say(json.dumps(where | json.loads(to_json(sidecar))))
    elif not quiet:
        metrics = [f"{name} {value:.4g}" for name, value in sidecar.metrics.items()]
        parts = [counted(sidecar.steps, "step"), f"{sidecar.seconds:.1f} s", *metrics]
        say(f"{job.output}: {', '.join(parts)}")


def leave_if_interrupted(outcome: "Outcome", left: int = 0) -> None:
    """End the command if its run was interrupted, and say how to go on.

    Raises:
        Exit: 130.
    """
    if not (outcome.interrupted or (outcome.leaving and left)):
        return
    parts = ["interrupted"]
    if outcome.interrupted:
        taken, planned = outcome.sidecar.steps, outcome.sidecar.planned
        where = f"after {taken} of {counted(planned, 'step')}"
        if outcome.sidecar.share_of_fit:
            parts[0] += f", the picture {where} is written"
        else:
            parts[0] += f" {where}: {outcome.sidecar.handed_out} is written"
    if outcome.run_folder is not None:
        parts.append(f"to go on: {_resuming(outcome.run_folder)}")
    if left:
        parts.append(f"{left} more {'picture was' if left == 1 else 'pictures were'} not begun")
    complain("; ".join(parts), outcome.job.output)
    raise typer.Exit(INTERRUPTED)


@contextmanager
def progress(picture: Path, *, shown: bool = True) -> "Iterator[Callback | None]":
    """Show a bar on stderr while the block runs, if that is a terminal.

    Yields:
        What `runs.run` is to call after every step; None where there is nothing to show.
    """
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(printable(picture.name), total=None, loss="")

        def see(progress: "Progress") -> None:
            loss = f"{progress.loss:.2e}"
            bars.update(bar, completed=progress.step, total=progress.planned, loss=loss)

        yield see


def _announce(recipe: str) -> None:
    """Say how long a recipe goes on if nobody limits it."""
    from priorfit import recipes
    from priorfit.tasks.base import AUTO

    if recipe == AUTO:
        length = "--recipe auto: one that suits the picture, with steps of its own"
    else:
        length = f"{recipe}: {counted(recipes.find(recipe).length, 'step')} a picture"
    say(f"{length}; --time-limit or --steps sets another length", error=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, one whole row a line between tabs when piped."""
    if not sys.stdout.isatty():
        for row in (head, *rows):
            say("\t".join(cell.replace("\t", r"\t") for cell in row))
        return
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    # An address is of use only whole, and brackets in a cell are no markup.
    drawn = Table(*(Column(name, overflow="fold") for name in head))
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(drawn)
