"""`priorfit deblur`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common
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


def deblur(
    inputs: options.Inputs,
    output: options.Output,
    psf: Psf = None,
    gaussian: Gaussian = None,
    motion: Motion = None,
    recipe: options.Recipe = "dip/deblur",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    steps: options.Steps = None,
    time_limit: options.TimeLimit = None,
    reference: options.Reference = None,
    report: options.Report = False,
    snapshots: options.Snapshots = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    overwrite: options.Overwrite = False,
    threads: options.Threads = None,
) -> None:
    """Undo a known blur."""
    if (psf, gaussian, motion).count(None) != 2:
        raise typer.BadParameter("expected one of --psf, --gaussian and --motion")
    if gaussian is not None and not 0 < gaussian < float("inf"):
        raise typer.BadParameter("expected pixels, above 0", param_hint="'--gaussian'")
    line = None if motion is None else options.motion(motion)
    common = Common(
        recipe=recipe,
        seed=seed,
        device=device,
        steps=steps,
        time_limit=time_limit,
        reference=reference,
        report=report,
        snapshots=options.snapshots(snapshots),
        json=json,
        quiet=quiet,
        overwrite=overwrite,
        threads=threads,
    )

    from priorfit.pipeline import Deblur

    restore(inputs, output, common, lambda path: Deblur(psf=psf, gaussian=gaussian, motion=line))
