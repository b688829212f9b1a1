"""What is recorded of a job: its sidecar, and how far it came if it is unfinished."""

import torch

from priorfit.guarantee.guard import slug
from priorfit.loop.fit import Fit
from priorfit.loop.tiled import TiledFit
from priorfit.records.sidecar import Rule, Sidecar, thinned, versions
from priorfit.runs import saved as run_folder
from priorfit.runs.desk import Desk
from priorfit.runs.follow import Follower
from priorfit.runs.handing import Handed
from priorfit.runs.job import FIT
from priorfit.runs.large import each_of
from priorfit.runs.prepare import rule_of
from priorfit.runs.saved import Saved


def begin_sidecar(desk: Desk) -> Sidecar:
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
        noise_std=desk.laid.problem.noise_std,
        noise_std_estimated=desk.laid.estimated,
        notes=desk.notes,
    )


def sidecar_of(
    desk: Desk, fit: Fit | TiledFit, follower: Follower, handed: Handed, troubles: tuple[str, ...]
) -> Sidecar:
    """What is to be told of a picture that was fitted."""
    follows = desk.job.follows
    update: dict[str, object] = {
        "steps": follower.taken,
        "planned": follower.planned,
        "seconds": round(follower.clock.seconds, 3),
        "stop_reason": handed.why,
        "handed_out": _name(handed),
        "share_of_fit": handed.share,
        "estimated_errors": dict(handed.errors or {}),
        "loss_curve": thinned(follower.losses),
        "repeat": _repeat(desk, fit, follower, handed),
        "tiles": desk.extent.tiles,
        "memory_foretold": desk.extent.memory,
        "seconds_foretold": desk.extent.seconds,
        "rule": _rule(fit),
        "follows": None if follows is None else follows.name,
        "resumed": follower.resumed,
        "notes": (*desk.notes, *troubles),
    }
    return begin_sidecar(desk).model_copy(update=update)


def _rule(fit: Fit | TiledFit) -> Rule | None:
    rule = rule_of(fit)
    if rule is None or not rule.curve:
        return None
    return Rule(about=rule.title, step=max(rule.at) or rule.curve[-1][0], curve=thinned(rule.curve))


def _repeat(desk: Desk, fit: Fit | TiledFit, follower: Follower, handed: Handed) -> tuple[str, ...]:
    """Options that make the same bytes again, whatever the clock says then."""
    job = desk.job
    if handed.method is not None and not handed.share:
        return (*job.task.arguments, "--hand-out", slug(handed.method))
    given = [*job.task.arguments, "--recipe", job.recipe, "--seed", str(job.seed)]
    given += ["--device", str(desk.device), "--threads", str(torch.get_num_threads())]
    given += [] if job.stop is None else ["--stop", job.stop]
    grid = desk.extent.grid
    given += [] if grid is None else ["--tile", str(grid.tile)]
    given += [] if handed.method is None else ["--hand-out", f"{FIT}+{slug(handed.method)}"]
    return (*given, "--steps", str(each_of(fit) or follower.taken))


def _name(handed: Handed) -> str:
    if handed.method is None:
        return FIT
    return f"{FIT} and {handed.method}" if handed.share else handed.method


def saved_of(desk: Desk, fit: Fit | TiledFit, follower: Follower) -> Saved:
    """What goes into the run folder."""
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
        patience=desk.patience,
    )
