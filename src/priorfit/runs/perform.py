"""From one picture file to a restored one with its sidecar: read, pose, fit, finish, write."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from priorfit import images
from priorfit.errors import DivergenceError, ImageFileError, PriorfitError
from priorfit.guarantee.comparators import AS_IT_WAS, Alternative, alternatives, finished
from priorfit.guarantee.guard import Guard, make_guard, patience_within, slug
from priorfit.images import write_atomically
from priorfit.loop.fit import Fit
from priorfit.loop.tiled import TiledFit
from priorfit.records.sidecar import sidecar_path, to_json
from priorfit.records.state_file import threads
from priorfit.runs import saved as run_folder
from priorfit.runs.beside import Beside, judged
from priorfit.runs.checks import check_unbegun
from priorfit.runs.clock import Clock
from priorfit.runs.desk import Desk, Outcome, closing_of, lay_out
from priorfit.runs.follow import End, Follower, Watch, troubles
from priorfit.runs.handing import Handed, guard_for, hand_out
from priorfit.runs.in_time import is_in_time, too_little
from priorfit.runs.job import FIT, Job
from priorfit.runs.keeping import Keeper, kept
from priorfit.runs.large import Tell, begun, extent, tiled
from priorfit.runs.prepare import guide, prepared, snapshots
from priorfit.runs.record import begin_sidecar, saved_of, sidecar_of
from priorfit.runs.saved import Saved
from priorfit.runs.uncertainty import deviation, write_deviation
from priorfit.signals import interruptions
from priorfit.types import Code


def run(
    job: Job,
    watch: Watch | None = None,
    *,
    started: float | None = None,
    before: Code | None = None,
    tell: Tell | None = None,
) -> Outcome:
    """Restore one picture, and write it with its sidecar.

    A Ctrl-C or SIGTERM during the fit ends it after the step under way; the picture so far is
    written, and a run folder that `resume` goes on from. A long fit keeps a checkpoint there while
    it runs, which outlives a kill.

    Args:
        job: what to do.
        watch: sees every step.
        started: when the time limit began to count, in seconds of `time.perf_counter`; now by
            default.
        before: `tuned` of the outcome of the frame that the job follows.
        tell: hears how much memory and time a large picture is going to take.

    Raises:
        PriorfitError: anything that is wrong with the job or its files.
        KeyboardInterrupt: interrupted before there was a picture; nothing was written.
    """
    started = time.perf_counter() if started is None else started
    if job.follows is not None and before is None:
        raise PriorfitError(f"begins where the fit of {job.follows} ended: fit that one first")
    desk = lay_out(job, job.device)
    job = desk.job
    needless = desk.laid.needless is not None and not job.force and before is None
    if needless and not desk.laid.filled:
        return _left_alone(desk, started)
    most, problem = job.most_steps, desk.problem
    recipe = prepared(job.recipe, most, job.kept, job.stop)
    with run_folder.held(job.run_folder):
        check_unbegun(job)
        run_folder.clear(job.run_folder)
        clock = Clock(started, job.time_limit, closing_of(desk))
        patience = patience_within(None if job.time_limit is None else clock.left)
        if needless and job.hands_out_best:
            guard = make_guard(problem, [AS_IT_WAS])
        else:
            white = desk.laid.white
            guard = guard_for(job, problem, most, patience, white=white)
        reason = _no_fit(desk, needless=needless)
        if guard is not None and reason is not None:
            return _without_fit(desk, guard, clock, reason)
        if not is_in_time(job, problem, recipe, clock.left):
            if guard is None or job.hand_out == FIT:
                raise too_little(job)
            return _without_fit(desk, guard, clock, "there was no time for one")
        size = extent(job, problem, recipe, most)
        if tell is not None and size.told is not None:
            tell(size.told)
        try:
            fit = begun(job, problem, recipe, size, guard=guard, clock=clock, before=before)
        except KeyboardInterrupt:
            if guard is None or not job.hands_out_best:
                raise
            outcome = _without_fit(desk, guard, clock, "it was interrupted before its first step")
            return replace(outcome, interrupted=True, leaving=True)
        desk = replace(desk, extent=size, patience=patience)
        return _fitted(desk, fit, guard, Follower(most * size.tiles, clock), watch)


def _no_fit(desk: Desk, *, needless: bool) -> str | None:
    """Why no fit is to be made; None where one is."""
    if desk.job.without_fit:
        return "none was asked for (--hand-out)"
    if needless and desk.job.hands_out_best:
        return f"{desk.laid.needless} beside the specks"
    if not desk.laid.white and desk.job.hands_out_best:
        return "since it needs white noise (--hand-out fit makes it)"
    return None


def _without_fit(desk: Desk, guard: Guard, clock: Clock, why: str) -> Outcome:
    """Write the best cheap estimate, with a sidecar that says why there was no fit."""
    problem, name = desk.problem, guard.best.method.name
    image = finished(guard.instead, problem).cpu()
    update = {
        "seconds": round(clock.seconds, 3),
        "stop_reason": f"there was no fit: {why}",
        "handed_out": name,
        "share_of_fit": 0.0,
        "repeat": (*desk.job.task.arguments, "--hand-out", slug(name)),
        "notes": (*desk.notes, f"no fit was made, {why}: this is {name}"),
    }
    sidecar = begin_sidecar(desk).model_copy(update=update)
    on_luma = desk.job.task.on_luma
    made = alternatives(desk.job.task.comparators, problem) if desk.job.report else ()
    beside = Beside(None, made)
    sidecar = judged(sidecar, image, desk.reference, beside, on_luma=on_luma, like=desk.picture)
    observed = desk.laid.problem.observation.cpu()
    comparators = {**desk.laid.comparators, **beside.images}
    outcome = Outcome(desk.job, desk.picture, observed, image, desk.reference, comparators, sidecar)
    return _written(outcome, desk)


def _left_alone(desk: Desk, started: float) -> Outcome:
    """Write a picture that needs no restoring as it was, with a sidecar that says why."""
    job, image = desk.job, desk.picture.tensor()
    why = f"{desk.laid.needless}: the picture is left as it was (--force restores it)"
    sidecar = begin_sidecar(desk).model_copy(
        update={
            "seconds": round(time.perf_counter() - started, 3),
            "stop_reason": "there was nothing to restore",
            "notes": (*desk.notes, why),
        }
    )
    sidecar = judged(sidecar, image, desk.reference, Beside(), on_luma=False, like=desk.picture)
    if images.format_of(job.output) == desk.picture.format:  # its very bytes, profile and all
        write_atomically(job.output, job.input.read_bytes(), overwrite=job.overwrite)
    else:
        images.write(job.output, image, desk.laid.picture, overwrite=job.overwrite)
    text = to_json(sidecar) + "\n"
    write_atomically(sidecar_path(job.output), text.encode(), overwrite=job.overwrite)
    return Outcome(job, desk.picture, image, image, desk.reference, {}, sidecar)


def resume(folder: Path, watch: Watch | None = None) -> Outcome:
    """Go on with an unfinished run, to the bytes that it would have come to without the break.

    The time limit counts no longer: it has become the number of steps that it left time for. The
    threads of torch are those of the run meanwhile.

    Raises:
        PriorfitError: this is no run folder, another process is at work on it, or the files of the
            job or the numbers of its recipe have changed.
        KeyboardInterrupt: interrupted before a step; nothing has changed.
    """
    started = time.perf_counter()
    run_folder.load(folder)  # before anything is made in it
    with run_folder.held(folder):
        saved = run_folder.load(folder)
        with threads(saved.threads):
            return _resumed(folder, saved, watch, started)


def _resumed(folder: Path, saved: Saved, watch: Watch | None, started: float) -> Outcome:
    state = run_folder.load_fit(folder)
    desk = lay_out(saved.job.model_copy(update={"overwrite": True}), saved.device)
    if desk.inputs != saved.inputs:
        raise PriorfitError(f"{folder}: the files that it began with have changed, start anew")
    problem = desk.problem
    clock = Clock(started - saved.seconds, None)
    taken = saved.losses[-1][0] if saved.losses else 0
    follower = Follower(saved.planned, clock, list(saved.losses), taken, saved.resumed + 1)
    try:
        if saved.numbers != run_folder.numbers_of(saved.job.recipe):
            raise ValueError("another recipe")
        job = saved.job
        size = tiled(saved.tile, problem)
        each = saved.each or max(1, saved.planned // size.tiles)
        recipe = prepared(job.recipe, each, job.kept, job.stop)
        white = desk.laid.white
        guard = guard_for(job, problem, each, saved.patience, white=white)
        fit = begun(job, problem, recipe, size, guard=guard, resume=state)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise PriorfitError(f"{folder}: does not fit its recipe any more, start anew") from error
    desk = replace(desk, extent=size, patience=saved.patience)
    return _fitted(desk, fit, guard, follower, watch)


def _fitted(
    desk: Desk,
    fit: Fit | TiledFit,
    guard: Guard | None,
    follower: Follower,
    watch: Watch | None,
) -> Outcome:
    folder, job = desk.job.run_folder, desk.job
    cheap = alternatives(job.task.comparators, fit.problem) if job.report else []

    def save() -> None:
        run_folder.save(folder, saved_of(desk, fit, follower), fit.state_dict())

    keeper = Keeper(save, job.checkpoint_every)
    with interruptions() as pressed:
        follower.follow(fit, watch, pressed, keeper.look)
        cut = follower.end is End.INTERRUPTED
        if cut:
            keeper.keep()  # before the picture is drawn, which moves running statistics
        try:
            handed = hand_out(job, fit, guard, cut=follower.end is not None)
            outcome = _outcome(desk, fit, follower, handed, _beside(desk, fit, cheap))
            outcome = _written(outcome, desk, keeper.trouble)
        except DivergenceError:
            run_folder.clear(folder)  # it would come to this again
            raise
        except ImageFileError as error:
            raise kept(error, job, keeper) from error
        if not cut:
            run_folder.clear(folder)
    place = folder if cut and run_folder.is_unfinished(folder) else None
    return replace(outcome, interrupted=cut, leaving=cut or pressed(), run_folder=place)


def _beside(desk: Desk, fit: Fit | TiledFit, cheap: Sequence[Alternative]) -> Beside:
    hint = guide(fit)
    if hint is None:
        return Beside(None, cheap)
    return Beside((hint[0], finished(hint[1], fit.problem).cpu()), cheap)


def _outcome(
    desk: Desk, fit: Fit | TiledFit, follower: Follower, handed: Handed, beside: Beside
) -> Outcome:
    result = handed.image.cpu()
    replaced = handed.method is not None and handed.note is not None
    said = () if handed.note is None else (handed.note,)
    notes = (*troubles(fit, replaced=replaced), *said)
    sidecar = sidecar_of(desk, fit, follower, handed, notes)
    on_luma = desk.job.task.on_luma
    return Outcome(
        desk.job,
        desk.picture,
        desk.laid.problem.observation.cpu(),
        result,
        desk.reference,
        {**desk.laid.comparators, **beside.images},
        judged(sidecar, result, desk.reference, beside, on_luma=on_luma, like=desk.picture),
        snapshots={step: image.cpu() for step, image in snapshots(fit).items()},
        tuned=fit.tuned(),
        deviation=deviation(fit) if isinstance(fit, Fit) else None,
    )


def _written(outcome: Outcome, desk: Desk, trouble: str | None = None) -> Outcome:
    """Write picture and sidecar, which tells what could not be kept."""
    job, notes = outcome.job, outcome.sidecar.notes
    notes += () if trouble is None else (trouble,)
    lost = images.write(job.output, outcome.result, desk.laid.picture, overwrite=job.overwrite)
    notes += tuple(note for note in lost if note not in notes)
    for step, image in outcome.snapshots.items():
        if step in job.snapshots:
            images.write(job.snapshot(step), image, desk.laid.picture, overwrite=job.overwrite)
    update: dict[str, object] = {"notes": notes}
    if job.uncertainty is not None and outcome.deviation is not None:
        spread = write_deviation(job.uncertainty, outcome.deviation, overwrite=job.overwrite)
        update["uncertainty"] = spread
    outcome = replace(outcome, sidecar=outcome.sidecar.model_copy(update=update))
    text = to_json(outcome.sidecar) + "\n"
    write_atomically(sidecar_path(job.output), text.encode(), overwrite=job.overwrite)
    return outcome
