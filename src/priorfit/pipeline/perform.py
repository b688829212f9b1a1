"""From one picture file to a restored one with its sidecar: read, pose, fit, finish, write."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from priorfit import images
from priorfit.comparators import BY_TASK, Alternative, alternatives, finished
from priorfit.degradations import Blur
from priorfit.errors import DivergenceError, ImageFileError, PriorfitError
from priorfit.images import Picture, write_atomically
from priorfit.pipeline import saved as run_folder
from priorfit.pipeline.beside import Beside, judged
from priorfit.pipeline.checks import check_outputs, check_unbegun
from priorfit.pipeline.follow import End, Follower, Watch, picture_of, troubles
from priorfit.pipeline.in_time import check_in_time
from priorfit.pipeline.job import Job
from priorfit.pipeline.keeping import Keeper, kept
from priorfit.pipeline.kinds import Laid, Upscale
from priorfit.pipeline.large import Extent, Tell, begun, each_of, extent, read_within, tiled
from priorfit.pipeline.measure import read_reference
from priorfit.pipeline.plan import Clock, closing_seconds, longest, settled
from priorfit.pipeline.prepare import guide, prepared, rule_of, snapshots
from priorfit.pipeline.saved import Saved
from priorfit.pipeline.uncertainty import check_uncertainty, deviation, write_deviation
from priorfit.restore import Fit
from priorfit.runs import threads
from priorfit.sidecar import (
    Rule,
    Sidecar,
    Source,
    sidecar_path,
    source,
    thinned,
    to_json,
    versions,
)
from priorfit.signals import interruptions
from priorfit.tasks import Posed, device_named, for_recipe
from priorfit.tiled import TiledFit
from priorfit.types import Code, Image, Shape


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a job.

    Args:
        job: it.
        picture: as it was read.
        observed: (1, c, h, w), what was restored; the hole of a mask is filled with zeros.
        result: (1, C, H, W) in [0, 1], as written.
        reference: (1, C, H, W), if there was one.
        comparators: other pictures of the scene by name: the guide, and in a report what is cheap.
        sidecar: how it came about.
        interrupted: whether the fit was cut short.
        leaving: whether somebody asked the process to end, if only after the last step.
        run_folder: where an interrupted run goes on, None if it is finished or could not be kept.
        snapshots: pictures of steps that were kept; the first is what the fit began with.
        tuned: what the fit has come to, for the frame after.
        deviation: (1, C, H, W), standard deviation of every pixel, if the recipe gives any.
    """

    job: Job
    picture: Picture
    observed: Image
    result: Image
    reference: Image | None
    comparators: Mapping[str, Image]
    sidecar: Sidecar
    interrupted: bool = False
    leaving: bool = False
    run_folder: Path | None = None
    snapshots: Mapping[int, Image] = field(default_factory=dict)
    tuned: Code = field(default_factory=dict)
    deviation: Image | None = None


@dataclass(frozen=True)
class _Desk:
    """Everything a job needs, read and checked."""

    job: Job
    inputs: tuple[Source, ...]
    picture: Picture
    laid: Laid  # on the scale of the picture
    posed: Posed  # as the recipe sees it
    reference: Image | None
    notes: tuple[str, ...]
    device: torch.device
    extent: Extent = field(default_factory=Extent)


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
    desk = _laid_out(job, job.device)
    job = desk.job
    if desk.laid.needless is not None and not job.force and before is None:
        return _left_alone(desk, started)
    most, posed = longest(job), desk.posed
    recipe = prepared(posed, job.recipe, most, job.kept, job.stop)
    with run_folder.held(job.run_folder):
        check_unbegun(job)
        run_folder.clear(job.run_folder)
        clock = Clock(started, job.time_limit, _closing(desk))
        check_in_time(job, posed.problem, recipe, clock.left)
        size = extent(job, posed.problem, recipe, most)
        if tell is not None and size.told is not None:
            tell(size.told)
        fit = begun(job, posed.problem, recipe, size, clock=clock, before=before)
        desk = replace(desk, extent=size)
        return _fitted(desk, fit, Follower(most * size.tiles, clock), watch)


