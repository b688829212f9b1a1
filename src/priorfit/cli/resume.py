"""`priorfit resume`."""

from pathlib import Path
from typing import Annotated

import typer

from priorfit.cli import options
from priorfit.cli.session import (
    INTERRUPTED,
    complain,
    conclude,
    leave_if_interrupted,
    progress,
    report_of,
    set_up,
)


def resume(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of an unfinished run (*.run).")
    ],
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Continue a run that was interrupted or killed.

    The result has the same bytes as an uninterrupted run.
    """
    from priorfit import runs

    saved = runs.load_saved(folder)
    set_up(None)  # the run sets its own number of threads, when all of it has been checked
    try:
        with progress(saved.job.input, shown=not (json or quiet)) as watch:
            outcome = runs.resume(folder, watch, report=report_of)
    except KeyboardInterrupt:
        complain("interrupted before a step, nothing has changed", folder)
        raise typer.Exit(INTERRUPTED) from None
    conclude(outcome, as_json=json, quiet=quiet)
    leave_if_interrupted(outcome)
