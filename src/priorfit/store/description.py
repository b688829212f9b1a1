"""What stands beside a model: config.json, read without PyTorch: a list answers at once."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from priorfit.disk.regular import open_regular, read_regular
from priorfit.errors import CheckpointError

MODEL, CONFIG = "model.safetensors", "config.json"

MODEL_SHA256 = "model_sha256"
"""Where config.json keeps the hash that model.safetensors had when it was written."""

FORMAT = 1

_LONGEST = 1 << 20
_ARRIVING = re.compile(r"model-[0-9a-f]{16}\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says: `kind`, `config`, `source`.

    Raises:
        CheckpointError: it is missing, damaged, or of another program.
    """
    path = folder / CONFIG
    try:
        config = json.loads(read_regular(path, _LONGEST).decode("utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is not JSON") from error
    if not isinstance(config, dict) or config.get("priorfit") != FORMAT:
        raise CheckpointError(
            f"{path}: does not describe a checkpoint of priorfit, format {FORMAT}"
        )
    source = config.setdefault("source", {})
    parts = (config.get("config"), source)
    if not isinstance(config.get("kind"), str) or not all(isinstance(p, dict) for p in parts):
        raise CheckpointError(f"{path}: expected 'kind', a word, and 'config', a mapping")
    return config


def model_of(folder: Path, config: Mapping[str, Any]) -> Path:
    """The numbers that a description is of.

    While a checkpoint is replaced, and after a kill at that moment, they still have the name under
    which they arrived, see `priorfit.store.files`.
    """
    digest = config.get(MODEL_SHA256)
    if isinstance(digest, str) and _SHA256.fullmatch(digest):
        arrived = arriving(folder, digest)
        return arrived if arrived.is_file() else folder / MODEL
    return folder / MODEL


def arriving(folder: Path, digest: str) -> Path:
    """Where the numbers with this SHA-256 lie until those before them are not needed any more."""
    return folder / f"model-{digest[:16]}.safetensors"


def arrivals(folder: Path) -> list[Path]:
    """All numbers in a folder that lie under such names."""
    return [path for path in folder.iterdir() if _ARRIVING.fullmatch(path.name)]


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
