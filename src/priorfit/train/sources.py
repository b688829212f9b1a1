"""Where photographs to train on lie: folders, zip files, packs; read one by one, never trusted."""

import csv
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np

from priorfit.disk.regular import open_regular, read_regular
from priorfit.errors import ImageFileError, ProblemError
from priorfit.images import SUFFIXES
from priorfit.images.numpy_file import read_header

LABEL_FILES = ("labels.json", "labels.csv", "dataset.json")
"""Names under which a table file name -> class is found beside the photographs."""

_LARGEST = 1 << 28  # bytes of one member of an archive
_MOST_EXPANSION = 1000  # deflate reaches 1032; photographs, compressed already, about 1
_PACKED = 16  # expansion of whole packs beyond `_LARGEST`, which hold nothing but photographs
_LONGEST_TABLE = 1 << 26
_NUMBERS, _WORDS = "biu", "US"  # kinds of arrays

# What damaged archives of any method of compression end in.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class PhotographEntry(NamedTuple):
    """One photograph that has not been read.

    Args:
        name: for messages.
        label: name of its class, None where it has none.
        open: gives its bytes as a file.
        test: kept for judging, not to be trained on.
    """

    name: str
    label: str | None
    open: Callable[[], BinaryIO]
    test: bool = False


@dataclass(frozen=True)
class PhotographSource:
    """Photographs by name, and what was odd about how they lay there."""

    entries: list[PhotographEntry]
    notes: list[str] = field(default_factory=list)


@contextmanager
def list_photographs(path: Path, labels: Path | None = None) -> Iterator[PhotographSource]:
    """List the photographs of a folder, a zip file or an .npz pack, in an order of their names.

    Classes are the folders directly inside, or what a table says: `labels`, or a file of
    `LABEL_FILES` beside them, CSV with a row of name and class each, or JSON.

    Yields:
        What can be read while the block runs.

    Raises:
        ProblemError: there is nothing of these kinds.
    """
    if path.is_dir():
        yield _folder(path, labels)
        return
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, ValueError) as error:
        raise ProblemError(f"{path}: expected a folder, a zip file or an .npz pack") from error
    with archive:
        if {"bytes.npy", "offsets.npy"} & set(archive.namelist()) or path.suffix == ".npz":
            yield _pack(path, archive)
        else:
            yield _zip(path, archive, labels)


def _folder(path: Path, labels: Path | None) -> PhotographSource:
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    found = {file.relative_to(path).as_posix(): file for file in files}
    table = labels or next((path / n for n in LABEL_FILES if (path / n).is_file()), None)
    given = None if table is None else read_labels(table.name, _bytes_of(table))
    names = [name for name in found if not _is_hidden(name)]
    classes, notes = _classes(names, given)
    openers = {name: _file_opener(found[name]) for name in names}
    return PhotographSource([PhotographEntry(n, c, openers[n]) for n, c in classes.items()], notes)


def _zip(path: Path, archive: zipfile.ZipFile, labels: Path | None) -> PhotographSource:
    members = {m.filename: m for m in archive.infolist() if not m.is_dir()}
    names = [n for n in sorted(members) if PurePosixPath(n).suffix.lower() in SUFFIXES]
    names = [name for name in names if not _is_hidden(name)]
    top = _common_folder(names)
    given = None
    if labels is not None:
        given = read_labels(labels.name, _bytes_of(labels))
    else:
        table = next((members[top + n] for n in LABEL_FILES if top + n in members), None)
        if table is not None:
            given = read_labels(table.filename, _inside(path, archive, table, _LONGEST_TABLE))
    classes, notes = _classes([name.removeprefix(top) for name in names], given)
    openers = {n: _member_opener(archive, members[top + n]) for n in classes}
    return PhotographSource(
        [PhotographEntry(f"{path.name}/{n}", c, openers[n]) for n, c in classes.items()], notes
    )


def _pack(path: Path, archive: zipfile.ZipFile) -> PhotographSource:
    """`bytes` holds files one after the other, `offsets` where each begins, and the end."""
    arrays = {m.filename.removesuffix(".npy"): m for m in archive.infolist()}
    for name in ("bytes", "offsets"):
        if name not in arrays:
            raise ProblemError(f"{path}: is no pack of images: it has no array '{name}'")

    def row(name: str, kinds: str) -> np.ndarray:
        return _row(path, archive, arrays[name], kinds)

    data, offsets = row("bytes", "u"), row("offsets", "iu")
    count = len(offsets) - 1
    if data.dtype != np.uint8 or count < 1:
        raise ProblemError(f"{path}: expected bytes in 'bytes' and N+1 numbers in 'offsets'")
    ends = offsets.astype(np.int64)
    if (ends[1:] < ends[:-1]).any() or ends[0] < 0 or ends[-1] > len(data):
        raise ProblemError(f"{path}: 'offsets' do not lie in order inside 'bytes'")
    labels, test = [None] * count, np.zeros(count, bool)
    if "label" in arrays and "classes" in arrays:
        classes = [str(name) for name in row("classes", _WORDS)]
        numbers = row("label", _NUMBERS).astype(np.int64)
        if len(numbers) != count or not np.isin(numbers, np.arange(len(classes))).all():
            raise ProblemError(f"{path}: expected in 'label' one number of a class for each image")
        labels = [classes[number] for number in numbers]
    if "is_test" in arrays:
        test = row("is_test", _NUMBERS).astype(bool)
        if len(test) != count:
            raise ProblemError(f"{path}: expected in 'is_test' one answer for each image")
    return PhotographSource(
        [
            PhotographEntry(
                f"{path.name}, image {i}", labels[i], _slice_opener(data, *ends[i : i + 2]), t
            )
            for i, t in enumerate(test.tolist())
        ]
    )


