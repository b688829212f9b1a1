"""The cases in `../shared/cases/pictures`, where they lie beside the checkout."""

from collections.abc import Iterator

from benchmarks.strangers_desk import Situation
from benchmarks.suites import SHARED

CASES = SHARED.parents[1] / "cases" / "pictures"


def situations() -> Iterator[Situation]:
    """Nothing yet."""
    yield from ()
