"""What an analysis leaves beside its pictures: JSON, to know and repeat how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict

from priorfit.analysis.fit import Fitted
from priorfit.records.sidecar import MOST_POINTS, Sidecar, Source, thinned, versions

Points = Sequence[tuple[int, float]]
"""(step, value)."""


@dataclass(frozen=True)
class About:
    """What was asked for.

    Args:
        task: words of the command.
        options: of it; files by name.
        recipe: name.
        seed: gives every number.
        device: that it ran on.
        inputs: files that were read.
        repeat: options that make the same bytes again.
        notes: what was odd about the files.
    """

    task: str
    options: Mapping[str, object]
    recipe: str
    seed: int
    device: str
    inputs: tuple[Source, ...] = ()
    repeat: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Curves(BaseModel):
    """Several curves of one experiment.

    Args:
        task: words of the command.
        options: of it; files by name.
        recipe: name.
        seed: gives every number.
        device: that it ran on.
        threads: of torch.
        versions: of what the result depends on.
        inputs: files that were read.
        seconds: wall time of all of them.
        measure: what a curve's values are.
        curves: name to (step, value); steps lie closer at the beginning, at most 200 of them.
        values: further numbers, by curve and name.
        repeat: options that make the same numbers again.
        notes: what was odd, or went wrong on the way.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    options: dict[str, object]
    recipe: str
    seed: int
    device: str
    threads: int
    versions: dict[str, str]
    inputs: tuple[Source, ...]
    seconds: float
    measure: str
    curves: dict[str, tuple[tuple[int, float], ...]]
    values: dict[str, dict[str, float]] = {}
    repeat: tuple[str, ...]
    notes: tuple[str, ...] = ()


def sidecar(about: About, fitted: Fitted, metrics: Mapping[str, float]) -> Sidecar:
    """The sidecar of one picture that an analysis has made."""
    return Sidecar(
        task=about.task,
        options=dict(about.options),
        recipe=about.recipe,
        seed=about.seed,
        device=about.device,
        threads=torch.get_num_threads(),
        versions=versions(),
        inputs=about.inputs,
        steps=fitted.steps,
        planned=fitted.planned,
        seconds=round(fitted.seconds, 3),
        stop_reason=fitted.why,
        loss_curve=thinned(fitted.losses),
        repeat=about.repeat,
        metrics=dict(metrics),
        notes=(*about.notes, *fitted.notes),
    )


def curves(
    about: About,
    points: Mapping[str, Points],
    *,
    seconds: float,
    measure: str,
    values: Mapping[str, Mapping[str, float]] | None = None,
    notes: Sequence[str] = (),
) -> Curves:
    """The record of an experiment that leaves curves."""
    return Curves(
        task=about.task,
        options=dict(about.options),
        recipe=about.recipe,
        seed=about.seed,
        device=about.device,
        threads=torch.get_num_threads(),
        versions=versions(),
        inputs=about.inputs,
        seconds=round(seconds, 3),
        measure=measure,
        curves={name: spread(curve) for name, curve in points.items()},
        values={name: dict(numbers) for name, numbers in (values or {}).items()},
        repeat=about.repeat,
        notes=(*about.notes, *notes),
    )


def spread(points: Points) -> tuple[tuple[int, float], ...]:
    """Leave at most 200 points of a curve, evenly spaced on a logarithmic axis of the step."""
    if len(points) <= MOST_POINTS:
        return tuple(points)
    last = len(points) - 1
    chosen = {round((last + 1) ** (i / (MOST_POINTS - 1))) - 1 for i in range(MOST_POINTS)}
    return tuple(points[i] for i in sorted(chosen))
