"""Published files, read without running anything that stands in them.

Every file is taken for hostile: what it is follows from its bytes, no length in it takes memory,
no name in it is imported, and each failure is one sentence.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers import (
    numpy_file,
    parts,
    pickles,
    tensorflow_pickle,
    tensors,
    torch_file,
)
from priorfit.checkpoints.readers.sniff import kind_of
from priorfit.checkpoints.readers.source import Source, opened
from priorfit.checkpoints.readers.zips import Archive
from priorfit.errors import CheckpointError
from priorfit.store.files import tensors_of

__all__ = ["read"]


def read(path: Path) -> list[Found]:
    """Every network that a published file holds, or the one direction.

    Raises:
        CheckpointError: the file is none of the kinds that are read, damaged, or hostile.
    """
    with opened(path) as source:
        return _READERS[kind_of(source)](path, source)


def _safetensors(path: Path, _source: Source) -> list[Found]:
    try:
        return [Found(parts.with_sound_names(tensors_of(path)))]
    except CheckpointError as error:  # whose path stands before every message in the end
        raise CheckpointError(str(error).removeprefix(f"{path}: ")) from error


def _npy(_path: Path, source: Source) -> list[Found]:
    return [numpy_file.found(numpy_file.read_npy(source))]


def _zip(_path: Path, source: Source) -> list[Found]:
    archive = Archive(source)
    if archive.names and all(name.endswith(".npy") for name in archive.names):
        return [numpy_file.found(numpy_file.read_npz(archive))]
    return parts.found(*torch_file.read_zip(archive))


def _torch(_path: Path, source: Source) -> list[Found]:
    return parts.found(*tensors.legacy(source))


def _pickle(_path: Path, source: Source) -> list[Found]:
    value = pickles.load(source)
    return tensorflow_pickle.found(value) or parts.found(value, tensors.Tensors(_nowhere))


def _nowhere(key: str, size: int) -> Any:
    raise CheckpointError("is damaged: its tensors lie outside of it")


_READERS: dict[str, Callable[[Path, Source], list[Found]]] = {
    "npy": _npy,
    "pickle": _pickle,
    "safetensors": _safetensors,
    "torch": _torch,
    "zip": _zip,
}
