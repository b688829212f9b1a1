"""From one picture file to a restored one with its sidecar."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from priorfit.engine.clock import Clock
from priorfit.engine.course import Progress
from priorfit.engine.large import Tell
from priorfit.engine.run import Callback, Run
from priorfit.errors import PriorfitError
from priorfit.records.state_file import threads
from priorfit.runs import saved as run_folder
from priorfit.runs.binding import bound
from priorfit.runs.checks import check_unbegun
from priorfit.runs.desk import Desk, lay_out
from priorfit.runs.files import Files, Outcome, Report
from priorfit.runs.job import Job
from priorfit.runs.saved import Saved
from priorfit.runs.shelf import Shelf
from priorfit.signals import interruptions
from priorfit.types import Code

_IN_THE_WAY = "(this run has not written it: move it away, and resume again)"
# What a state that is not of this recipe leads to when it is taken up.
_UNFIT = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def start_job(
    job: Job,
    *,
    started: float | None = None,
    before: Code | None = None,
    tell: Tell | None = None,
    report: Report | None = None,
    shelf: Shelf | None = None,
) -> Run[Outcome]:
    """Begin to restore one picture file: read and check all that it needs.

    The run folder is held until the run is closed, or has an outcome.

    Args:
        job: what to do.
        started: when the time limit began to count, in seconds of `time.perf_counter`; now by
            default.
        before: `tuned` of the outcome of the frame that the job follows.
        tell: hears how much memory and time a large picture is going to take.
        report: makes the report, where the job wants one; by default whoever runs the job does.
        shelf: for what is written, where something was written before.

    Raises:
        PriorfitError: anything that is wrong with the job or its files.
    """
    shelf = Shelf(job, job.run_folder) if shelf is None else shelf
    started = time.perf_counter() if started is None else started
    if job.follows is not None and before is None:
        raise PriorfitError(f"begins where the fit of {job.follows} ended: fit that one first")
    desk = lay_out(job, job.device, shelf)
    with ExitStack() as held:
        held.enter_context(run_folder.held(job.run_folder))
        check_unbegun(job)
        run_folder.clear(job.run_folder)
        files = Files(desk, held, shelf, report)
        begun = Run(desk.case, desk.recipe, files, desk.clock(started), tuned=before, tell=tell)
        files.held = held.pop_all()
    return begun


def start_again(folder: Path, *, report: Report | None = None) -> Run[Outcome]:
    """Take up an unfinished run, to the bytes that it would have come to without the break.

    The time limit counts no longer: it has become the number of steps that it left time for. torch
    has the threads of the run until it is closed, or has an outcome. A run folder is not trusted:
    what it makes goes beside it, and replaces only what the job may, or has written itself.

    Args:
        folder: of the run.
        report: see `start_job`.

    Raises:
        PriorfitError: this is no run folder, another process is at work on it, or the files of the
            job or the numbers of its recipe have changed.
    """
    started = time.perf_counter()
    run_folder.load(folder)  # before anything is made in it
    with ExitStack() as held:
        held.enter_context(run_folder.held(folder))
        saved, state = run_folder.load_all(folder)
        job = bound(saved.job, folder)
        held.enter_context(_alone(job, folder))
        held.enter_context(threads(saved.threads))
        shelf = Shelf(job, folder, advice=_IN_THE_WAY, follow=False)
        desk = lay_out(job, saved.device, shelf)
        if desk.inputs != saved.inputs:
            raise PriorfitError(f"{folder}: the files that it began with have changed, start anew")
        _check_weights(folder, saved, desk)
        files, clock = Files(desk, held, shelf, report), Clock(started - saved.seconds, None)
        again = Run(desk.case, desk.recipe, files, clock, before=saved.before(state))
        try:
            if saved.numbers != run_folder.numbers_of(saved.job.recipe):
                raise ValueError("another recipe")
            again.prepare()
        except _UNFIT as error:
            raise PriorfitError(
                f"{folder}: does not fit its recipe any more, start anew"
            ) from error
        files.held = held.pop_all()
    return again


@contextmanager
def _alone(job: Job, folder: Path) -> Iterator[None]:
    """Hold the folder that a run of this job would have, where the one at hand has another name.

    Raises:
        PriorfitError: there is an unfinished run in it, or another process is at work on it.
    """
    usual = job.run_folder
    if usual.absolute() == folder.absolute():
        yield
        return
    if run_folder.is_unfinished(usual):
        raise PriorfitError(f"{folder}: writes {job.output}, of which {usual} is an unfinished run")
    with run_folder.held(usual):
        yield


def _check_weights(folder: Path, saved: Saved, desk: Desk) -> None:
    """Go on with no other weights than those that the run began with.

    Raises:
        PriorfitError: a checkpoint has changed.
    """
    for part, before in saved.checkpoints.items():
        now = desk.case.checkpoints.get(part)
        if now is None or now.sha256 != before.sha256:
            raise PriorfitError(
                f"{folder}: began with a {part}, {before.name}, whose weights have changed since: "
                "put them back, or start anew"
            )


def run(
    job: Job,
    watch: Callback | None = None,
    *,
    started: float | None = None,
    before: Code | None = None,
    tell: Tell | None = None,
    report: Report | None = None,
) -> Outcome:
    """Restore one picture file, and write the result with its sidecar.

    A Ctrl-C or SIGTERM during the fit ends it after the step under way; the picture so far is
    written, and a run folder that `resume` goes on from. A long fit keeps a checkpoint there while
    it runs, which outlives a kill.

    Args:
        job: what to do.
        watch: hears of every step.
        started: see `start_job`.
        before: see `start_job`.
        tell: see `start_job`.
        report: see `start_job`.

    Raises:
        PriorfitError: anything that is wrong with the job or its files.
        KeyboardInterrupt: interrupted before there was a picture; nothing was written.
    """
    begun = start_job(job, started=started, before=before, tell=tell, report=report)
    return drive(begun, watch)


def resume(folder: Path, watch: Callback | None = None, *, report: Report | None = None) -> Outcome:
    """Go on with an unfinished run, to the bytes that it would have come to without the break.

    Args:
        folder: of the run.
        watch: hears of every step.
        report: see `start_job`.

    Raises:
        PriorfitError: see `start_again`.
        KeyboardInterrupt: interrupted before a step; nothing has changed.
    """
    return drive(start_again(folder, report=report), watch)


def drive(under_way: Run[Outcome], watch: Callback | None = None) -> Outcome:
    """Take a run to its outcome; Ctrl-C and SIGTERM end it after the step under way.

    Args:
        under_way: the run.
        watch: hears of every step.
    """
    with under_way:
        under_way.prepare()
        with interruptions() as pressed:

            def see(progress: Progress) -> None:
                if watch is not None:
                    watch(progress)
                if pressed():
                    under_way.cancel()

            try:
                outcome = under_way.finish(see)
            except KeyboardInterrupt:
                under_way.cancel()
                outcome = under_way.outcome()
            return replace(outcome, leaving=outcome.leaving or pressed())
    raise AssertionError("a run suppresses nothing")
