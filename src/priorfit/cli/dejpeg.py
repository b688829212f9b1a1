"""`priorfit dejpeg`."""

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore


@restoring("dip/dejpeg")
def dejpeg(
    inputs: options.Inputs,
    output: options.Output,
    *,
    common: Common,
) -> None:
    """Remove the artefacts of JPEG compression."""
    from priorfit.runs import Dejpeg

    restore(inputs, output, common, lambda path: Dejpeg())
