"""The measurements as Markdown: ours beside cheap methods, published pictures, and the gap."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from priorfit.bench.published import AUTHORS, look_up
from priorfit.bench.results import BenchRun, Results
from priorfit.bench.suites import SUITES
from priorfit.guarantee.comparators import AS_IT_WAS


class _Heading(NamedTuple):
    """What a table has in common."""

    suite: str
    recipe: str
    side: int | None
    length: str


def table(results: Results, command: str) -> str:
    """Everything that was measured, a table for each suite, recipe, part of the image and length.

    Args:
        results: the measurements.
        command: that made them.
    """
    parts = [f"# priorfit bench\n\n`{command}`\n", _about(results.runs)]
    headings = dict.fromkeys(_Heading(r.suite, r.recipe, r.side, r.length) for r in results.runs)
    parts += [_section(heading, results) for heading in headings]
    return "\n".join(parts)


def _about(runs: Sequence[BenchRun]) -> str:
    if not runs:
        return "Nothing has been measured yet.\n"
    days = sorted({run.date for run in runs})
    machines = sorted({run.machine for run in runs})
    torch = sorted({run.versions["torch"] for run in runs if "torch" in run.versions})
    threads = sorted({str(run.threads) for run in runs if run.threads is not None})
    period = " to ".join(dict.fromkeys((days[0], days[-1])))
    lines = [
        f"Machine: {' and '.join(machines)}. Date: {period}.",
        f"Threads: {', '.join(threads) or 'unknown'}. Torch: {', '.join(torch) or 'unknown'}.",
        "PSNR in dB of the 8-bit result; seconds are those of the whole process, start, guide, "
        "loading and writing included; memory is its peak; both are medians. *Spread* is the best "
        "seed less the worst. Means are over the images of the table.",
    ]
    return "\n".join(lines) + "\n"


def _section(heading: _Heading, results: Results) -> str:
    runs = [r for r in results.runs if _Heading(r.suite, r.recipe, r.side, r.length) == heading]
    cheap = [c for c in results.cheap if (c.suite, c.side) == (heading.suite, heading.side)]
    images = list(dict.fromkeys(run.image for run in runs))
    made = {name: {c.method: c.psnr for c in cheap if c.image == name} for name in images}
    # Of a corner nothing is published.
    known = {name: look_up(heading.suite, name) for name in images if heading.side is None}
    methods = [m for m in _methods(made) if m != AS_IT_WAS.name]
    theirs = [m for m in _methods(known) if m != AUTHORS]
    rows = []
    for name in images:
        told = known.get(name, {})
        others = [*(made[name].get(m) for m in methods), *(told.get(m) for m in theirs)]
        rows.append(_row([r for r in runs if r.image == name], others, told.get(AUTHORS)))
    compared = any(row.authors is not None for row in rows)
    ours = ["authors", "ours", "spread", "ours − authors"] if compared else ["ours", "spread"]
    head = ["image", *methods, *(f"{name}, published" for name in theirs), *ours]
    head += ["seeds", "seconds", "GB", "steps"]
    lines = [_title(heading), "", _line(head), "|---" * len(head) + "|"]
    for name, row in zip(images, rows, strict=True):
        lines.append(_line([name, *_cells(row, known=compared)]))
    if len(rows) > 1:
        mean = _mean(rows, known=compared)
        lines.append(_line([f"**{cell}**" if cell else "" for cell in mean]))
    return "\n".join(lines) + "\n"


def _methods(by_image: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Methods that were tried on any image, in the order in which they first appear."""
    return list(dict.fromkeys(method for row in by_image.values() for method in row))


class _Row(NamedTuple):
    """The numbers of one image; None where there is none."""

    others: tuple[float | None, ...]
    authors: float | None
    ours: float
    spread: float
    seeds: int
    seconds: float
    peak: float | None
    steps: float


def _row(runs: Sequence[BenchRun], others: Sequence[float | None], authors: float | None) -> _Row:
    """The row of one image, from its runs."""
    psnr = [run.psnr for run in runs]
    peaks = [run.peak for run in runs if run.peak is not None]
    return _Row(
        tuple(others),
        authors,
        statistics.mean(psnr),
        max(psnr) - min(psnr),
        len(runs),
        statistics.median(run.seconds for run in runs),
        statistics.median(peaks) / 1e9 if peaks else None,
        statistics.median(run.steps for run in runs),
    )


def _cells(row: _Row, *, known: bool) -> list[str]:
    gap = None if row.authors is None else row.ours - row.authors
    ours = [_psnr(row.ours), _psnr(row.spread)]
    middle = [_psnr(row.authors), *ours, _psnr(gap, sign="+")] if known else ours
    peak = "" if row.peak is None else f"{row.peak:.2f}"
    last = [str(row.seeds), f"{row.seconds:.0f}", peak, f"{row.steps:.0f}"]
    return [*map(_psnr, row.others), *middle, *last]


def _mean(rows: Sequence[_Row], *, known: bool) -> list[str]:
    others = [_average(column) for column in zip(*(row.others for row in rows), strict=True)]
    ours = _average([row.ours for row in rows])
    gaps = [row.ours - row.authors for row in rows if row.authors is not None]
    authors = _average([row.authors for row in rows])
    middle = [_psnr(authors), _psnr(ours), "", _psnr(_average(gaps), sign="+")]
    return ["mean", *map(_psnr, others), *(middle if known else [_psnr(ours), ""]), "", "", "", ""]


def _average(values: Sequence[float | None]) -> float | None:
    """Mean, unless one is missing: a mean over fewer images says something else."""
    there = [value for value in values if value is not None]
    return statistics.mean(there) if there and len(there) == len(values) else None


def _title(heading: _Heading) -> str:
    part = "whole images" if heading.side is None else f"top left corner of {heading.side} pixels"
    luma = ", luma inside a border of four" if SUITES[heading.suite].damage.task.on_luma else ""
    length = f", `{heading.length}`" if heading.length else ""
    return f"## {heading.suite}, `{heading.recipe}`{length}: {part}{luma}"


def _psnr(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
