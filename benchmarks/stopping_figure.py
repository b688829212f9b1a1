"""The figure of docs/how-it-works.md: what a rule sees, under what it cannot see."""

from pathlib import Path

import numpy as np

from benchmarks.stopping_rules import RULES, Course, Row
from priorfit.report.curve import draw

WIDTH, HEIGHT, GAP, LEFT, TOP = 560, 90, 46, 70, 26
PANELS = {
    "PSNR of the average, dB (unknown to any rule)": lambda c: c["psnr.average"],
    "loss": lambda c: c["loss"],
    "error at held-out pixels and values": RULES["held-out pixels and values"].score,
    "variance of the latest 100 renders": lambda c: c["wmv100"],
}
_FIRST = 100  # steps before the axes begin


def figure(course: Course, path: Path) -> None:
    """Draw the panels of one curve, each with its own best step marked, as an SVG file."""
    parts, top = [], TOP
    for name, values_of in PANELS.items():
        parts.append(_panel(name, values_of(course), top, highest="PSNR" in name))
        top += HEIGHT + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {top}" '
        'font-family="sans-serif" font-size="11" fill="#444">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n'
    )
    path.write_text(head + "\n".join(parts) + "\n</svg>\n")


def _panel(name: str, values: Row, top: int, *, highest: bool) -> str:
    best = int(np.argmax(values[_FIRST:]) if highest else np.argmin(values[_FIRST:])) + _FIRST
    steps = np.unique(np.append(np.linspace(_FIRST, len(values) - 1, 240).astype(int), best))
    drawn = draw([(int(i) + 1, float(values[i])) for i in steps], WIDTH, HEIGHT, mark=best + 1)
    assert drawn is not None and drawn.mark is not None
    lines = [f'<g transform="translate({LEFT},{top})">']
    lines.append(f'<text x="0" y="-8" font-weight="600">{name}</text>')
    for tick in drawn.up:
        lines.append(f'<path d="M0 {tick.at}H{WIDTH}" stroke="#ddd"/>')
        lines.append(f'<text x="-8" y="{tick.at + 4}" text-anchor="end">{tick.text}</text>')
    for tick in drawn.across:
        lines.append(
            f'<text x="{tick.at}" y="{HEIGHT + 14}" text-anchor="middle">{tick.text}</text>'
        )
    lines.append(f'<path d="M{drawn.mark} 0V{HEIGHT}" stroke="#c2570c" stroke-dasharray="4 3"/>')
    lines.append(
        f'<text x="{WIDTH}" y="-8" text-anchor="end" fill="#c2570c">'
        f"{'highest' if highest else 'lowest'} at step {best + 1:,}</text>"
    )
    lines.append(
        f'<polyline points="{drawn.points}" fill="none" stroke="#2860b0" stroke-width="1.4"/>'
    )
    return "\n".join([*lines, "</g>"])
