"""`priorfit checkpoints`."""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from priorfit.cli import options
from priorfit.cli.misuse import Commands
from priorfit.cli.session import INTERRUPTED, complain, printable, reason, say, table

if TYPE_CHECKING:
    from priorfit.checkpoints.download import Progress
    from priorfit.checkpoints.published.file import Published

_COLUMNS = ("checkpoint", "where", "kind", "pixels", "for", "size", "licence", "from", "sha256")

checkpoints = typer.Typer(
    cls=Commands,
    help="List, download, import and check trained networks.",
    no_args_is_help=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name from `checkpoints list`.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Names from `checkpoints list`.")]
Some = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Names from `checkpoints list` (default: all local)."),
]


@checkpoints.command("list")
def list_checkpoints(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="Show only rows that contain every WORD."),
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Only local ones.")] = False,
) -> None:
    """List local checkpoints and published files that can be fetched or imported."""
    from priorfit.checkpoints.catalog import CATALOG
    from priorfit.store import folders
    from priorfit.store.workshop import sweep

    sweep()
    present = folders.names()
    rows = [_present(name, folder) for name, folder in sorted(present.items())]
    if not here:
        rows += [_apart(name) for name in folders.SHIPPED if folders.not_installed(name)]
        rows += [_absent(file) for name, file in CATALOG.items() if name not in present]
    wanted = [word.lower() for word in words or ()]
    rows = [row for row in rows if all(word in "\t".join(row).lower() for word in wanted)]
    columns = len(_COLUMNS)
    if sys.stdout.isatty():  # addresses and hashes are too wide for it
        columns -= 2
        say(f"here: {folders.home()}; set PRIORFIT_HOME to move it", error=True)
        say("`checkpoints show NAME` prints the address and hash of a file", error=True)
    table(_COLUMNS[:columns], [row[:columns] for row in rows])


@checkpoints.command()
def where() -> None:
    """Print the folder of your checkpoints."""
    from priorfit.store import folders

    say(str(folders.home()))


@checkpoints.command()
def show(name: Name) -> None:
    """Show the settings, source and licence of a checkpoint or of a published file."""
    from priorfit.checkpoints.catalog import CATALOG, published
    from priorfit.errors import CheckpointError

    folder = _found(name)
    facts = {} if folder is None else _facts(folder)
    try:
        facts |= {} if folder and name not in CATALOG else _published(published(name))
    except CheckpointError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    table(("", name), [(key, str(value)) for key, value in facts.items()])


@checkpoints.command()
def fetch(
    names: Names,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Fetch again what is already here.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the downloaded file, to import its other networks.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Download published files and import them. Interrupted downloads resume."""
    from priorfit.checkpoints.catalog import published
    from priorfit.errors import CheckpointError
    from priorfit.store import folders

    try:
        files = [published(name) for name in names]
    except CheckpointError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    failed = 0
    for file in files:
        if not overwrite and file.name in folders.names():
            _say_unless(quiet, f"{file.name}: here already, in {folders.names()[file.name]}")
            continue
        try:
            _fetched(file, overwrite=overwrite, keep=keep, quiet=quiet)
        except KeyboardInterrupt:
            _interrupted(file)
        except Exception as error:
            complain(f"{file.name}: {reason(error)}")
            failed += 1
    raise typer.Exit(int(failed > 0))


@checkpoints.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            callback=options.local,
            help="File: .pth, .pt, .bin, .pkl, .npy, .npz or .safetensors.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Name of the checkpoint (default: as the file)."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option("--part", help="Network to take of several (default: averaged generator)."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            metavar="KEY=VALUE",
            help="What the file does not say: space=w, preparation=caffe. May be repeated.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a checkpoint of that name.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Import a published file as a checkpoint. No code in the file is executed."""
    from priorfit.checkpoints.catalog import CATALOG
    from priorfit.errors import CheckpointError
    from priorfit.store import folders

    try:
        known = None if name is None else CATALOG.get(folders.place(name).name)
    except CheckpointError as error:
        raise typer.BadParameter(str(error), param_hint="'--as'") from None
    settings = _settings(setting or ())
    from priorfit.checkpoints.fetch import adopt
    from priorfit.checkpoints.importing import import_file

    with _busy(f"reading {path.name}", shown=not quiet):
        if known is not None and part is None and not settings:
            folder = adopt(known, path, overwrite=overwrite)
        else:
            folder = import_file(path, name, part, overwrite, settings)
    _say_unless(quiet, _done(folder))


@checkpoints.command()
def verify(names: Some = None, quiet: options.Quiet = False) -> None:
    """Compare checkpoints with the hashes recorded at their import."""
    from priorfit.checkpoints.verify import verify as verdicts
    from priorfit.store.workshop import sweep

    sweep()
    found = verdicts(names or ())
    if not quiet:
        table(("checkpoint", "state"), [(verdict.name, verdict.state) for verdict in found])
    wrong = [verdict for verdict in found if verdict.state != "ok"]
    for verdict in wrong:
        complain(f"{verdict.name}: {verdict.state}: {verdict.detail}")
    raise typer.Exit(int(len(wrong) > 0))


@checkpoints.command()
def remove(names: Names, quiet: options.Quiet = False) -> None:
    """Delete checkpoints of your own."""
    from priorfit.store import folders
    from priorfit.store.workshop import sweep

    sweep()
    failed = 0
    for name in names:
        try:
            _say_unless(quiet, f"{name}: deleted, {folders.remove(name)}")
        except Exception as error:
            complain(reason(error))
            failed += 1
    raise typer.Exit(int(failed > 0))


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """Parse KEY=VALUE; a value that is JSON, a number or true say, is that."""
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise typer.BadParameter(f"expected KEY=VALUE, got '{text}'", param_hint="'--setting'")
        try:
            settings[key] = json.loads(value)
        except (ValueError, RecursionError):
            settings[key] = value
    return settings


def _present(name: str, folder: Path) -> tuple[str, ...]:
    from priorfit.checkpoints.catalog import CATALOG
    from priorfit.errors import CheckpointError
    from priorfit.store import folders
    from priorfit.store.description import model_of, read_config

    place = "comes with priorfit" if folder.parent == folders.ZOO else "here"
    try:
        config = read_config(folder)
    except CheckpointError:
        return name, "damaged", *[""] * (len(_COLUMNS) - 2)
    source = config["source"]
    file = CATALOG.get(str(source.get("published")))
    purpose = file.does if file else str(source.get("about") or source.get("file") or "")
    told = [str(source.get(key) or "") for key in ("license", "file", "sha256")]
    model = model_of(folder, config)
    size = _megabytes(model.stat().st_size if model.is_file() else 0)
    told[0] = told[0] or (file.licence if file else "")
    return name, place, config["kind"], _pixels(file), purpose, size, *told


def _absent(file: "Published") -> tuple[str, ...]:
    how = "by hand" if file.url is None else "to fetch"
    size = _megabytes(file.length) if file.length else ""
    size = size or (f"about {file.megabytes} MB" if file.megabytes else "")
    source, digest = file.url or file.page, file.sha256 or ""
    return file.name, how, file.kind, _pixels(file), file.does, size, file.licence, source, digest


def _apart(name: str) -> tuple[str, ...]:
    row = name, "pip install priorfit-zoo", *[""] * 4, "research use"
    return *row, *[""] * (len(_COLUMNS) - len(row))


def _megabytes(length: int) -> str:
    return f"{length / 1e6:.1f} MB"


def _pixels(file: "Published | None") -> str:
    return "" if file is None or file.size is None else f"{file.size[1]}×{file.size[0]}"


def _found(name: str) -> Path | None:
    from priorfit.errors import CheckpointError
    from priorfit.store import folders

    try:
        return folders.find(name)
    except CheckpointError:
        return None


def _facts(folder: Path) -> dict[str, Any]:
    """What stands in a checkpoint's description."""
    from priorfit.store.description import MODEL, MODEL_SHA256, model_of, read_config

    config = read_config(folder)
    model = model_of(folder, config)
    size = _bytes(model.stat().st_size) if model.is_file() else "missing"
    facts: dict[str, Any] = {"folder": folder, "kind": config["kind"], MODEL: size}
    facts[f"{MODEL} sha256"] = config.get(MODEL_SHA256, "not known")
    return facts | _prefixed("config", config["config"]) | _prefixed("source", config["source"])


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix} {key}": value for key, value in values.items()}


