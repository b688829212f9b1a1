"""The command line: parse, call, print. Each command imports what it needs when it runs."""

import importlib.metadata
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from priorfit.cli.analyse import analyse
from priorfit.cli.bench import bench
from priorfit.cli.checkpoints import checkpoints
from priorfit.cli.compare import compare
from priorfit.cli.demo import demo
from priorfit.cli.misuse import Commands, line_of
from priorfit.cli.recipes import recipes
from priorfit.cli.restoring import command_of
from priorfit.cli.resume import resume
from priorfit.cli.session import INTERRUPTED, complain, reason, say
from priorfit.cli.streams import open_closed_streams
from priorfit.cli.train import train
from priorfit.cli.waiting import sleep_while_waiting
from priorfit.signals import terminating
from priorfit.tasks import TASKS

# Wrong usage, in whichever package the installed Typer keeps it.
_MISUSE: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def priorfit(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Restore damaged pictures with priors that need no training data."""
    if version:
        say(f"priorfit {_installed()}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _installed() -> str:
    """Version of the installed package, as sidecars have it, without all that they import."""
    try:
        return importlib.metadata.version("priorfit")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


commands: list[Callable[..., None]] = [*map(command_of, TASKS.values()), compare, resume, demo]
for command in commands:
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
    open_closed_streams()
    try:
        return _main(arguments)
    except KeyboardInterrupt:  # a second one, while the first was said
        return INTERRUPTED


def _main(arguments: Sequence[str] | None) -> int:
    if (sys.argv[1:] if arguments is None else list(arguments)) == ["--version"]:
        say(f"priorfit {_installed()}")  # at once, before the other options are even looked at
        return 0
    sleep_while_waiting()
    logging.lastResort = None  # what libraries log where nobody listens
    with warnings.catch_warnings(), terminating():
        warnings.simplefilter("ignore")
        return _status(None if arguments is None else list(arguments))


def _status(arguments: list[str] | None) -> int:
    try:
        return app(arguments, prog_name="priorfit", standalone_mode=False) or 0
    except _MISUSE as error:
        complain(line_of(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted, nothing was written")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our lines has left; Python must not try again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        complain(reason(error))
        return 1
