"""Published files, read without running anything that stands in them.

Every file is taken for hostile: what it is follows from its bytes, no length in it takes memory,
no name in it is imported, and each failure is one sentence.
"""

from pathlib import Path

from priorfit.checkpoints.files import tensors_of
from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers.sniff import kind_of
from priorfit.checkpoints.readers.source import Source, opened

__all__ = ["read"]


def read(path: Path) -> list[Found]:
    """Every network that a published file holds, or the one direction.

    Raises:
        CheckpointError: the file is none of the kinds that are read, damaged, or hostile.
    """
    with opened(path) as source:
        return _READERS[kind_of(source)](path, source)


def _safetensors(path: Path, _source: Source) -> list[Found]:
    return [Found(tensors_of(path))]


_READERS = {"safetensors": _safetensors}
