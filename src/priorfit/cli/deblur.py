"""`priorfit deblur`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore

Psf = Annotated[
    Path | None,
    typer.Option("--psf", metavar="FILE", help="Picture or .npy of the point spread function."),
]
Gaussian = Annotated[
    float | None,
    typer.Option("--gaussian", metavar="STD", help="A Gaussian, its deviation in pixels."),
]
Motion = Annotated[
    str | None,
    typer.Option(
        "--motion",
        metavar="LENGTH,ANGLE",
        help="Motion along a line, in pixels and degrees counter-clockwise.",
    ),
]


@restoring("dip/deblur")
def deblur(
    inputs: options.Inputs,
    output: options.Output,
    psf: Psf = None,
    gaussian: Gaussian = None,
    motion: Motion = None,
    *,
    common: Common,
) -> None:
    """Undo a known blur."""
    if (psf, gaussian, motion).count(None) != 2:
        raise typer.BadParameter("expected one of --psf, --gaussian and --motion")
    if gaussian is not None and not 0 < gaussian < float("inf"):
        raise typer.BadParameter("expected pixels, above 0", param_hint="'--gaussian'")
    line = None if motion is None else options.motion(motion)

    from priorfit.runs import Deblur

    restore(inputs, output, common, lambda path: Deblur(psf=psf, gaussian=gaussian, motion=line))
