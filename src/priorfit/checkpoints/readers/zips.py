"""ZIP archives, whose directory is checked before anything is unpacked."""

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import torch
from torch import Tensor

from priorfit.checkpoints.readers.source import LARGEST, Source
from priorfit.checkpoints.readers.stand_ins import shown
from priorfit.errors import CheckpointError

_LONGEST_DIRECTORY = 1 << 22
_MOST_ENTRIES = 30_000
_CHUNK = 1 << 20
# Numbers hardly shrink when packed. Some megabytes more for small files full of zeros.
_GROWTH, _FREE = 8, 1 << 26
_LOCAL = 30
_NAME = re.compile(r"[^/\\:\0][^\\:\0]*")

_DAMAGE = (zipfile.BadZipFile, NotImplementedError, LookupError, OSError, RuntimeError, ValueError)


class Archive:
    """Entries of a ZIP archive by their names.

    Args:
        source: the archive.

    Raises:
        CheckpointError: its directory contradicts the file, or it would unpack to too much.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        try:
            self._zip = zipfile.ZipFile(cast(BinaryIO, _Meted(source)))
            entries = self._zip.infolist()
            _check(entries, source)
        except _DAMAGE as error:
            raise CheckpointError("is a ZIP archive that is cut short or damaged") from error
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}

    @property
    def names(self) -> list[str]:
        """Of all entries, in their order."""
        return list(self._entries)

    def bytes_of(self, name: str, most: int = LARGEST) -> bytes:
        """One entry.

        Args:
            name: of the entry.
            most: how long it may be.

        Raises:
            CheckpointError: it is missing, too long or damaged.
        """
        entry = self._entry(name)
        if entry.file_size > most:
            raise CheckpointError(f"entry {shown(name)} has {entry.file_size:,} bytes, too many")
        return b"".join(self._pieces(entry))

    def tensor_of(self, name: str, size: int) -> Tensor:
        """One entry of so many bytes, as uint8.

        Raises:
            CheckpointError: it is missing, of another size or damaged.
        """
        entry = self._entry(name)
        if entry.file_size != size:
            raise CheckpointError(
                f"entry {shown(name)} has {entry.file_size:,} bytes, expected {size:,}"
            )
        memory = torch.empty(size, dtype=torch.uint8)
        view, start = memory.numpy(), 0
        for piece in self._pieces(entry):
            view[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
            start += len(piece)
        return memory

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self._entries:
            raise CheckpointError(f"is damaged: its entry {shown(name)} is missing")
        return self._entries[name]

    def _pieces(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        left = entry.file_size
        try:
            with self._zip.open(entry) as file:
                while left > 0 and (piece := file.read(min(_CHUNK, left))):
                    left -= len(piece)
                    yield piece
                # The sum of the bytes is compared where the end is met.
                if left or file.read(1):
                    raise ValueError
        except (*_DAMAGE, zipfile.zlib.error, EOFError) as error:  # type: ignore[attr-defined]
            message = f"is damaged: its entry {shown(entry.filename)} is not what was packed"
            raise CheckpointError(message) from error


class _Meted:
    """A source that gives no more than a directory's worth at a time."""

    def __init__(self, source: Source) -> None:
        self.read, self._left = self._read, source
        self.seek, self.tell, self.seekable = source.seek, source.tell, source.seekable

    def _read(self, length: int = -1) -> bytes:
        if not -1 < length <= _LONGEST_DIRECTORY:
            length = min(self._left.left, _LONGEST_DIRECTORY)
        return self._left.read(length)


def _check(entries: list[zipfile.ZipInfo], source: Source) -> None:
    """Refuse what no honest archive has: see the messages."""
    if len(entries) > _MOST_ENTRIES:
        raise CheckpointError(f"is a ZIP archive of {len(entries):,} entries, too many")
    total = sum(entry.file_size for entry in entries)
    if total > _FREE + _GROWTH * source.size:
        raise CheckpointError(f"is a ZIP archive that would unpack to {total:,} bytes, too many")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise CheckpointError("is a ZIP archive with two entries of one name: do not trust it")
    strange = next((name for name in names if not _NAME.fullmatch(name)), None)
    if strange is not None or any(".." in name.split("/") for name in names):
        raise CheckpointError(
            f"is a ZIP archive with strange names of entries, {shown(strange or '..')}: do not "
            "trust it"
        )
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.flag_bits & 1:
            raise CheckpointError("is a ZIP archive with a password")
        if entry.header_offset < end:
            raise CheckpointError("is a ZIP archive with overlapping entries: do not trust it")
        end = entry.header_offset + _LOCAL + len(entry.filename) + entry.compress_size
        if end > source.size:
            raise ValueError
