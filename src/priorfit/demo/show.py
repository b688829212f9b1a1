"""Pictures side by side, and the page of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch.nn.functional as F

from priorfit.demo.damage import Exhibit
from priorfit.images import write_atomically
from priorfit.metrics import psnr
from priorfit.records.sidecar import sidecar_path
from priorfit.report.embed import embed, png
from priorfit.report.page import page
from priorfit.report.restored import Shown, decibels
from priorfit.report.sheet import side_by_side
from priorfit.types import Image


@dataclass(frozen=True)
class DemoFiles:
    """Where the files of an exhibit stand.

    Args:
        folder: of the demonstration.
        name: of the exhibit.
    """

    folder: Path
    name: str

    @property
    def truth(self) -> Path:
        """The clean crop."""
        return self.folder / f"{self.name}-truth.png"

    @property
    def damaged(self) -> Path:
        """What is restored."""
        return self.folder / f"{self.name}-damaged.png"

    @property
    def hole(self) -> Path:
        """White where pixels are to be filled."""
        return self.folder / f"{self.name}-hole.png"

    @property
    def restored(self) -> Path:
        """The result."""
        return self.folder / f"{self.name}-restored.png"

    @property
    def report(self) -> Path:
        """The page on the result."""
        return self.folder / f"{self.name}-restored.png.html"

    @property
    def side_by_side(self) -> Path:
        """Before and after in one picture."""
        return self.folder / f"{self.name}-before-after.png"

    @property
    def made(self) -> tuple[Path, ...]:
        """Everything that a restoration which fails leaves out."""
        return self.restored, sidecar_path(self.restored), self.report, self.side_by_side


@dataclass(frozen=True, eq=False)
class Result:
    """What came of an exhibit.

    Args:
        exhibit: it.
        files: where it stands.
        truth: (1, C, H, W).
        damaged: (1, C, h, w).
        comparators: (1, C, H, W) each, by the names of the cheap methods.
        restored: (1, C, H, W), None if that failed.
        seconds: of the restoration with its report.
        notes: what there is to say of it.
    """

    exhibit: Exhibit
    files: DemoFiles
    truth: Image
    damaged: Image
    comparators: Mapping[str, Image]
    restored: Image | None
    seconds: float
    notes: tuple[str, ...] = ()

    def psnr(self, image: Image) -> float:
        """In dB against the truth; the pixels of a smaller picture are repeated."""
        size = (self.truth.shape[-2], self.truth.shape[-1])
        large = image if image.shape[-2:] == size else F.interpolate(image, size)
        return psnr(large, self.truth).item()


@dataclass(frozen=True)
class Figure:
    """A number of the table.

    Args:
        name: of the method.
        psnr: in dB, with two decimals; a word where there is none.
        best: no other of its row is higher.
    """

    name: str
    psnr: str
    best: bool


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        title: of the exhibit.
        about: of the exhibit.
        command: of the command line, as typed.
        before: the damaged picture.
        after: the restored one, None if that failed.
        others: those of the cheap methods, and the truth.
        damaged: PSNR of the damaged picture, in dB.
        figures: of the cheap methods.
        ours: of the restored picture.
        seconds: of the restoration with its report.
        notes: what there is to say of it.
        links: (words, file name).
    """

    title: str
    about: str
    command: str
    before: Shown
    after: Shown | None
    others: tuple[Shown, ...]
    damaged: str
    figures: tuple[Figure, ...]
    ours: Figure
    seconds: float
    notes: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def show(folder: Path, results: Sequence[Result]) -> Path:
    """Write the pictures side by side and the page, and give the page's path.

    Raises:
        PriorfitError: they cannot be written.
    """
    for result in results:
        if result.restored is not None:
            sheet = side_by_side(_pictures(result, result.restored))
            write_atomically(result.files.side_by_side, png(sheet), overwrite=True)
    path = folder / "index.html"
    sections = [_section(result) for result in results]
    write_atomically(path, page("demo.html", {"sections": sections}), overwrite=True)
    return path


def _pictures(result: Result, restored: Image) -> list[tuple[str, Image]]:
    return [
        (f"damaged  {decibels(result.psnr(result.damaged))}", result.damaged),
        (f"restored  {decibels(result.psnr(restored))}", restored),
        ("original", result.truth),
    ]


def _section(result: Result) -> Section:
    exhibit, files, restored = result.exhibit, result.files, result.restored
    links = [("damaged", files.damaged), ("original", files.truth)]
    if restored is not None:
        made = [files.report, files.restored, files.side_by_side]
        links = [*zip(["full report", "restored", "before and after"], made, strict=True), *links]
    others = [_show(result, *named, "cheap, for comparison") for named in _cheap(result)]
    truth = Shown(embed("original", result.truth), "seen by the measurement alone")
    *figures, ours = _figures(result)
    return Section(
        exhibit.title,
        exhibit.about,
        " ".join(["priorfit", *exhibit.command]),
        _show(result, "damaged", result.damaged, ""),
        None if restored is None else _show(result, "restored", restored, ""),
        (*others, truth),
        f"{result.psnr(result.damaged):.2f}",
        tuple(figures),
        ours,
        result.seconds,
        result.notes,
        tuple((words, path.name) for words, path in links),
    )


def _cheap(result: Result) -> list[tuple[str, Image]]:
    return list(result.comparators.items())


def _figures(result: Result) -> list[Figure]:
    """Of the cheap methods, and last that of the restored picture."""
    values = [(name, round(result.psnr(image), 2)) for name, image in _cheap(result)]
    if result.restored is not None:
        values.append(("restored", round(result.psnr(result.restored), 2)))
    highest = max(value for _, value in values)
    figures = [Figure(name, f"{value:.2f}", value == highest) for name, value in values]
    return (
        figures if result.restored is not None else [*figures, Figure("restored", "failed", False)]
    )


def _show(result: Result, name: str, image: Image, about: str) -> Shown:
    return Shown(embed(name, image), about, decibels(result.psnr(image)))
