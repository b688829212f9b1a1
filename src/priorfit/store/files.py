"""One checkpoint on disk: config.json says what it is, model.safetensors holds the numbers.

Nothing in either is ever executed, and sizes are checked before memory is taken.

Two files cannot be replaced in one step, and one of each checkpoint would be none. So other
numbers arrive under a name made of their hash, then config.json is replaced, which says that hash,
and then they take the name of the old ones. Whoever reads meanwhile, or after a kill at any moment,
finds the numbers that config.json is of: the old ones before its replacement, then the new ones.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from priorfit.disk.locks import folder_locked
from priorfit.disk.regular import open_regular
from priorfit.errors import CheckpointError
from priorfit.images import write_atomically
from priorfit.store.description import (
    CONFIG,
    FORMAT,
    MODEL,
    MODEL_SHA256,
    arrivals,
    arriving,
    model_of,
    read_config,
)
from priorfit.store.description import sha256 as sha256

_LONGEST_HEADER = 1 << 24


@dataclass(frozen=True)
class Stored:
    """A network at rest.

    Args:
        kind: which network, one of `priorfit.networks.pretrained.HOMES`.
        config: how it is built, in JSON's types.
        tensors: its state, by the names of its own `state_dict`.
        source: where it came from: file, sha256, layout, licence; for people and the sidecar.
    """

    kind: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    source: Mapping[str, Any] = field(default_factory=dict)


def read(folder: Path) -> Stored:
    """Read a checkpoint.

    Raises:
        CheckpointError: a file is missing, damaged, or not one of these.
    """
    config, tensors = None, {}
    while config != (config := read_config(folder)):  # somebody may replace it while it is read
        tensors = tensors_of(model_of(folder, config))
    return Stored(config["kind"], config["config"], tensors, config["source"])


def tensors_of(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, whose header is measured before it is read.

    Raises:
        CheckpointError: the file is missing, cut short, or none of these.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
        if length > min(_LONGEST_HEADER, size - 8):
            raise CheckpointError(f"{path}: is not a safetensors file, or is cut short")
        return load_file(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is not a safetensors file, or is damaged") from error


def write(folder: Path, stored: Stored, *, overwrite: bool = False) -> None:
    """Write a checkpoint; config.json comes last, so that half of one is none.

    Raises:
        ImageFileError: a file of it exists, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot be made: {error.strerror or error}") from error
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in stored.tensors.items()}
    model = save(tensors)
    digest = hashlib.sha256(model).hexdigest()
    if overwrite and (folder / CONFIG).exists():
        with _replacing(folder, digest) as arrived:
            write_atomically(arrived, model, overwrite=True)
            describe(folder, stored, digest, overwrite=True)
    else:
        write_atomically(folder / MODEL, model, overwrite=overwrite)
        describe(folder, stored, digest, overwrite=overwrite)


def replace(folder: Path, model: Path, config: Mapping[str, Any]) -> None:
    """Put other numbers, from a file on the same disk, in the place of a checkpoint.

    Args:
        folder: of the checkpoint.
        model: the file, which is moved.
        config: what its config.json says.

    Raises:
        ImageFileError: the folder cannot be written; the checkpoint is there still.
        OSError: likewise.
    """
    with _replacing(folder, str(config[MODEL_SHA256])) as arrived:
        model.replace(arrived)
        _write_config(folder, config, overwrite=True)


@contextmanager
def _replacing(folder: Path, digest: str) -> Iterator[Path]:
    """Where to put numbers with this hash, before their config.json is written in the block.

    Afterwards they have the name of the old ones, unless the block fails, which leaves these.

    Raises:
        OSError: a file cannot be moved.
    """
    with folder_locked(folder, wait=True):
        _settle(folder)
        arrived = arriving(folder, digest)
        try:
            yield arrived
        finally:
            _settle(folder)


def _settle(folder: Path) -> None:
    """Give the numbers that config.json is of their name, and remove those that nobody needs."""
    current = model_of(folder, read_config(folder)) if (folder / CONFIG).is_file() else None
    if current is not None and current.name != MODEL:
        current.replace(folder / MODEL)
    for path in arrivals(folder):
        path.unlink(missing_ok=True)


def describe(folder: Path, stored: Stored, digest: str, *, overwrite: bool = False) -> None:
    """Write config.json for a model that is there.

    Args:
        folder: of the model.
        stored: kind, config and source are written, the tensors are not looked at.
        digest: SHA-256 of the model, in hexadecimal.
        overwrite: whether another description may be there.

    Raises:
        ImageFileError: there is one, or it cannot be written.
    """
    config = {
        "priorfit": FORMAT,
        "kind": stored.kind,
        "config": dict(stored.config),
        MODEL_SHA256: digest,
        "source": dict(stored.source),
    }
    _write_config(folder, config, overwrite=overwrite)


def annotate(folder: Path, source: Mapping[str, Any]) -> None:
    """Add to what a checkpoint says about where it came from.

    Raises:
        CheckpointError: there is none.
        ImageFileError: it cannot be written.
    """
    config = read_config(folder)
    config["source"] |= source
    _write_config(folder, config, overwrite=True)


def _write_config(folder: Path, config: Mapping[str, Any], *, overwrite: bool) -> None:
    text = json.dumps(config, indent=2, allow_nan=False) + "\n"
    write_atomically(folder / CONFIG, text.encode(), overwrite=overwrite)
