"""The published files that priorfit knows, by the names of the checkpoints they become."""

import difflib
import shlex
from pathlib import Path

from priorfit.checkpoints.published import (
    biggan,
    features,
    genforce,
    in_domain,
    nvidia,
    rosinality,
)
from priorfit.checkpoints.published.file import Published
from priorfit.errors import CheckpointError
from priorfit.store import folders

_FAMILIES = (biggan, features, genforce, in_domain, nvidia, rosinality)

CATALOG: dict[str, Published] = {
    file.name: file
    for file in sorted((f for of in _FAMILIES for f in of.FILES), key=lambda file: file.name)
}


def published(name: str) -> Published:
    """The published file that becomes the checkpoint of this name.

    Raises:
        CheckpointError: none is known.
    """
    if (where := folders.not_installed(name)) is not None:
        raise CheckpointError(f"no published file is known as '{name}': {where}")
    if name not in CATALOG:
        near = difflib.get_close_matches(name, CATALOG, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise CheckpointError(
            f"no published file is known as '{name}': {hint}"
            "`priorfit checkpoints list` names them all"
        )
    return CATALOG[name]


def waiting(file: Published) -> Path:
    """Where a published file is looked for before it is downloaded, and where it arrives."""
    return folders.downloads() / file.name / file.file


def by_hand(file: Published) -> str:
    """What somebody does who has the file, or a browser that can get it: where, and then what."""
    origin = "" if file.url is not None else f", which {file.page} offers,"
    fetching = shlex.join(["priorfit", "checkpoints", "fetch", file.name])
    importing = shlex.join(["priorfit", "checkpoints", "import", file.file, "--as", file.name])
    return (
        f"put {file.file}{origin} into {waiting(file).parent} and run `{fetching}`, or "
        f"`{importing}` wherever it is"
    )
