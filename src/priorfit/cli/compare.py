"""`priorfit compare`."""

import json as jsonlib
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from priorfit.cli import options
from priorfit.cli.session import complain, say, table

if TYPE_CHECKING:
    from priorfit.runs.contest import Cheap, Entrant
    from priorfit.types import Image

_HEAD = ("picture", "size", "psnr", "ssim", "task", "recipe", "steps", "seconds")
_MORE = ("psnr_y", "lpips")
_WRITTEN = (".html", ".png")


Pictures = Annotated[
    list[Path], typer.Argument(metavar="IMAGE", help="Restored pictures.", show_default=False)
]
Damaged = Annotated[
    Path | None,
    typer.Option(
        "--damaged",
        metavar="IMAGE",
        help="Damaged picture; classical methods restore it for comparison.",
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option("--reference", metavar="CLEAN", help="Clean picture, for PSNR and SSIM."),
]
HoleMask = Annotated[
    Path | None,
    typer.Option(
        "--hole-mask",
        metavar="MASK",
        help="Mask, white in the hole; needed if the sidecar's mask is not beside the picture.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="PATH",
        callback=options.named,
        help="Page (.html) or sheet of crops (.png) to write.",
    ),
]


def compare(
    pictures: Pictures,
    damaged: Damaged = None,
    reference: Reference = None,
    hole_mask: HoleMask = None,
    out: Out = None,
    patience: options.Patience = 60.0,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Compare restored pictures with each other and with classical methods.

    Prints a table: PSNR, SSIM, LPIPS (if imported), seconds, and task and recipe from the sidecars.
    """
    from priorfit.errors import PriorfitError
    from priorfit.runs.contest import entrant
    from priorfit.runs.measure import lpips_network

    if out is not None and out.suffix.lower() not in _WRITTEN:
        raise typer.BadParameter(
            f"expected a name that ends in .html or .png, got {out}", param_hint="'--out' / '-o'"
        )
    _check_places(reference, out, overwrite=overwrite)
    cheap = _cheap(pictures[0], damaged, patience, hole_mask)
    network = None if reference is None else lpips_network()
    on_luma = cheap is not None and cheap.task.on_luma
    entrants: list[Entrant] = []
    for path in pictures:
        try:
            entrants.append(entrant(path, reference, network, on_luma=on_luma))
        except PriorfitError as error:
            complain(str(error), path)
    failed = len(entrants) < len(pictures)
    if cheap is not None and entrants:
        entrants += _made(cheap, pictures[0], reference)
    if entrants:
        _show([_row(each) for each in entrants], json=json)
    notes = _notes(entrants, cheap)
    for note in notes:
        complain(note)
    if out is not None and entrants:
        shown = _pictures(entrants, cheap, reference)
        _write(out, shown, entrants, notes, overwrite=overwrite)
    raise typer.Exit(int(failed))


def _check_places(reference: Path | None, out: Path | None, *, overwrite: bool) -> None:
    """Find out before minutes of work, and once for all pictures."""
    from priorfit import images
    from priorfit.errors import ImageFileError
    from priorfit.images.atomic import exists_already

    if reference is not None:
        images.format_in(reference)
    if out is not None and out.exists() and not overwrite:
        raise ImageFileError(f"{exists_already(out)} (--overwrite)")


def _cheap(
    restored: Path, damaged: Path | None, patience: float, hole_mask: Path | None
) -> "Cheap | None":
    from priorfit.runs.contest import cheap_side

    if damaged is None:
        return None
    return cheap_side(restored, damaged, patience, hole_mask)


def _made(cheap: "Cheap", restored: Path, reference: Path | None) -> "list[Entrant]":
    """What the cheap methods made, measured like the results."""
    from priorfit import images
    from priorfit.runs.contest import Entrant, measured
    from priorfit.runs.measure import lpips_network, read_reference

    clean, network = None, None
    if reference is not None:
        picture = images.read(restored)
        clean, network = read_reference(reference, picture, picture.shape), lpips_network()
    return [
        Entrant(
            each.name,
            each.image,
            round(each.seconds, 3),
            measured(each.image, clean, network, on_luma=cheap.task.on_luma),
            restored=False,
        )
        for each in cheap.made
    ]


def _row(entrant: "Entrant") -> dict[str, object]:
    from priorfit.records.sidecar import load_sidecar

    height, width = entrant.image.shape[-2:]
    row: dict[str, object] = {"picture": entrant.name, "size": f"{width}×{height}"}
    row |= entrant.metrics
    beside = load_sidecar(Path(entrant.name)) if entrant.restored else None
    if beside is not None:
        row |= {"task": beside.task, "recipe": beside.recipe, "steps": beside.steps}
    return row if entrant.seconds is None else row | {"seconds": entrant.seconds}


def _show(rows: Sequence[dict[str, object]], *, json: bool) -> None:
    if json:
        for row in rows:
            say(jsonlib.dumps({name: _plain(value) for name, value in row.items()}))
        return
    more = [name for name in _MORE if any(name in row for row in rows)]
    head = [*_HEAD[:4], *more, *_HEAD[4:]]
    table(head, [[_shown(row.get(name)) for name in head] for row in rows])


def _notes(entrants: "Sequence[Entrant]", cheap: "Cheap | None") -> list[str]:
    """What has to be said of the comparison."""
    from priorfit.runs.beside import compared

    if cheap is None:
        return []
    others = {each.name: each.metrics for each in entrants if not each.restored}
    notes = []
    if cheap.guessed:
        notes.append(f"no sidecar says what was done: taken for the task {cheap.task.kind}")
    for each in entrants:
        said = compared(each.metrics, others) if each.restored else None
        notes += [] if said is None else [f"{each.name}: {said}"]
    if cheap.left_out:
        notes.append(f"left out, --patience gives them time: {', '.join(cheap.left_out)}")
    return notes


def _pictures(
    entrants: "Sequence[Entrant]", cheap: "Cheap | None", reference: Path | None
) -> "list[tuple[str, Image]]":
    """What is shown, by name: the damaged picture first, the clean one last."""
    from priorfit import images
    from priorfit.guarantee.comparators import AS_IT_WAS
    from priorfit.report.embed import seen_in
    from priorfit.runs.contest import finite

    units = seen_in(images.read(entrants[0].name))
    pictures = [
        (Path(each.name).name if each.restored else each.name, each.image)
        for each in entrants
        if each.name != AS_IT_WAS.name
    ]
    if reference is not None:
        pictures.append(("reference", images.read(reference).tensor()))
    first = entrants[0].image.shape
    same = [(name, image) for name, image in pictures if image.shape == first]
    shown = same if cheap is None else [("damaged", cheap.observed), *same]
    return [(name, finite(units.inward(image))) for name, image in shown]


def _write(
    out: Path,
    shown: "Sequence[tuple[str, Image]]",
    entrants: "Sequence[Entrant]",
    notes: Sequence[str],
    *,
    overwrite: bool,
) -> None:
    from priorfit.report.contest import Page, table, write_page, write_sheet

    if out.suffix.lower() == ".png":
        write_sheet(out, shown, overwrite=overwrite)
    else:
        rows = [(each.name, each.metrics, each.seconds) for each in entrants]
        command = shlex.join(["priorfit", *sys.argv[1:]])
        title = f"{Path(entrants[0].name).name} beside other methods"
        write_page(out, Page(title, shown, table(rows), notes, command), overwrite=overwrite)
    say(f"{out}: written", error=True)


def _plain(value: object) -> object:
    """JSON has no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
