"""Arguments and options that several commands share, each described once."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/")


def named(value: Any) -> Any:
    """Refuse an output that is a stream or an address.

    Raises:
        BadParameter: it is.
    """
    if str(value) in ("-", "/dev/stdout"):
        raise typer.BadParameter("nothing is written to standard output: expected a name")
    if value is not None and _ADDRESS.match(str(value)):
        raise typer.BadParameter(f"nothing is written to an address: expected a name, got {value}")
    return value


def local(value: Any) -> Any:
    """Refuse an address where a file is read.

    Raises:
        BadParameter: it is one.
    """
    for each in value if isinstance(value, list) else [value]:
        if each is not None and _ADDRESS.match(str(each)) and not Path(each).exists():
            raise typer.BadParameter(f"{each} is an address, and nothing is downloaded from it")
    return value


Inputs = Annotated[
    list[Path], typer.Argument(metavar="IMAGE", help="Pictures to restore.", show_default=False)
]
Output = Annotated[
    str,  # since a Path forgets the slash at its end
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="File to write; or a folder, made if missing: for several pictures, or by a name "
        "without an ending or with / at its end.",
        show_default=False,
        callback=named,
    ),
]
Record = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", callback=named, help="JSON to write."),
]
Recipe = Annotated[
    str, typer.Option("--recipe", metavar="NAME", help="As `priorfit recipes list` names them.")
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**63 - 1, help="The same seed makes the same picture."),
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", metavar="NAME")
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, help="Length of the fit; the recipe's own by default."),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Wall time for each picture; with --steps, whichever ends first.",
    ),
]
Stop = Annotated[
    str | None,
    typer.Option(
        "--stop",
        metavar="RULE",
        help="Rule that may end the fit earlier and picks its picture: auto, none, held-out, "
        "variance, moving-variance, objective or residual; the recipe's own by default.",
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference",
        metavar="CLEAN",
        help="Clean picture, or folder of them: adds PSNR and SSIM, changes no pixel.",
    ),
]
Report = Annotated[
    bool, typer.Option("--report", help="Write a page with slider, curve and settings beside it.")
]
Uncertainty = Annotated[
    str | None,
    typer.Option(
        "--uncertainty",
        metavar="PATH",
        help="Write the standard deviation of every pixel too: .tif and .npy as numbers, .png "
        "scaled as the sidecar says. For recipes that average over runs or a posterior.",
        callback=named,
    ),
]
Snapshots = Annotated[
    str | None,
    typer.Option(
        "--snapshots",
        metavar="STEPS",
        help="Keep the picture of these steps too, say 100,600,2400, and what the fit began with.",
    ),
]
Sequence = Annotated[
    int | None,
    typer.Option(
        "--sequence",
        metavar="STEPS",
        min=1,
        help="The pictures are frames in order: each fit after the first begins where the one "
        "before it ended, and takes so many steps.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object a picture on stdout, nothing else there.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
Force = Annotated[
    bool, typer.Option("--force", help="Restore what seems to need no restoring too.")
]
HandOut = Annotated[
    str | None,
    typer.Option(
        "--hand-out",
        metavar="best|fit|NAME",
        help="What is written: the best of the fit and cheap methods as far as the evidence tells "
        "(the default), the fit itself (the default with --steps, unless it is cut short, or a "
        "-paper recipe), or the cheap method NAME without any fit, such as non-local-means.",
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave pictures alone that are done already, and go on with those that were broken "
        "off.",
    ),
]
CheckpointEvery = Annotated[
    float | None,
    typer.Option(
        "--checkpoint-every",
        metavar="SECONDS",
        min=0,
        help="How often a long fit keeps what it needs to outlive a kill; every minute by default.",
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        "--tile",
        metavar="PIXELS",
        min=48,
        help="Fit tiles of so many pixels of the picture a side, cross-faded; chosen for the "
        "memory there is by default.",
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Memory that may be taken, say 8GB; what the system has free by default.",
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="What each cheap method may take; ZS-N2N takes minutes.",
    ),
]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        metavar="NAME",
        help="Trained classifier: a folder, or as `priorfit checkpoints list` names it.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option("--size", min=16, help="Bring the picture's central square to so many pixels."),
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Processor threads; torch's own by default.")
]


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{unit}I": 2 ** (10 * power) for power, unit in enumerate("KMGT", 1)}


def memory(text: str | None) -> int | None:
    """Parse a size: 8GB, 500 MB, 7.5G, 4GiB, or bytes."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?I?)B?", text.strip().upper())
    if found is None or found[2] not in _UNITS or not float(found[1]):
        raise typer.BadParameter(
            f"expected a size, say 8GB or 500MB, got '{text}'", param_hint="'--memory-limit'"
        )
    return max(1, round(float(found[1]) * _UNITS[found[2]]))


def snapshots(text: str | None) -> tuple[int, ...]:
    """Parse steps between commas, from 1."""
    try:
        steps = [] if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        steps = [0]
    if any(step < 1 for step in steps):
        raise typer.BadParameter(
            f"expected steps from 1 between commas, say 100,600,2400, got '{text}'",
            param_hint="'--snapshots'",
        )
    return tuple(sorted(set(steps)))