def read_labels(name: str, text: bytes) -> dict[str, str] | None:
    """Read a table file name -> class; None if it says that there are no classes.

    CSV has a row `name,class` each, with or without a head; JSON is such a mapping, or
    {"labels": [[name, class], …]}, or {"labels": null} for none.

    Raises:
        ProblemError: it is neither.
    """
    try:
        decoded = text.decode("utf-8-sig")
        rows = _json_rows(decoded) if name.lower().endswith(".json") else _csv_rows(decoded)
    except (ValueError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise ProblemError(
            f"{name}: expected rows of file name and class, as CSV or as a JSON mapping"
        ) from error
    if rows is None:
        return None
    return {name.replace("\\", "/").removeprefix("./"): label for name, label in rows}


def _json_rows(text: str) -> list[tuple[str, str]] | None:
    table = json.loads(text)
    if table == {"labels": None}:
        return None
    pairs = table["labels"] if isinstance(table.get("labels"), list) else table.items()
    rows = [(name, label) for name, label in pairs]
    if not all(isinstance(n, str) and type(c) in (str, int) for n, c in rows):
        raise ValueError("names and classes are words")
    return [(name, str(label)) for name, label in rows]


def _csv_rows(text: str) -> list[tuple[str, str]]:
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if not all(len(row) >= 2 for row in rows):
        raise ValueError("a row has no class")
    headed = bool(rows) and PurePosixPath(rows[0][0]).suffix.lower() not in SUFFIXES
    return [(row[0].strip(), row[1].strip()) for row in rows[headed:]]


def _classes(
    names: list[str], given: Mapping[str, str] | None
) -> tuple[dict[str, str | None], list[str]]:
    """Class of every name, and what was odd; names that a table does not have are left out."""
    if given is not None:
        known: dict[str, str | None] = {n: given[n] for n in names if n in given}
        if names and not known:
            raise ProblemError(
                f"the table of classes has none of the {len(names)} images: expected their names "
                f"as '{names[0]}'"
            )
        left = len(names) - len(known)
        note = f"the table of classes lacks {left} of {len(names)} images, which were left out"
        return known, [note] if left else []
    tops = {name: name.split("/")[0] if "/" in name else None for name in names}
    loose = sum(top is None for top in tops.values())
    if loose in (0, len(names)):
        return tops, []
    note = (
        f"{loose} of {len(names)} images lie beside the folders of the others: no classes were "
        "made of these"
    )
    return dict.fromkeys(names), [note]


def _common_folder(names: list[str]) -> str:
    """The one folder that all names of an archive begin with, with its slash, else nothing.

    A zip of a folder of classes holds two levels, a zip of one class must keep its only one.
    """
    tops = {name.split("/")[0] for name in names}
    deep = all(name.count("/") >= 2 for name in names)
    return f"{tops.pop()}/" if names and len(tops) == 1 and deep else ""


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _row(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, kinds: str) -> np.ndarray:
    """One array of a pack, of one axis; never a pickled one."""
    data = _inside(path, archive, member, max(_LARGEST, _PACKED * member.compress_size))
    file = io.BytesIO(data)
    try:
        shape, _, dtype = read_header(file)
        if len(shape) != 1 or dtype.kind not in kinds:
            raise ValueError(f"{dtype} of {shape}")
        return np.frombuffer(memoryview(data)[file.tell() :], dtype)[: shape[0]].reshape(shape)
    except (ImageFileError, ValueError) as error:
        words = "words" if kinds == _WORDS else "numbers"
        raise ProblemError(
            f"{path}: expected in {member.filename} a row of plain {words}"
        ) from error


def _inside(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int = _LARGEST
) -> bytes:
    """As `_member`, where the archive is of no use without it."""
    try:
        return _member(archive, member, most)
    except ImageFileError as error:
        raise ProblemError(f"{path}: {member.filename} {error}") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int = _LARGEST) -> bytes:
    """Bytes of one member, its size believed in neither direction.

    Raises:
        ImageFileError: it is damaged, or would fill the memory.
    """
    expands = member.file_size > _MOST_EXPANSION * member.compress_size + (1 << 16)
    if member.file_size > most or expands:
        raise ImageFileError("would fill the memory when unpacked")
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
    except _DAMAGE as error:
        raise ImageFileError("cannot be unpacked") from error
    if len(data) != member.file_size:
        raise ImageFileError("is not as long as the archive says")
    return data


def _bytes_of(path: Path) -> bytes:
    try:
        return read_regular(path, _LONGEST_TABLE)
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror or error}") from error


def _file_opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: open_regular(path)


def _member_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(_member(archive, member))


def _slice_opener(data: np.ndarray, begin: int, end: int) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data[begin:end].tobytes())
