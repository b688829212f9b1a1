"""`priorfit dejpeg`."""

from priorfit.cli import options
from priorfit.cli.common import Common
from priorfit.cli.session import restore


def dejpeg(
    inputs: options.Inputs,
    output: options.Output,
    recipe: options.Recipe = "dip/dejpeg",
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
    """Remove the artefacts of JPEG compression."""
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

    from priorfit.pipeline import Dejpeg

    restore(inputs, output, common, lambda path: Dejpeg())
