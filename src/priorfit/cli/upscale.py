"""`priorfit upscale`."""

from enum import StrEnum
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore


class Kernel(StrEnum):
    """Windows that small pictures are made with; the first as Pillow does."""

    LANCZOS3 = "lanczos3"
    LANCZOS2 = "lanczos2"
    BICUBIC = "bicubic"
    AREA = "area"


@restoring("dip/upscale")
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
    *,
    common: Common,
) -> None:
    """Enlarge by a whole factor."""
    from priorfit.runs import Upscale
    from priorfit.tasks import kernel_of

    window = kernel_of(common.recipe, None if kernel is None else kernel.value)
    restore(inputs, output, common, lambda path: Upscale(factor=factor, kernel=window))
