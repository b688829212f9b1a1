"""Files of codes: what a generator needs to draw a picture again, in one safetensors file.

The parts of the code are the tensors. Where they come from stands as JSON in the metadata of the
file's header, see docs/codes.md. Such files pass from hand to hand: nothing in one is executed, its
header is checked before memory is taken, and every number is finite.
"""

import json
import math
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from priorfit.disk.regular import open_regular
from priorfit.errors import CodeError
from priorfit.images import write_atomically
from priorfit.records.sidecar import Checkpoint, versions
from priorfit.types import Code

ABOUT = "priorfit.code"
"""Key of the JSON in the metadata."""

FORMAT = 1

_LARGEST = 1 << 33  # bytes of a file: the weights of the largest published generators fit
_LONGEST = 1 << 22  # bytes of a header
_MOST = 1 << 14  # tensors
_AXES = 6
_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}

_Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1]
    family: _Word
    space: _Word
    checkpoint: Checkpoint
    framing: Annotated[dict[_Word, Any], Field(max_length=16)] | None
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    versions: Annotated[dict[_Word, _Word], Field(max_length=16)]


@dataclass(frozen=True, eq=False)
class CodeFile:
    """A code, and where it comes from.

    Args:
        family: of the recipe that found it: what its parts mean.
        space: of the generator that the code lies in.
        parts: tensors by name, (N, ...), floating point and finite; one N for all.
        checkpoint: of the generator.
        framing: where on the picture the drawing goes, in JSON's types; None where nothing tells.
        seed: of the fit.
        versions: of what it depends on.
    """

    family: str
    space: str
    parts: Code
    checkpoint: Checkpoint
    framing: Mapping[str, Any] | None = None
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=versions)

    def check(self, family: str, checkpoint: Checkpoint) -> None:
        """Make sure that a family and a network can draw this code.

        Raises:
            CodeError: another family or another network has made it.
        """
        if self.family != family:
            raise CodeError(f"holds a code of the family {self.family!r}, expected {family!r}")
        if self.checkpoint.sha256 != checkpoint.sha256:
            raise CodeError(
                f"was made with {_named(self.checkpoint)}, which {_named(checkpoint)} is not: draw "
                "it with the checkpoint that it was made with, or invert the picture anew"
            )


def write_code(path: Path, code: CodeFile, *, overwrite: bool = False) -> None:
    """Write a code file, as a whole or not at all.

    Raises:
        CodeError: see `encode_code`.
        ImageFileError: the file exists, or its folder cannot be written.
    """
    write_atomically(path, encode_code(code), overwrite=overwrite)


def encode_code(code: CodeFile) -> bytes:
    """The bytes of a code file.

    Raises:
        CodeError: it could not be read again: numbers that are not finite, say.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in code.parts.items()}
    about = {
        "format": FORMAT,
        "family": code.family,
        "space": code.space,
        "checkpoint": code.checkpoint.model_dump(),
        "framing": None if code.framing is None else dict(code.framing),
        "seed": code.seed,
        "versions": dict(code.versions),
    }
    try:
        data = save_tensors(tensors, {ABOUT: json.dumps(about, allow_nan=False)})
        header, _ = _header(data[:8], len(data))
        _described(json.loads(data[8 : 8 + header]), len(data) - 8 - header)
        _check_numbers(tensors)
    except (ValueError, TypeError, KeyError) as error:
        raise CodeError(f"this code cannot be stored: {_line(error)}") from error
    return data


def read_code(path: Path) -> CodeFile:
    """Read a code file of anybody's.

    Raises:
        CodeError: it is none, or damaged.
    """
    try:
        with open_regular(path) as file:
            about, parts = _read(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise CodeError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CodeError(f"{path}: is no code file, or is damaged: {_line(error)}") from error
    return CodeFile(
        about.family,
        about.space,
        parts,
        about.checkpoint,
        about.framing,
        about.seed,
        about.versions,
    )


def _read(file: IO[bytes], size: int) -> tuple[_About, Code]:
    start = file.read(8)
    length, rest = _header(start, size)
    header = file.read(length)
    about = _described(_parsed(header), rest)
    body = file.read(rest)
    if len(body) != rest:
        raise ValueError("it is cut short")
    parts = load_tensors(start + header + body)
    _check_numbers(parts)
    return about, parts


def _header(start: bytes, size: int) -> tuple[int, int]:
    """Bytes of the header, and of what comes after it.

    Raises:
        ValueError: a file of this size has no such header.
    """
    if len(start) < 8 or not 8 <= size <= _LARGEST:
        raise ValueError(f"it has {size} bytes")
    (length,) = struct.unpack("<Q", start)
    if length > min(_LONGEST, size - 8):
        raise ValueError("its header is longer than the file")
    return length, size - 8 - length


def _described(header: Any, body: int) -> _About:
    """What a header says of the code.

    Raises:
        ValueError: entries that do not fill a body of so many bytes, or are none of a code.
    """
    if not isinstance(header, dict) or not 2 <= len(header) <= _MOST:
        raise ValueError("its header does not list tensors")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.keys() != {ABOUT}:
        raise ValueError("it does not say what it is")
    spans, counts = [], set()
    for name, entry in header.items():
        begin, end, shape = _entry(name, entry)
        spans.append((begin, end))
        counts.add(shape[0])
    ends = [0, *(end for _, end in sorted(spans))]
    if [begin for begin, _ in sorted(spans)] != ends[:-1] or ends[-1] != body:
        raise ValueError("its tensors do not fill it")
    if len(counts) != 1:
        raise ValueError("its parts are of different numbers of codes")
    text = metadata[ABOUT]
    try:
        return _About.model_validate(_parsed(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"what it says of '{where[:60]}' makes no sense") from error


def _entry(name: str, entry: Any) -> tuple[int, int, list[int]]:
    """First byte, end and shape of a tensor."""
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise ValueError("a part has no proper name")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"'{name}' is not described")
    shape, offsets = entry["shape"], entry["data_offsets"]
    for numbers, most in ((shape, _AXES), (offsets, 2)):
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= most:
            raise ValueError(f"'{name}' has no proper shape")
        if not all(type(number) is int and 0 <= number <= _LARGEST for number in numbers):
            raise ValueError(f"'{name}' has no proper shape")
    if entry["dtype"] not in _BYTES:
        raise ValueError(f"'{name}' does not hold floating-point numbers")
    if len(offsets) != 2 or 0 in shape:
        raise ValueError(f"'{name}' is empty")
    if math.prod(shape) * _BYTES[entry["dtype"]] != offsets[1] - offsets[0]:
        raise ValueError(f"'{name}' has another size than its shape")
    return offsets[0], offsets[1], shape


def _parsed(text: bytes | str) -> Any:
    """JSON without doubled names and without what is no number.

    Raises:
        ValueError: this is none.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in it")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _check_numbers(parts: Mapping[str, Tensor]) -> None:
    for name, tensor in parts.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"'{name}' holds what is no number")


def _named(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.name} (sha256 {checkpoint.sha256[:12]}…)"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
