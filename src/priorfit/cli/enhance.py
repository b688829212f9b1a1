"""`priorfit enhance`."""

from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore


@restoring("dip/enhance")
def enhance(
    inputs: options.Inputs,
    output: options.Output,
    amount: Annotated[
        float,
        typer.Option(
            "--amount",
            min=-1,
            max=10,
            help="How much of the detail is added; -1 takes it away.",
        ),
    ] = 1.0,
    *,
    common: Common,
) -> None:
    """Boost detail: what a short fit leaves out. Fewer --steps, coarser detail."""
    from priorfit.runs import Enhance

    restore(inputs, output, common, lambda path: Enhance(amount=amount))
