"""The report on one restored picture."""

import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path

import torch

from priorfit import recipes
from priorfit.errors import RecipeError
from priorfit.images import write_atomically
from priorfit.metrics import psnr
from priorfit.recipes.method import Row
from priorfit.records.sidecar import Measured, Sidecar, to_json
from priorfit.report.curve import draw
from priorfit.report.embed import Embedded, embed, seen_in
from priorfit.report.page import page
from priorfit.runs import Outcome
from priorfit.runs.measure import peak_units
from priorfit.types import Image
from priorfit.wording import grey_levels


@dataclass(frozen=True)
class Shown:
    """A picture of the page.

    Args:
        picture: it.
        about: what it is.
        psnr: against the reference, in words; empty without one.
    """

    picture: Embedded
    about: str
    psnr: str = ""


def write(path: Path, outcome: Outcome) -> None:
    """Write what `render` makes.

    Args:
        path: where to; it is replaced if the job may replace files.
        outcome: what came of a job.

    Raises:
        PriorfitError: the extra `report` is not installed.
        ImageFileError: the file exists, or cannot be written.
    """
    write_atomically(path, render(outcome), overwrite=outcome.job.overwrite)


def render(outcome: Outcome) -> bytes:
    """One HTML file that needs no other: slider, curve, settings, comparators, sidecar.

    Args:
        outcome: what came of a job.

    Raises:
        PriorfitError: the extra `report` is not installed.
    """
    sidecar, rule = outcome.sidecar, outcome.sidecar.rule
    before, after = _before(outcome), _show(outcome, "restored", outcome.result, "")
    values = {
        "name": outcome.job.input.name,
        "output": outcome.job.output.name,
        "sidecar": sidecar,
        "before": before,
        "after": after,
        "caption": _caption(before, after),
        "others": _others(outcome),
        "contest": contest(sidecar),
        "curve": draw(sidecar.loss_curve),
        "facts": _facts(sidecar),
        "settings": _settings(sidecar.recipe),
        "repeat": shlex.join([*outcome.job.task.command("IMAGE", "OUTPUT"), *sidecar.repeat]),
        "record": _record(sidecar),
        "losses": json.dumps(sidecar.loss_curve),
        "ruled": None if rule is None else draw(rule.curve, mark=rule.step),
        "interrupted": outcome.interrupted,
    }
    return page("restored.html", values)


@dataclass(frozen=True)
class ReportEntry:
    """A row of the table of methods.

    Args:
        name: of the method.
        metrics: in words, one a column.
        seconds: in words.
        best: whether its PSNR is the highest.
    """

    name: str
    metrics: tuple[str, ...]
    seconds: str
    best: bool


@dataclass(frozen=True)
class Contest:
    """The result beside the cheap alternatives.

    Args:
        columns: names of the metrics.
        entries: the result first.
    """

    columns: tuple[str, ...]
    entries: tuple[ReportEntry, ...]


def contest(sidecar: Sidecar) -> Contest | None:
    """Table of the result and the cheap alternatives; None where there are none."""
    if not sidecar.alternatives:
        return None
    columns = tuple(sidecar.metrics)
    ours = Measured(name=sidecar.recipe, seconds=sidecar.seconds, metrics=sidecar.metrics)
    rows = (ours, *sidecar.alternatives)
    key = "psnr_y" if "psnr_y" in columns else "psnr"
    highest = max(row.metrics.get(key, -math.inf) for row in rows)
    entries = [
        ReportEntry(
            row.name,
            tuple(in_words(name, row.metrics[name]) for name in columns),
            f"{row.seconds:.2g} s" if row.seconds < 10 else f"{row.seconds:.0f} s",
            row.metrics.get(key) == highest,
        )
        for row in rows
    ]
    titles = {"psnr": "PSNR", "psnr_y": "PSNR of luma", "ssim": "SSIM", "lpips": "LPIPS"}
    return Contest(tuple(titles.get(name, name) for name in columns), tuple(entries))


def in_words(metric: str, value: float) -> str:
    """A metric as a table has it."""
    return decibels(value) if metric.startswith("psnr") else f"{value:.4g}"


