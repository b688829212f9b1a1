"""The places where checkpoints lie, each a folder with model.safetensors and config.json."""

import os
import re
from importlib import metadata
from pathlib import Path

from priorfit.errors import CheckpointError
from priorfit.store.description import CONFIG, MODEL, arrivals

SHIPPED = ("scenes-biggan", "scenes-features", "scenes-stylegan")
"""What is in the zoo."""

_DISTRIBUTION = "priorfit-zoo"


def _zoo(inside: Path) -> Path:
    """Where the zoo lies: inside the package in a checkout, else where its distribution does."""
    if inside.is_dir():
        return inside
    try:
        return Path(str(metadata.distribution(_DISTRIBUTION).locate_file("priorfit_zoo")))
    except metadata.PackageNotFoundError:
        return inside


ZOO = _zoo(Path(__file__).resolve().parents[1] / "zoo")
"""Checkpoints that come with priorfit, or with the distribution priorfit-zoo; may be missing."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def home() -> Path:
    """Folder of the user's own checkpoints: $PRIORFIT_HOME/checkpoints, else below ~/.cache."""
    return _base() / "checkpoints"


def downloads() -> Path:
    """Folder where published files arrive, or are put by hand, to be imported."""
    return _base() / "downloads"


def place(name: str) -> Path:
    """Folder that a checkpoint of this name has or would have in the user's home.

    Raises:
        CheckpointError: the name is not lower-case letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise CheckpointError(
            f"'{name}' is no name for a checkpoint: up to 80 of a to z, 0 to 9, '.', '-' and '_', "
            "beginning with a letter or digit"
        )
    return home() / name


def find(name: str | os.PathLike[str]) -> Path:
    """Folder of a checkpoint: itself a folder, or the name of one in the user's home or the zoo.

    A network that came with another has a name like `scenes-biggan/discriminator`.

    Raises:
        CheckpointError: there is none.
    """
    for folder in _candidates(name):
        if (folder / CONFIG).is_file():
            return folder
    if (where := not_installed(name)) is not None:
        raise CheckpointError(f"no checkpoint '{name}': {where}")
    raise CheckpointError(
        f"no checkpoint '{name}': expected a folder with config.json and model.safetensors, or one "
        "of the names of `priorfit checkpoints list` that are here"
    )


def anchored(name: str) -> str:
    """The name of a checkpoint, or the absolute path of its folder, which holds everywhere."""
    *named, folder = _candidates(name)
    known = any((place / CONFIG).is_file() for place in named)
    return name if known or not folder.is_dir() else str(folder.absolute())


def not_installed(name: str | os.PathLike[str]) -> str | None:
    """How to get a network of the zoo where that is not installed; None for any other name."""
    if str(name).split("/", 1)[0] not in SHIPPED or ZOO.is_dir():
        return None
    return f"it comes with {_DISTRIBUTION}, for research use: `pip install {_DISTRIBUTION}`"


def names() -> dict[str, Path]:
    """Every checkpoint that is here, by name; the user's own come before those of the zoo."""
    folders = [*sorted(home().glob(f"*/{CONFIG}")), *sorted(ZOO.glob(f"*/{CONFIG}"))]
    return {path.parent.name: path.parent for path in reversed(folders)}


def remove(name: str) -> Path:
    """Delete one of the user's own checkpoints, its two files and nothing else; its folder.

    Raises:
        CheckpointError: there is none of this name in the user's home, or it cannot be deleted.
    """
    folder = place(name)
    if not folder.is_dir():
        raise CheckpointError(f"no checkpoint '{name}' in {home()}")
    try:
        for path in (folder / CONFIG, folder / MODEL, *arrivals(folder)):
            path.unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be deleted: {error.strerror or error}") from error
    return folder


def _base() -> Path:
    return Path(os.environ.get("PRIORFIT_HOME") or Path.home() / ".cache" / "priorfit")


def _candidates(name: str | os.PathLike[str]) -> list[Path]:
    parts = name.split("/", 1) if isinstance(name, str) else []
    known = bool(parts) and all(_NAME.fullmatch(part) for part in parts)
    named = [home().joinpath(*parts), ZOO.joinpath(*parts)] if known else []
    return [*named, Path(name)]
