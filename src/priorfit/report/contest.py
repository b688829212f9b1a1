"""Pictures compared: crops side by side as a sheet, and a page with slider, table and sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage

from priorfit.images import write_atomically
from priorfit.report.embed import embed, png
from priorfit.report.page import page
from priorfit.report.restored import Contest, ReportEntry, Shown, in_words
from priorfit.report.sheet import side_by_side
from priorfit.types import Image

_CROPS, _SIDE, _SHOWN = 3, 64, 192
"""Crops of a sheet, their pixels a side, and pixels that these are shown on at least."""


_TITLES = {"psnr_y": "PSNR of luma", "psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS"}


@dataclass(frozen=True, eq=False)
class Page:
    """What a page of a comparison holds.

    Args:
        title: in words.
        pictures: (name, image), (1, C, H, W) all of one size, but for the first, the damaged one.
        table: of the metrics.
        notes: said above it.
        command: that made it.
    """

    title: str
    pictures: Sequence[tuple[str, Image]]
    table: Contest
    notes: Sequence[str]
    command: str


def table(rows: Sequence[tuple[str, Mapping[str, float], float | None]]) -> Contest:
    """Lay out (name, metrics, seconds) as a table, the highest PSNR marked.

    A metric that a row does not have is a dash.
    """
    columns = [c for c in _TITLES if any(c in metrics for _, metrics, _ in rows)]
    key = "psnr_y" if "psnr_y" in columns else "psnr"
    highest = max((metrics[key] for _, metrics, _ in rows if key in metrics), default=None)
    entries = [
        ReportEntry(
            name,
            tuple(in_words(c, metrics[c]) if c in metrics else "–" for c in columns),
            "–" if seconds is None else f"{seconds:.3g} s",
            highest is not None and metrics.get(key) == highest,
        )
        for name, metrics, seconds in rows
    ]
    return Contest(tuple(_TITLES[c] for c in columns), tuple(entries))


def write_page(path: Path, contents: Page, *, overwrite: bool) -> None:
    """Write one HTML file that needs no other.

    Raises:
        PriorfitError: the extra `report` is not installed.
        ImageFileError: the file exists, or cannot be written.
    """
    shown = [Shown(embed(name, image), "") for name, image in contents.pictures]
    crops = np.asarray(sheet(contents.pictures).convert("RGB")).copy()
    drawn = torch.from_numpy(crops).permute(2, 0, 1)[None] / 255
    values = {
        "title": contents.title,
        "before": shown[0],
        "after": shown[1] if len(shown) > 1 else shown[0],
        "others": shown[2:],
        "table": contents.table,
        "notes": contents.notes,
        "sheet": embed("crops where the pictures differ most", drawn),
        "command": contents.command,
    }
    write_atomically(path, page("contest.html", values), overwrite=overwrite)


def write_sheet(path: Path, pictures: Sequence[tuple[str, Image]], *, overwrite: bool) -> None:
    """Write the crops as a PNG.

    Raises:
        ImageFileError: the file exists, or cannot be written.
    """
    write_atomically(path, png(sheet(pictures)), overwrite=overwrite)


def sheet(pictures: Sequence[tuple[str, Image]]) -> PillowImage.Image:
    """Crops of named pictures in rows, from the places where they differ most.

    Args:
        pictures: (1, C, H, W); the pixels of smaller ones are repeated.
    """
    height, width = (max(image.shape[axis] for _, image in pictures) for axis in (-2, -1))
    large = [(name, F.interpolate(image, (height, width))) for name, image in pictures]
    side = min(_SIDE, height, width)
    rows = []
    for top, left in places([image for _, image in large[1:] or large], side):
        crops = [(name, image[..., top : top + side, left : left + side]) for name, image in large]
        factor = max(1, -(-_SHOWN // side))
        enlarged = [(name, F.interpolate(crop, scale_factor=factor)) for name, crop in crops]
        rows.append(side_by_side(enlarged))
    whole = PillowImage.new("RGB", (rows[0].width, sum(row.height for row in rows)), "white")
    for number, row in enumerate(rows):
        whole.paste(row, (0, number * row.height))
    return whole


def places(images: Sequence[Image], side: int, most: int = _CROPS) -> list[tuple[int, int]]:
    """Corners, (top, left), of squares in which pictures differ most, none over another.

    Args:
        images: (1, C, H, W), of one size.
        side: of the squares.
        most: of them.
    """
    grey = torch.stack([image.float().mean(1)[0] for image in images])  # (N, H, W)
    spread = grey.var(0, correction=0)[None, None]
    step = max(1, side // 4)
    score = F.avg_pool2d(spread, side, step)[0, 0]
    found: list[tuple[int, int]] = []
    for index in score.flatten().argsort(descending=True, stable=True).tolist():
        top, left = (step * place for place in divmod(index, score.shape[1]))
        if all(abs(top - y) >= side or abs(left - x) >= side for y, x in found):
            found.append((top, left))
        if len(found) == most:
            break
    return found
