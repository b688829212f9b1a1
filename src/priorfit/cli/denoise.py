"""`priorfit denoise`."""

from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.noise import noise_std as parsed
from priorfit.cli.session import restore


@restoring("dip/denoise")
def denoise(
    inputs: options.Inputs,
    output: options.Output,
    noise_std: Annotated[
        str,
        typer.Option(
            "--noise-std",
            metavar="S|auto",
            help="Standard deviation of the noise: a fraction of full scale such as 0.1 or 25/255, "
            "or 12counts in the picture's own units.",
        ),
    ] = "auto",
    *,
    common: Common,
) -> None:
    """Remove noise."""
    level = parsed(noise_std)

    from priorfit.runs import Denoise

    task = Denoise(noise_std=level.fraction, noise_std_counts=level.counts)
    restore(inputs, output, common, lambda path: task)
