"""`priorfit demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("demo"),
) -> None:
    """Damage sample photographs, restore them, and show both."""
    from priorfit.cli.session import set_up
    from priorfit.demo import main

    set_up(None)
    main(out)