def _published(file: "Published") -> dict[str, Any]:
    """What the catalogue says of a file."""
    from priorfit.checkpoints.catalog import by_hand

    length = None if file.megabytes is None else f"about {file.megabytes} MB"
    known = {
        "file": file.file,
        "for": file.does,
        "kind": file.kind,
        "pixels": _pixels(file) or None,
        "page": file.page,
        "address": file.url,
        "length": length if file.length is None else _bytes(file.length),
        "sha256": file.sha256 or "not known; kept at the first import",
        "licence of the code": file.code,
        "licence of the weights": file.weights,
        "note": file.note or None,
        "by hand": by_hand(file),
    }
    settings = {f"setting {key}": value for key, value in file.settings}
    facts = known | settings
    return {f"published {key}": value for key, value in facts.items() if value is not None}


def _fetched(file: "Published", *, overwrite: bool, keep: bool, quiet: bool) -> None:
    from priorfit.checkpoints.fetch import fetch as fetched

    _say_unless(quiet, f"{file.name}: {file.licence}{_origin(file)}", error=True)
    with _bar(file.file, shown=not quiet) as progress:
        folder = fetched(file.name, progress, overwrite=overwrite, keep=keep)
    _say_unless(quiet, _done(folder))


def _origin(file: "Published") -> str:
    if file.url is None:
        return ""
    length = "" if file.megabytes is None else f"{file.megabytes} MB "
    return f"; {length}from {urlsplit(file.url).hostname}"


def _interrupted(file: "Published") -> None:
    from priorfit.checkpoints.catalog import waiting

    put = waiting(file)
    again = shlex.join(["priorfit", "checkpoints", "fetch", file.name])
    part = put.with_name(put.name + ".part")
    kept = f"{part} is kept, `{again}` continues" if part.exists() else "nothing was written"
    complain(f"{file.name}: interrupted, {kept}")
    raise typer.Exit(INTERRUPTED)


def _done(folder: Path) -> str:
    from priorfit.store.description import read_config

    return f"{folder.name}: {read_config(folder)['kind']}, in {folder}"


def _bytes(count: int) -> str:
    return f"{count:,} bytes"


def _say_unless(quiet: bool, line: str, *, error: bool = False) -> None:
    if not quiet:
        say(line, error=error)


@contextmanager
def _busy(what: str, *, shown: bool) -> Iterator[None]:
    """Show on a terminal that something goes on."""
    if not (shown and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(printable(what))):
        yield


@contextmanager
def _bar(what: str, *, shown: bool) -> "Iterator[Progress | None]":
    """Show a bar on stderr while the block runs, if that is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(printable(what), total=None)

        def watch(done: int, total: int | None) -> None:
            bars.update(bar, completed=done, total=total)

        yield watch
