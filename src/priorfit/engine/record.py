"""What comes of a run: pictures, and a sidecar that says how."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from priorfit.engine.case import Case, Restored
from priorfit.engine.course import Course, troubles
from priorfit.engine.ending import End
from priorfit.engine.handing import Handed
from priorfit.engine.large import Extent, steps_of_a_tile
from priorfit.engine.request import FIT
from priorfit.guarantee.guard import slug
from priorfit.loop.fitting import Fitting
from priorfit.recipes.method import GENERATOR
from priorfit.records.code_file import CodeFile
from priorfit.records.sidecar import Checkpoint, Rule, Sidecar, Source, thinned, versions
from priorfit.types import Shape

if TYPE_CHECKING:
    from priorfit.engine.run import Run


def restored(run: "Run[Any]", handed: Handed, inputs: tuple[Source, ...] = ()) -> Restored:
    """What came of a run that has ended.

    Args:
        run: it.
        handed: what is handed out.
        inputs: files that went in.
    """
    case, untouched = run.case, handed.end is End.NEEDLESS
    result = handed.image.cpu()
    common = Restored(
        case.picture,
        case.like,
        result if untouched else case.given.observation.cpu(),
        result,
        {} if untouched else case.shown,
        sidecar_of(run, handed, inputs),
        untouched=untouched,
        warning=handed.note if handed.worse else None,
        interrupted=handed.end is End.INTERRUPTED,
    )
    if run.course is None:
        return common
    fit = run.course.fit
    hint = fit.guide()
    return replace(
        common,
        guide=None if hint is None else (hint[0], fit.problem.apply_finish(hint[1]).cpu()),
        snapshots={step: image.cpu() for step, image in fit.snapshots().items()},
        tuned=fit.tuned(),
        code=_code(fit, case.given.shape, common.sidecar),
        deviation=fit.deviation(),
    )


def _code(fit: Fitting, shape: Shape, sidecar: Sidecar) -> CodeFile | None:
    """What draws the picture of a fit again, if its prior has a code that others can read."""
    kept, generator = fit.code_of(shape), sidecar.checkpoints.get(GENERATOR)
    if kept is None or generator is None:
        return None
    return CodeFile(
        sidecar.recipe.partition("/")[0],
        kept.space,
        {name: tensor.cpu() for name, tensor in kept.parts.items()},
        Checkpoint(name=Path(generator.name).name, sha256=generator.sha256),
        kept.framing,
        sidecar.seed,
        sidecar.versions,
    )


def sidecar_of(run: "Run[Any]", handed: Handed, inputs: tuple[Source, ...] = ()) -> Sidecar:
    """What is to be told of a picture.

    Args:
        run: that has ended.
        handed: what is handed out.
        inputs: files that went in.
    """
    case, course = run.case, run.course
    own = () if course is None else troubles(course, replaced=handed.replaced)
    said = () if handed.note is None else (handed.note,)
    update: dict[str, object] = {
        "seconds": round(run.clock.seconds, 3),
        "stop_reason": handed.why,
        "handed_out": _name(handed),
        "share_of_fit": handed.share,
        "estimated_errors": dict(handed.errors or {}),
        "repeat": _repeat(case, course, handed, run.extent),
        "notes": (*case.notes, *own, *said),
        "synthesised": course is not None and handed.share > 0 and case.synthesises,
    }
    if course is not None:
        update |= {
            "steps": course.taken,
            "planned": course.planned,
            "loss_curve": thinned(course.losses),
            "tiles": run.extent.tiles,
            "memory_foretold": run.extent.memory,
            "seconds_foretold": run.extent.seconds,
            "rule": _rule(course),
            "resumed": course.resumed,
        }
    return _begin(case, inputs).model_copy(update=update)


def _begin(case: Case, inputs: tuple[Source, ...]) -> Sidecar:
    """What is known before the first step."""
    return Sidecar(
        task=case.task.kind,
        options=dict(case.task.options),
        recipe=case.request.recipe,
        seed=case.request.seed,
        device=str(case.device),
        threads=torch.get_num_threads(),
        versions=versions(),
        inputs=inputs,
        checkpoints=dict(case.checkpoints),
        steps=0,
        planned=0,
        seconds=0.0,
        stop_reason="not begun",
        loss_curve=(),
        repeat=(),
        noise_std=case.given.noise_std,
        noise_std_estimated=case.estimated,
    )


def _rule(course: Course) -> Rule | None:
    curve = course.fit.curve()
    if curve is None:
        return None
    return Rule(about=curve.about, step=curve.picked, curve=thinned(curve.points))


def _repeat(case: Case, course: Course | None, handed: Handed, extent: Extent) -> tuple[str, ...]:
    """Options that make the same bytes again, whatever the clock says then."""
    arguments, request = case.task.arguments, case.request
    if handed.end is End.NEEDLESS:
        return tuple(arguments)
    if handed.method is not None and not handed.share:
        return (*arguments, "--hand-out", slug(handed.method))
    assert course is not None
    given = [*arguments, "--recipe", request.recipe, "--seed", str(request.seed)]
    for part, checkpoint in case.checkpoints.items():
        given += [f"--{part}", checkpoint.name]
    given += ["--device", str(case.device), "--threads", str(torch.get_num_threads())]
    given += [] if request.stop is None else ["--stop", request.stop]
    given += [] if extent.grid is None else ["--tile", str(extent.grid.tile)]
    given += [] if handed.method is None else ["--hand-out", f"{FIT}+{slug(handed.method)}"]
    return (*given, "--steps", str(steps_of_a_tile(course.fit) or course.taken))


def _name(handed: Handed) -> str:
    if handed.method is None:
        return FIT
    return f"{FIT} and {handed.method}" if handed.share else handed.method
