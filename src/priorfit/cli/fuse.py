"""`priorfit fuse`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.common import Common, restoring
from priorfit.cli.session import restore


@restoring("dip/fuse")
def fuse(
    output: options.Output,
    flash: Annotated[Path, typer.Option("--flash", help="Taken with flash.", show_default=False)],
    no_flash: Annotated[
        Path,
        typer.Option("--no-flash", help="Taken without, whose light is kept.", show_default=False),
    ],
    *,
    common: Common,
) -> None:
    """Give a photograph the detail of another, taken with flash."""
    from priorfit.runs import Fuse

    restore([no_flash], output, common, lambda path: Fuse(flash=flash))
