"""From the name of a published file to a checkpoint: downloaded, or put here by hand, imported."""

from pathlib import Path

from priorfit.checkpoints.catalog import by_hand, published, waiting
from priorfit.checkpoints.download import Patience, Progress, download
from priorfit.checkpoints.importing import Wish, placed
from priorfit.checkpoints.published.file import Published
from priorfit.errors import CheckpointError
from priorfit.store import folders
from priorfit.store.description import CONFIG, read_config
from priorfit.store.description import sha256 as file_hash


def fetch(
    name: str,
    progress: Progress | None = None,
    *,
    overwrite: bool = False,
    keep: bool = False,
    patience: Patience | None = None,
) -> Path:
    """Make a published file one of the user's own checkpoints; one that is here stays as it is.

    The file comes from its address, or from `waiting(…)` if somebody has put it there.

    Args:
        name: as the catalogue has it.
        progress: is told how far the download is.
        overwrite: fetch it even if the checkpoint is here.
        keep: leave a file that was downloaded where it is, for its other networks.
        patience: limits of the download.

    Returns:
        Folder of the checkpoint.

    Raises:
        CheckpointError: no such file is known, it must be fetched by hand, cannot be reached, is
            not what was published, or holds no network that is known.
    """
    file = published(name)
    place = folders.place(name)
    if (place / CONFIG).is_file() and not overwrite:
        return place
    put = waiting(file)
    arrived = not put.is_file()
    if arrived:
        _bring(file, put, progress, patience)
    adopt(file, put, overwrite=overwrite)
    if arrived and not keep:
        _clear(put)
    return place


def adopt(file: Published, path: Path, *, overwrite: bool = False) -> Path:
    """Import a file that is said to be a published one, with what is known of that.

    Raises:
        CheckpointError: it has another hash, now or when it was first imported, or it holds
            another kind of network.
    """
    digest = file_hash(path)
    expected, whose = _expected(file)
    if not digest.startswith(expected):
        raise CheckpointError(
            f"{path} is not {file.file} {whose}: expected the sha256 {expected}, got {digest}; "
            "import it under another name if it is meant"
        )
    known = {"published": file.name, "page": file.page, "url": file.url, "licence": file.licence}
    wish = Wish(
        path,
        folders.place(file.name),
        settings=dict(file.settings),
        kind=file.kind,
        digest=digest,
        known={key: value for key, value in known.items() if value is not None},
    )
    return placed(wish, overwrite=overwrite)


def _bring(
    file: Published, put: Path, progress: Progress | None, patience: Patience | None
) -> None:
    put.parent.mkdir(parents=True, exist_ok=True)
    if file.url is None:
        raise CheckpointError(f"a browser is needed: {by_hand(file)}")
    try:
        download(file.url, put, sha256=file.sha256, progress=progress, patience=patience)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; where there is no other way, {by_hand(file)}") from error


def _expected(file: Published) -> tuple[str, str]:
    """What the hash begins with, and who says so: the publisher, or the first import."""
    if file.sha256 is not None:
        return file.sha256, "as it was published"
    try:
        source = read_config(folders.place(file.name))["source"]
    except CheckpointError:
        return "", ""
    same = source.get("published") == file.name and isinstance(source.get("sha256"), str)
    return (source["sha256"], "as it was when it was first imported") if same else ("", "")


def _clear(put: Path) -> None:
    put.unlink()
    try:
        put.parent.rmdir()
    except OSError:  # somebody keeps more there
        pass
