"""What stands beside a model: config.json, read without PyTorch: a list answers at once."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from priorfit.errors import CheckpointError

MODEL, CONFIG = "model.safetensors", "config.json"

MODEL_SHA256 = "model_sha256"
"""Where config.json keeps the hash that model.safetensors had when it was written."""

FORMAT = 1

_LONGEST = 1 << 20


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says: `kind`, `config`, `source`.

    Raises:
        CheckpointError: it is missing, damaged, or of another program.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > _LONGEST:
            raise CheckpointError(f"{path}: is too long for the description of a network")
        config = json.loads(path.read_text("utf-8"))
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


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
