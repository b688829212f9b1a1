"""`priorfit compare`."""

import json as jsonlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.session import complain, say, table

if TYPE_CHECKING:
    from priorfit.images import Picture

_HEAD = ("picture", "size", "psnr", "ssim", "task", "recipe", "steps", "seconds")


def compare(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="Pictures.", show_default=False)
    ],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", metavar="CLEAN", help="Clean picture to measure all against."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare restored pictures.

    A table of PSNR, SSIM and what the sidecars say.
    """
    from priorfit import images
    from priorfit.errors import PriorfitError

    clean = None if reference is None else images.read(reference)
    rows = []
    for path in pictures:
        try:
            rows.append(_row(path, images.read(path), reference if clean else None))
        except PriorfitError as error:
            complain(str(error), path)
    if json:
        for row in rows:
            say(jsonlib.dumps({name: _plain(value) for name, value in row.items()}))
    else:
        table(_HEAD, [[_shown(row.get(name)) for name in _HEAD] for row in rows])
    raise typer.Exit(int(len(rows) < len(pictures)))


def _row(path: Path, picture: "Picture", reference: Path | None) -> dict[str, object]:
    from priorfit.pipeline.measure import read_reference, scores
    from priorfit.sidecar import load_sidecar

    height, width = picture.size
    row: dict[str, object] = {"picture": str(path), "size": f"{width}×{height}"}
    beside = load_sidecar(path)
    if beside is not None:
        row |= {**beside.metrics, "task": beside.task, "recipe": beside.recipe}
        row |= {"steps": beside.steps, "seconds": beside.seconds}
    if reference is not None:
        clean = read_reference(reference, picture, picture.shape)
        row |= scores(picture.tensor(), clean, on_luma=False)
    return row


def _plain(value: object) -> object:
    """JSON has no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
