"""`priorfit fuse`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common
from priorfit.cli.session import restore


def fuse(
    output: options.Output,
    flash: Annotated[Path, typer.Option("--flash", help="Taken with flash.", show_default=False)],
    no_flash: Annotated[
        Path,
        typer.Option("--no-flash", help="Taken without, whose light is kept.", show_default=False),
    ],
    recipe: options.Recipe = "dip/fuse",
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
    """Give a photograph the detail of another, taken with flash."""
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

    from priorfit.pipeline import Fuse

    restore([no_flash], output, common, lambda path: Fuse(flash=flash))
