"""`priorfit denoise`."""

from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
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
            help="Standard deviation of the noise as a fraction of full scale, 0 to 1.",
        ),
    ] = "auto",
    *,
    common: Common,
) -> None:
    """Remove noise."""
    level = options.noise_std(noise_std)

    from priorfit.pipeline import Denoise

    restore(inputs, output, common, lambda path: Denoise(noise_std=level))
