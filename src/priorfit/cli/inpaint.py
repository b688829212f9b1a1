"""`priorfit inpaint`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore

HoleMask = Annotated[
    Path | None,
    typer.Option(
        "--hole-mask",
        metavar="MASK",
        help="White or grey where pixels are to be filled; one for all pictures, or a folder of "
        "them.",
    ),
]
KnownMask = Annotated[
    Path | None,
    typer.Option(
        "--known-mask", metavar="MASK", help="The opposite: white where pixels are known."
    ),
]
HoleFromAlpha = Annotated[bool, typer.Option("--hole-from-alpha", help="Fill what is transparent.")]
GrowMask = Annotated[
    int,
    typer.Option(
        "--grow-mask", metavar="PIXELS", min=0, help="Make the hole wider by so many pixels."
    ),
]
PasteBack = Annotated[
    bool,
    typer.Option(
        "--paste-back/--no-paste-back", help="Give known pixels back as they were, bit for bit."
    ),
]


@restoring("auto")
def inpaint(
    inputs: options.Inputs,
    output: options.Output,
    hole_mask: HoleMask = None,
    known_mask: KnownMask = None,
    hole_from_alpha: HoleFromAlpha = False,
    grow_mask: GrowMask = 0,
    paste_back: PasteBack = True,
    *,
    common: Common,
) -> None:
    """Fill holes: white or grey in a mask, transparent, or NaN.

    The recipe is chosen by the mask, and named, unless --recipe names one.
    """
    if hole_mask is not None and known_mask is not None:
        raise typer.BadParameter("expected one mask, got --hole-mask and --known-mask")

    from priorfit.runs import Inpaint, matched

    def task(path: Path) -> Inpaint:
        return Inpaint(
            hole_mask=hole_mask and matched(hole_mask, path),
            known_mask=known_mask and matched(known_mask, path),
            hole_from_alpha=hole_from_alpha,
            grow_mask=grow_mask,
            paste_back=paste_back,
        )

    restore(inputs, output, common, task)
