"""Situations in which strangers' pictures came to harm, each with what is right and what we do.

Inputs are made by code. Where `../shared/cases/pictures` lies beside the checkout, its cases are
tried too.
"""

import tempfile
import time
import traceback
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks import (
    strangers_colours,
    strangers_formats,
    strangers_given,
    strangers_holes,
    strangers_install,
    strangers_messages,
    strangers_metadata,
    strangers_noise,
    strangers_python,
    strangers_scale,
    strangers_texture,
    strangers_time,
)
from benchmarks.strangers_desk import Desk, Seen, Situation

PARTS = (
    strangers_scale,
    strangers_noise,
    strangers_texture,
    strangers_colours,
    strangers_time,
    strangers_holes,
    strangers_metadata,
    strangers_messages,
    strangers_formats,
    strangers_install,
    strangers_python,
    strangers_given,
)


def situations() -> list[Situation]:
    """All of them, by the number of their kind."""
    return sorted((each for part in PARTS for each in part.situations()), key=lambda s: s.item)


def measure(only: str, *, quick: bool) -> int:
    """Try everything, print a row for each and how many are right.

    Args:
        only: number of one kind, or a part of a situation's name; all if empty.
        quick: few steps and small pictures.

    Returns:
        The exit status: 1 if anything is wrong.
    """
    chosen = [s for s in situations() if _is_meant(s, only)]
    begun = time.perf_counter()
    print(f"| | situation | right | ours, {date.today().isoformat()} | ok |\n|---|---|---|---|---|")
    right = 0
    for each in chosen:
        seen = _tried(each, quick=quick)
        right += seen.ok
        print(row(each, seen), flush=True)
    print(f"\n{right} of {len(chosen)} right, {time.perf_counter() - begun:.0f} s")
    return int(right < len(chosen) or not chosen)


def row(situation: Situation, seen: Seen) -> str:
    """One row of the table."""
    cells: Sequence[object] = (
        situation.item,
        situation.name,
        situation.right,
        seen.ours,
        "yes" if seen.ok else "**no**",
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _is_meant(situation: Situation, only: str) -> bool:
    return only in ("", str(situation.item)) or (not only.isdigit() and only in situation.name)


def _tried(situation: Situation, *, quick: bool) -> Seen:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return situation.look(Desk(Path(folder), quick))
        except Exception as error:  # whatever a stranger would have seen
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            return Seen(f"{type(error).__name__}: {str(error)[:120]} ({where})", False)
