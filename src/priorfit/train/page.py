"""The report of a training: what it draws by now, and how its losses and distances went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from priorfit.images import read, write_atomically
from priorfit.report.curve import Curve, draw
from priorfit.report.embed import Embedded, embed
from priorfit.report.page import page
from priorfit.train.card import CardFacts, facts
from priorfit.train.run import SHEETS, TrainingRun

REPORT = "report.html"

_HEIGHT = 130


@dataclass(frozen=True)
class PageFigure:
    """One curve of the page.

    Args:
        title: what it shows.
        about: what it says, in a sentence.
        curve: its drawing.
    """

    title: str
    about: str
    curve: Curve


def write(run: TrainingRun, about: CardFacts, *, over: bool = True) -> None:
    """Write one HTML file that needs no other beside the card; it may be written again and again.

    Args:
        run: a training, which may go on.
        about: as the card says it.
        over: whether the training is.

    Raises:
        PriorfitError: the extra `report` is not installed, or the place cannot be written.
    """
    values = {
        "title": run.folder.absolute().name,
        "data": about.data,
        "over": over,
        "sheet": _sheet(run),
        "figures": figures(run, about.features),
        "facts": facts(run, about),
        "notes": list(about.notes),
        "points": [_in_words(point) for point in run.curve],
    }
    write_atomically(run.folder / REPORT, page("training.html", values), overwrite=True)


def figures(run: TrainingRun, features: str | None) -> list[PageFigure]:
    """The curves that there is something to draw of."""
    against = "photographs" if run.judge is None else run.judge.against
    wanted = [
        (
            "distance",
            f"Fréchet distance by {features}",
            f"How far the drawings, all together, are from {against}; less is better. Distances "
            "by other networks, or of other sizes, are on other scales.",
        ),
        ("precision", "Precision", "Part of the drawings that lie among the photographs."),
        ("recall", "Recall", "Part of the photographs that lie among the drawings."),
        (
            "discriminator",
            "Loss of the discriminator",
            "The two learn from each other: neither loss has to fall for the drawings to improve.",
        ),
        ("generator", "Loss of the generator", ""),
    ]
    drawn = [
        (title, words, draw(_points(run.curve, key), height=_HEIGHT))
        for key, title, words in wanted
    ]
    return [PageFigure(title, words, curve) for title, words, curve in drawn if curve is not None]


def _points(curve: Sequence[Mapping[str, float]], key: str) -> list[tuple[int, float]]:
    return [(int(point["images"]), point[key]) for point in curve if key in point]


def _sheet(run: TrainingRun) -> Embedded | None:
    """The last of the sheets that were drawn on the way."""
    last = max((run.folder / SHEETS).glob("*.png"), default=None)
    return None if last is None else embed("64 drawings that nobody picked", read(last).tensor())


def _in_words(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.5g}" for name, value in point.items())
