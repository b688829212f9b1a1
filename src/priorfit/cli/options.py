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
        help="File to write. For several pictures a folder; also a name without extension or "
        "ending in / is a folder.",
        show_default=False,
        callback=named,
    ),
]
Record = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", callback=named, help="JSON to write."),
]
Recipe = Annotated[
    str, typer.Option("--recipe", metavar="NAME", help="Name from `priorfit recipes list`.")
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**63 - 1, help="The same seed gives the same picture."),
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", metavar="NAME")
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, help="Steps of the fit (default: the recipe's)."),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Wall time per picture. With --steps, whichever ends first.",
    ),
]
Stop = Annotated[
    str | None,
    typer.Option(
        "--stop",
        metavar="RULE",
        help="Early-stopping rule: auto, none, held-out, variance, moving-variance, objective or "
        "residual (default: the recipe's).",
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference",
        metavar="CLEAN",
        help="Clean picture, or a folder of them: reports PSNR and SSIM. The result does not "
        "depend on it.",
    ),
]
Report = Annotated[
    bool, typer.Option("--report", help="Write an HTML page with slider, loss curve and settings.")
]
Uncertainty = Annotated[
    str | None,
    typer.Option(
        "--uncertainty",
        metavar="PATH",
        help="Write the standard deviation of every pixel: numbers in .tif and .npy, scaled in "
        ".png (the sidecar has the scale). For recipes that average runs or a posterior.",
        callback=named,
    ),
]
Snapshots = Annotated[
    str | None,
    typer.Option(
        "--snapshots",
        metavar="STEPS",
        help="Also write the pictures at these steps, such as 100,600,2400.",
    ),
]
Sequence = Annotated[
    int | None,
    typer.Option(
        "--sequence",
        metavar="STEPS",
        min=1,
        help="Treat the pictures as frames in order: each fit after the first starts from the "
        "previous one and takes STEPS steps.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per picture to stdout, nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
Force = Annotated[
    bool, typer.Option("--force", help="Restore also what seems to need no restoration.")
]
HandOut = Annotated[
    str | None,
    typer.Option(
        "--hand-out",
        metavar="best|fit|NAME",
        help="Result to write. best: the fit or a classical method, whichever has the smaller "
        "estimated error (default). fit: the fit (default with --steps and for -paper recipes). "
        "NAME: that classical method without a fit, such as non-local-means.",
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Skip finished pictures and resume interrupted ones.",
    ),
]
CheckpointEvery = Annotated[
    float | None,
    typer.Option(
        "--checkpoint-every",
        metavar="SECONDS",
        min=0,
        help="Seconds between checkpoints that `resume` continues from (default 60).",
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        "--tile",
        metavar="PIXELS",
        min=48,
        help="Fit overlapping tiles of this side in pixels (default: as large as memory allows).",
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Most memory to use, such as 8GB (default: what is free).",
    ),
]
Generator = Annotated[
    str | None,
    typer.Option(
        "--generator",
        metavar="NAME",
        help="Trained generator, for recipes that need one: a name that `priorfit checkpoints "
        "list` shows, or a folder; the recipe's own by default.",
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="Longest time for each classical method; ZS-N2N takes minutes.",
    ),
]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        metavar="NAME",
        help="Trained classifier: a folder, or a name from `priorfit checkpoints list`.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option("--size", min=16, help="Resize the central square to this side in pixels."),
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads (default: torch's choice).")
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
            f"expected a size such as 8GB or 500MB, got '{text}'", param_hint="'--memory-limit'"
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
            f"expected step numbers such as 100,600,2400, got '{text}'",
            param_hint="'--snapshots'",
        )
    return tuple(sorted(set(steps)))
