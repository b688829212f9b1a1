"""The pages of the analyses."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from priorfit.analysis.record import Curves
from priorfit.images import write_atomically
from priorfit.recipes import ANALYSES
from priorfit.records.sidecar import Sidecar, to_json
from priorfit.report.curve import draw_together
from priorfit.report.page import page
from priorfit.report.restored import Shown


@dataclass(frozen=True)
class Content:
    """What a page shows besides its record.

    Args:
        title: of the page.
        about: a sentence under the title.
        pictures: the result first, then what it is compared with.
        slider: put the first two pictures under one another.
        curves: name to (step, value).
        measure: what the values are.
        used: names of recipes; that of the record by default.
    """

    title: str
    about: str
    pictures: Sequence[Shown] = ()
    slider: bool = True
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    measure: str = "loss"
    used: Sequence[str] = ()


def write_page(
    path: Path, record: Sidecar | Curves, content: Content, *, overwrite: bool = False
) -> None:
    """Write one HTML file that needs no other: pictures, curves, settings, record.

    Raises:
        PriorfitError: the extra `report` is not installed.
        ImageFileError: the file exists, or cannot be written.
    """
    pictures = content.pictures
    compared = content.slider and len(pictures) > 1
    result = pictures[0] if compared else None
    size = "" if result is None else f"{result.picture.width}×{result.picture.height} pixels."
    used = content.used or (record.recipe,)
    values = {
        "title": content.title,
        "about": content.about,
        "output": path.name.removesuffix(".html"),
        "before": pictures[1] if compared else None,
        "after": result,
        "others": list(pictures[2:] if compared else pictures),
        "caption": size,
        "lines": draw_together(content.curves),
        "measure": content.measure,
        "facts": _facts(record),
        "notes": record.notes,
        "repeat": _again(record),
        "recipes": [(name, ANALYSES[name].rows()) for name in used if name in ANALYSES],
        "record": _lines(record),
        "versions": record.versions,
    }
    write_atomically(path, page("analysis.html", values), overwrite=overwrite)


def _facts(record: Sidecar | Curves) -> list[tuple[str, str]]:
    facts = [("recipe", record.recipe)]
    given = {n: v for n, v in record.options.items() if v is not None and n != "recipe"}
    facts += [(name.replace("_", " "), str(value)) for name, value in given.items()]
    if isinstance(record, Sidecar):
        facts.append(("steps", f"{record.steps:,} of {record.planned:,}: {record.stop_reason}"))
        facts += [(name.replace("_", " "), f"{v:.4g}") for name, v in record.metrics.items()]
    else:
        for name, numbers in record.values.items():
            told = ", ".join(f"{what} {value:.4g}" for what, value in numbers.items())
            facts.append((name, told))
    facts.append(("time", f"{record.seconds:.1f} s on {record.device}"))
    facts.append(("seed, threads", f"{record.seed}, {record.threads}"))
    return facts


def _again(record: Sidecar | Curves) -> str:
    picture = ["IMAGE"] if any(source.role == "input" for source in record.inputs) else []
    words = ["priorfit", *record.task.split(), *picture, "-o", "OUTPUT", *record.repeat]
    return shlex.join(words)


def _lines(record: Sidecar | Curves) -> list[str]:
    """The record but for its curves, line by line."""
    contents = json.loads(to_json(record))
    for name in ("loss_curve", "curves"):
        contents.pop(name, None)
    return json.dumps(contents, indent=2, ensure_ascii=False).split("\n")
