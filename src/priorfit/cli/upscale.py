"""`priorfit upscale`."""

from enum import StrEnum
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common
from priorfit.cli.session import restore


class Kernel(StrEnum):
    """Windows that small pictures are made with; the first as Pillow does."""

    LANCZOS3 = "lanczos3"
    LANCZOS2 = "lanczos2"
    BICUBIC = "bicubic"
    AREA = "area"


def upscale(
    inputs: options.Inputs,
    output: options.Output,
    factor: Annotated[int, typer.Option("--factor", min=2, help="Times larger.")] = 4,
    kernel: Annotated[
        Kernel | None,
        typer.Option(
            "--kernel",
            help="How the small picture was made. [default: lanczos3; -paper recipes: lanczos2]",
        ),
    ] = None,
    recipe: options.Recipe = "dip/upscale",
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
    """Enlarge by a whole factor."""
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

    from priorfit.pipeline import Upscale
    from priorfit.tasks import kernel_of

    window = kernel_of(recipe, None if kernel is None else kernel.value)
    restore(inputs, output, common, lambda path: Upscale(factor=factor, kernel=window))
