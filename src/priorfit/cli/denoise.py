"""`priorfit denoise`."""

from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common
from priorfit.cli.session import restore


def denoise(
    inputs: options.Inputs,
    output: options.Output,
    noise_std: Annotated[
        str,
        typer.Option(
            "--noise-std",
            metavar="S|auto",
            help="Standard deviation of the noise as a fraction of full scale, 0 to 1.",
        ),
    ] = "auto",
    recipe: options.Recipe = "dip/denoise",
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
    """Remove noise."""
    level = options.noise_std(noise_std)
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

    from priorfit.pipeline import Denoise

    restore(inputs, output, common, lambda path: Denoise(noise_std=level))