def decibels(value: float) -> str:
    """A PSNR in words."""
    return "equal to the reference" if math.isinf(value) else f"{value:.2f} dB"


def _before(outcome: Outcome) -> Shown:
    """The damaged picture as it was read; what its file does not show, as it was observed."""
    observed, picture = outcome.observed, outcome.picture
    image = picture.tensor()
    if image.shape == observed.shape:
        seen = torch.isfinite(image)
        if picture.alpha is not None:
            seen &= torch.from_numpy(picture.alpha > 0)
        observed = torch.where(seen, image, observed)
    return _show(outcome, "damaged", observed, "as it was read")


def _caption(before: Shown, after: Shown) -> str:
    measured = [f"{s.picture.name} {s.psnr}" for s in (before, after) if s.psnr]
    size = f"{after.picture.width}×{after.picture.height} pixels"
    facts = [size, *after.picture.caveats, *measured]
    return f"Drag, or use the arrow keys. {', '.join(facts)}."


def _others(outcome: Outcome) -> list[Shown]:
    guide = outcome.sidecar.guide
    shown = []
    for name, image in outcome.comparators.items():
        guided = guide is not None and guide.name == name
        about = "guide: the network was shown it" if guided else "for comparison"
        shown.append(_show(outcome, name.replace("_", " "), image, about))
    for step, image in outcome.snapshots.items():
        name = "start" if step == 1 else f"step {step}"
        shown.append(_show(outcome, name, image, "on the way"))
    if outcome.reference is not None:
        units = seen_in(outcome.picture)
        picture = embed("reference", outcome.reference, icc=outcome.picture.icc, units=units)
        shown.append(Shown(picture, "the clean picture, for measuring alone"))
    return shown


def _show(outcome: Outcome, name: str, image: Image, about: str) -> Shown:
    reference = outcome.reference
    value = ""
    if reference is not None and reference.shape == image.shape:
        peak = peak_units(reference, outcome.picture)  # that of the terminal and of the sidecar
        seen, truth = ((each - peak.low) / peak.span for each in (image, reference))
        value = decibels(psnr(seen, truth).item())
    units = seen_in(outcome.picture)
    return Shown(embed(name, image, icc=outcome.picture.icc, units=units), about, value)


def _facts(sidecar: Sidecar) -> list[tuple[str, str]]:
    """What a reader asks first."""
    facts = [("task", sidecar.task), ("recipe", sidecar.recipe)]
    given = {name: v for name, v in sidecar.options.items() if v is not None}
    if sidecar.noise_std is not None:
        how = "estimated" if sidecar.noise_std_estimated else "given"
        given["noise_std"] = f"{sidecar.noise_std:.4g} ({grey_levels(sidecar.noise_std)}), {how}"
    facts += [(name.replace("_", " "), _plain(value)) for name, value in given.items()]
    if sidecar.guide is not None:
        measured = sidecar.guide.metrics.get("psnr")
        own = "" if measured is None else f", itself at {decibels(measured)}"
        facts.append(("guide", sidecar.guide.name.replace("_", " ") + own))
    facts.append(("steps", f"{sidecar.steps:,} of {sidecar.planned:,}: {sidecar.stop_reason}"))
    if sidecar.follows is not None:
        facts.append(("began where", f"the fit of {sidecar.follows} ended"))
    facts.append(("time", f"{sidecar.seconds:.1f} s on {sidecar.device}"))
    facts.append(("seed, threads", f"{sidecar.seed}, {sidecar.threads}"))
    for name, value in sidecar.metrics.items():
        facts.append((name.replace("_", " ").upper(), in_words(name, value)))
    return facts


def _plain(value: object) -> str:
    """An option as a person writes it."""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _settings(name: str) -> list[Row]:
    """Every number of a recipe; nothing for one that is in no table."""
    try:
        return recipes.find(name).rows()
    except RecipeError:
        return []


def _record(sidecar: Sidecar) -> list[str]:
    """The sidecar but for its curves, line by line."""
    contents = json.loads(to_json(sidecar))
    del contents["loss_curve"]
    if contents["rule"]:
        del contents["rule"]["curve"]
    return json.dumps(contents, indent=2, ensure_ascii=False).split("\n")
