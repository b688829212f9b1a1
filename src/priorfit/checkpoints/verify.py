"""Whether checkpoints are still what they were when they were written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from priorfit.errors import CheckpointError
from priorfit.store import folders
from priorfit.store.description import MODEL_SHA256, model_of, read_config, sha256

State = Literal["ok", "changed", "damaged", "missing"]


class Verdict(NamedTuple):
    """What became of one checkpoint.

    Args:
        name: as it was asked for.
        state: `ok`; `changed` if its model has another hash than when it was written; `damaged` if
            it cannot be read, or does not say which hash it had; `missing` if there is none.
        detail: what was expected and found; empty if it is ok.
    """

    name: str
    state: State
    detail: str = ""


def verify(names: Sequence[str] = ()) -> list[Verdict]:
    """Compare the hash of each model with the one that its description has from the beginning.

    Args:
        names: of checkpoints, or folders; every one that is here where none is named.
    """
    return [verified(name) for name in names or sorted(folders.names())]


def verified(name: str) -> Verdict:
    """Compare one."""
    try:
        folder = folders.find(name)
    except CheckpointError as error:
        return Verdict(name, "missing", str(error))
    try:
        return _compared(name, folder)
    except CheckpointError as error:
        return Verdict(name, "damaged", str(error))


def _compared(name: str, folder: Path) -> Verdict:
    config = read_config(folder)
    model, expected = model_of(folder, config), config.get(MODEL_SHA256)
    if not model.is_file():
        return Verdict(name, "missing", f"{model} is not there")
    if not isinstance(expected, str):
        return Verdict(name, "damaged", f"{folder} does not say which hash its model had")
    found = sha256(model)
    if found == expected:
        return Verdict(name, "ok")
    return Verdict(name, "changed", f"{model} has sha256 {found}, expected {expected}")
