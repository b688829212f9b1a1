"""`priorfit demo`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.session import INTERRUPTED, complain, set_up


def demo(
    out: Annotated[
        Path, typer.Option("--out", callback=options.named, help="Folder to write.")
    ] = Path("demo"),
) -> None:
    """Damage four sample photographs, restore them, and write a page that shows both."""
    try:
        from priorfit.demo import main

        set_up(None)
        main(out)
    except KeyboardInterrupt:
        done = f"what is done is in {out}" if out.is_dir() else "nothing was written"
        complain(f"interrupted, {done}")
        raise typer.Exit(INTERRUPTED) from None
