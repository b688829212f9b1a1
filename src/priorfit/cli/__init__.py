"""The command line: parse, call, print. Each command imports what it needs when it runs."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from priorfit.cli.analyse import analyse
from priorfit.cli.bench import bench
from priorfit.cli.checkpoints import checkpoints
from priorfit.cli.compare import compare
from priorfit.cli.deblur import deblur
from priorfit.cli.dejpeg import dejpeg
from priorfit.cli.demo import demo
from priorfit.cli.denoise import denoise
from priorfit.cli.enhance import enhance
from priorfit.cli.fuse import fuse
from priorfit.cli.inpaint import inpaint
from priorfit.cli.recipes import recipes
from priorfit.cli.resume import resume
from priorfit.cli.session import INTERRUPTED, complain, reason, say
from priorfit.cli.train import train
from priorfit.cli.upscale import upscale
from priorfit.signals import terminating

# Wrong usage, in whichever package the installed Typer keeps it.
_MISUSE: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def priorfit(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    """Restore damaged pictures with priors that need no training data."""
    if version:
        from priorfit.sidecar import version as installed

        say(f"priorfit {installed()}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (denoise, inpaint, upscale, deblur, dejpeg, fuse, enhance, compare, resume, demo):
    app.command()(command)
app.add_typer(recipes, name="recipes")
app.add_typer(analyse, name="analyse")
app.add_typer(checkpoints, name="checkpoints")
app.add_typer(train, name="train")
app.add_typer(bench, name="bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        Exit status: 0 all done, 1 something failed, 2 wrong usage, 130 interrupted.
    """
    logging.lastResort = None  # what libraries log where nobody listens
    with warnings.catch_warnings(), terminating():
        warnings.simplefilter("ignore")
        return _status(None if arguments is None else list(arguments))


def _status(arguments: list[str] | None) -> int:
    try:
        return app(arguments, prog_name="priorfit", standalone_mode=False) or 0
    except _MISUSE as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted, nothing was written")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our lines has left; Python must not try again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        complain(reason(error))
        return 1


def _misused(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    command = "priorfit" if context is None else context.command_path
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    complain(f"{message.rstrip('.')} (see {command} --help)")
    return 2
