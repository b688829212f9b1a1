"""What to say of wrong usage: the line, and what was probably meant."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperGroup

from priorfit.tasks import COMING, TASKS

# Names that other programs have for our options, each with ours in the order of likelihood.
_OPTIONS = {
    "--mask": ("--hole-mask",),
    "--hole": ("--hole-mask",),
    "--holes": ("--hole-mask",),
    "--inpaint-mask": ("--hole-mask",),
    "--dilate": ("--grow-mask",),
    "--dilate-mask": ("--grow-mask",),
    "--expand-mask": ("--grow-mask",),
    "--sigma": ("--noise-std", "--gaussian"),
    "--std": ("--noise-std", "--gaussian"),
    "--noise": ("--noise-std",),
    "--noise-level": ("--noise-std",),
    "--noise-sigma": ("--noise-std",),
    "--level": ("--noise-std",),
    "--strength": ("--noise-std", "--amount"),
    "--scale": ("--factor",),
    "--scale-factor": ("--factor",),
    "--upscale": ("--factor",),
    "--zoom": ("--factor",),
    "--outscale": ("--factor",),
    "--kernel": ("--psf",),
    "--blur": ("--psf", "--gaussian"),
    "--blur-kernel": ("--psf",),
    "--method": ("--recipe",),
    "--model": ("--recipe", "--network"),
    "--preset": ("--recipe",),
    "--iterations": ("--steps",),
    "--iter": ("--steps",),
    "--iters": ("--steps",),
    "--num-iter": ("--steps",),
    "--num-steps": ("--steps",),
    "--epochs": ("--steps",),
    "--timeout": ("--time-limit",),
    "--max-time": ("--time-limit",),
    "--out": ("--output",),
    "--outdir": ("--output",),
    "--output-dir": ("--output",),
    "--out-dir": ("--output",),
    "--dest": ("--output",),
    "--gpu": ("--device",),
    "--cuda": ("--device",),
    "--cpu": ("--device",),
    "--workers": ("--threads",),
    "--jobs": ("--threads",),
    "--num-threads": ("--threads",),
    "--tile-size": ("--tile",),
    "--memory": ("--memory-limit",),
    "--max-memory": ("--memory-limit",),
    "--ram": ("--memory-limit",),
    "--gt": ("--reference",),
    "--ground-truth": ("--reference",),
    "--target": ("--reference",),
    "--clean": ("--reference",),
    "--random-seed": ("--seed",),
    "--random-state": ("--seed",),
    "--rng": ("--seed",),
    "--silent": ("--quiet",),
    "--clobber": ("--overwrite",),
    "-f": ("--overwrite",),
    "-y": ("--overwrite",),
}

_COMMANDS = {
    **{synonym: name for name, task in TASKS.items() for synonym in task.synonyms},
    "analyze": "analyse",
    "benchmark": "bench",
    "recipe": "recipes",
    "checkpoint": "checkpoints",
    "continue": "resume",
    "version": "--version",
    "help": "--help",
}

_WORDS = {
    ": Value error, ": ": ",
    "Input should be a valid integer, .*": "expected a whole number",
    "Input should be a valid number, .*": "expected a number",
    r"Input should be greater than or equal to (\S+)": r"expected \1 or more",
    r"Input should be less than or equal to (\S+)": r"expected \1 or less",
}
_TAKES_PICTURE = "denoise photo.png -o clean.png"


class Commands(TyperGroup):
    """The commands, with a word on those that are not there."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple:
        """As the group does, for a name that it has."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            top = ctx.parent is None
            ctx.fail(_no_command(name, self.list_commands(ctx), top=top))
        return super().resolve_command(ctx, args)


def _no_command(name: str, known: Iterable[str], *, top: bool) -> str:
    lower = name.lower()
    coming = COMING.get(lower) if top else None
    if coming is not None and coming not in TASKS:
        return f"'{coming}' is on its way, and not in this version yet"
    message = f"no such command '{name}'"
    meant = (_COMMANDS.get(lower) if top else None) or _like(lower, known)
    if meant is not None:
        return f"{message}: did you mean '{meant}'?"
    if top and ("." in name or "/" in name):
        return f"expected a command before the picture, say {_TAKES_PICTURE}, got '{name}'"
    return f"{message}: there are {', '.join(known)}"


def line_of(error: Exception) -> str:
    """One line for wrong usage: what is wrong, what may be meant, and where help is.

    Args:
        error: of Typer, in whichever class the installed version has it.
    """
    context = getattr(error, "ctx", None)
    where = "priorfit" if context is None else context.command_path
    option = getattr(error, "option_name", None)
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    message = _plain(message.rstrip("."))
    if context is not None and isinstance(option, str) and message.startswith("No such option"):
        message = _no_option(option, _options(context))
    elif context is not None and message == "Missing command":
        message = f"expected a command: {', '.join(context.command.list_commands(context))}"
    return f"{message} (see {where} --help)"


def _plain(message: str) -> str:
    """The words of the libraries that check values, in ours."""
    for theirs, ours in _WORDS.items():
        message = re.sub(theirs, ours, message)
    return message


def _options(context: typer.Context) -> list[str]:
    every = [name for parameter in context.command.params for name in parameter.opts]
    return [name for name in every if name.startswith("-")]


def _no_option(option: str, known: list[str]) -> str:
    name = option.partition("=")[0]
    if name in ("-i", "--input"):
        return f"no such option {name}: pictures are named without one"
    meant = next((ours for ours in _OPTIONS.get(name.lower(), ()) if ours in known), None)
    meant = meant or _like(name.lower(), known)
    return f"no such option {name}" + (f": did you mean {meant}?" if meant else "")


def _like(name: str, known: Iterable[str]) -> str | None:
    """The name that is most like one that is not known: by its spelling, or as a part of it."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1, 0.7)
    if close:
        return close[0]
    bare = name.lstrip("-")
    inside = [each for each in names if len(bare) > 3 and bare in each]
    return inside[0] if len(inside) == 1 else None