def _left_alone(desk: _Desk, started: float) -> Outcome:
    """Write a picture that needs no restoring as it was, with a sidecar that says why."""
    job, image = desk.job, desk.picture.tensor()
    why = f"{desk.laid.needless}: the picture is left as it was (--force restores it)"
    sidecar = _begun_sidecar(desk).model_copy(
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
    desk = _laid_out(saved.job.model_copy(update={"overwrite": True}), saved.device)
    if desk.inputs != saved.inputs:
        raise PriorfitError(f"{folder}: the files that it began with have changed, start anew")
    posed = desk.posed
    clock = Clock(started - saved.seconds, None)
    taken = saved.losses[-1][0] if saved.losses else 0
    follower = Follower(saved.planned, clock, list(saved.losses), taken, saved.resumed + 1)
    try:
        if saved.numbers != run_folder.numbers_of(saved.job.recipe):
            raise ValueError("another recipe")
        job = saved.job
        size = tiled(saved.tile, posed.problem)
        each = saved.each or max(1, saved.planned // size.tiles)
        recipe = prepared(posed, job.recipe, each, job.kept, job.stop)
        fit = begun(job, posed.problem, recipe, size, resume=state)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise PriorfitError(f"{folder}: does not fit its recipe any more, start anew") from error
    return _fitted(replace(desk, extent=size), fit, follower, watch)


def _laid_out(job: Job, device: str) -> _Desk:
    check_outputs(job)
    chosen = device_named(device)
    picture = read_within(job)
    job, laid = settled(job, job.task.lay(images.visible(picture), job.input))
    check_uncertainty(job)
    losses = images.ensure_writable(job.output, laid.picture, overwrite=job.overwrite)
    reference = None
    if job.reference is not None:
        reference = read_reference(job.reference, picture, _shape(laid))
    inputs = tuple(source(role, path) for role, path in job.files.items())
    laid = replace(laid, posed=laid.posed.to(chosen))
    posed = for_recipe(laid.posed, picture, job.recipe)
    notes = (*picture.notes, *laid.notes, *losses)
    return _Desk(job, inputs, picture, laid, posed, reference, notes, chosen)


def _shape(laid: Laid) -> Shape:
    """Shape of the result: that of the image sought, less the margins of a blur's canvas."""
    problem = laid.posed.problem
    if isinstance(problem.degradation, Blur):
        channels, height, width = problem.observation.shape[1:]
        return channels, height, width
    return problem.shape


def _closing(desk: _Desk) -> float:
    samples = math.prod(_shape(desk.laid))
    compared = len(BY_TASK.get(desk.job.task.kind, ())) if desk.job.report else 0
    measured = 0 if desk.reference is None else 1 + compared
    limit = desk.job.time_limit or 0.0
    return closing_seconds(limit, samples, measured=measured, reported=desk.job.report)


def _fitted(desk: _Desk, fit: Fit | TiledFit, follower: Follower, watch: Watch | None) -> Outcome:
    folder, job = desk.job.run_folder, desk.job
    finish = desk.posed.finish
    cheap = alternatives(job.task.kind, fit.problem, finish=finish) if job.report else []

    def save() -> None:
        run_folder.save(folder, _saved(desk, fit, follower), fit.state_dict())

    keeper = Keeper(save, job.checkpoint_every)
    with interruptions() as pressed:
        follower.follow(fit, watch, pressed, keeper.look)
        cut = follower.end is End.INTERRUPTED
        if cut:
            keeper.keep()  # before the picture is drawn, which moves running statistics
        try:
            outcome = _written(_outcome(desk, fit, follower, cheap, keeper.trouble), desk)
        except DivergenceError:
            run_folder.clear(folder)  # it would come to this again
            raise
        except ImageFileError as error:
            raise kept(error, job, keeper) from error
        if not cut:
            run_folder.clear(folder)
    place = folder if cut and run_folder.is_unfinished(folder) else None
    return replace(outcome, interrupted=cut, leaving=cut or pressed(), run_folder=place)


def _outcome(
    desk: _Desk,
    fit: Fit | TiledFit,
    follower: Follower,
    cheap: Sequence[Alternative],
    trouble: str | None,
) -> Outcome:
    result, why = picture_of(fit)
    hint = guide(fit)
    shown = None
    if hint is not None:
        shown = (hint[0], finished(hint[1], fit.problem, desk.posed.finish).cpu())
    beside = Beside(shown, cheap)
    notes = troubles(fit) if trouble is None else (*troubles(fit), trouble)
    sidecar = _sidecar(desk, fit, follower, why, notes)
    on_luma = isinstance(desk.job.task, Upscale)
    return Outcome(
        desk.job,
        desk.picture,
        desk.laid.posed.problem.observation.cpu(),
        result.cpu(),
        desk.reference,
        {**desk.laid.comparators, **beside.images},
        judged(sidecar, result.cpu(), desk.reference, beside, on_luma=on_luma, like=desk.picture),
        snapshots={step: image.cpu() for step, image in snapshots(fit).items()},
        tuned=fit.tuned(),
        deviation=deviation(fit) if isinstance(fit, Fit) else None,
    )


def _saved(desk: _Desk, fit: Fit | TiledFit, follower: Follower) -> Saved:
    return Saved(
        job=desk.job.absolute(),
        numbers=run_folder.numbers_of(desk.job.recipe),
        planned=max(follower.planned, follower.taken),
        seconds=follower.clock.seconds,
        threads=torch.get_num_threads(),
        device=str(desk.device),
        losses=tuple(follower.losses),
        inputs=desk.inputs,
        resumed=follower.resumed,
        tile=None if desk.extent.grid is None else desk.extent.grid.tile,
        each=each_of(fit),
    )


def _begun_sidecar(desk: _Desk) -> Sidecar:
    """What is known before the first step."""
    job = desk.job
    return Sidecar(
        task=job.task.kind,
        options=job.task.options,
        recipe=job.recipe,
        seed=job.seed,
        device=str(desk.device),
        threads=torch.get_num_threads(),
        versions=versions(),
        inputs=desk.inputs,
        steps=0,
        planned=0,
        seconds=0.0,
        stop_reason="not begun",
        loss_curve=(),
        repeat=tuple(job.task.arguments),
        noise_std=desk.laid.posed.problem.noise_std,
        noise_std_estimated=desk.laid.estimated,
        notes=desk.notes,
    )


def _sidecar(
    desk: _Desk, fit: Fit | TiledFit, follower: Follower, why: str, troubles: tuple[str, ...]
) -> Sidecar:
    follows = desk.job.follows
    update: dict[str, object] = {
        "steps": follower.taken,
        "planned": follower.planned,
        "seconds": round(follower.clock.seconds, 3),
        "stop_reason": why,
        "loss_curve": thinned(follower.losses),
        "repeat": _repeat(desk, fit, follower),
        "tiles": desk.extent.tiles,
        "memory_foretold": desk.extent.memory,
        "seconds_foretold": desk.extent.seconds,
        "rule": _rule(fit),
        "follows": None if follows is None else follows.name,
        "resumed": follower.resumed,
        "notes": (*desk.notes, *troubles),
    }
    return _begun_sidecar(desk).model_copy(update=update)


def _rule(fit: Fit | TiledFit) -> Rule | None:
    rule = rule_of(fit)
    if rule is None or not rule.curve:
        return None
    return Rule(about=rule.title, step=max(rule.at) or rule.curve[-1][0], curve=thinned(rule.curve))


def _repeat(desk: _Desk, fit: Fit | TiledFit, follower: Follower) -> tuple[str, ...]:
    """Options that make the same bytes again, whatever the clock says then."""
    job = desk.job
    given = [*job.task.arguments, "--recipe", job.recipe, "--seed", str(job.seed)]
    given += ["--device", str(desk.device), "--threads", str(torch.get_num_threads())]
    given += [] if job.stop is None else ["--stop", job.stop]
    grid = desk.extent.grid
    given += [] if grid is None else ["--tile", str(grid.tile)]
    return (*given, "--steps", str(each_of(fit) or follower.taken))


def _written(outcome: Outcome, desk: _Desk) -> Outcome:
    """Write picture and sidecar, which tells what could not be kept."""
    job, notes = outcome.job, outcome.sidecar.notes
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
