"""Import a published file: another process reads it, this one keeps what has proved sound."""

import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from priorfit.checkpoints.child import Limits, Request
from priorfit.checkpoints.conversion import checked
from priorfit.checkpoints.readers.source import Source, opened
from priorfit.errors import CheckpointError, ImageFileError
from priorfit.store import files, folders
from priorfit.store.files import MODEL, Stored
from priorfit.store.workshop import workshop

_SLACK = 1 << 30
_CHUNK = 1 << 20
_LONGEST_ANSWER = 1 << 20
_LONGEST_MESSAGE = 500
# With -I neither the current folder nor the environment has a say in what is imported. So the
# process must be told where the package and what it needs are installed; this very package first.
_START = "import sys; here, *others = sys.argv[1:]; sys.path[:0] = {here}.difference(sys.path); "
_START += "sys.path += others; from priorfit.checkpoints import child; sys.exit(child.main())"


def import_file(
    path: str | os.PathLike[str],
    name: str | None = None,
    part: str | None = None,
    overwrite: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """Make a published file one of the user's own checkpoints; nothing in it is executed.

    A process of its own with little memory and time reads the file and converts it. What it leaves
    is checked here and appears in the store as a whole or not at all.

    Args:
        path: a .pth, .pt, .pkl, .npy, .npz or .safetensors file; what it is follows from its bytes.
        name: of the checkpoint; None takes the file's own, cleaned.
        part: which of several networks in the file, `D` say; None for the averaged generator.
        overwrite: replace a checkpoint of this name.
        settings: what the file does not say, such as `space`, where a direction points: z, w or
            w+; or the `preparation` of pictures for a feature network.

    Returns:
        Folder of the checkpoint, which `from_pretrained(name)` finds.

    Raises:
        CheckpointError: the file is not of a kind or layout that is known, damaged, hostile, too
            large for its limits, or the name is taken or no name.
    """
    path = Path(path)
    place = folders.place(default_name(path, part) if name is None else name)
    return placed(Wish(path, place, part, settings or {}), overwrite=overwrite)


@dataclass(frozen=True)
class Wish:
    """What is to become of a file.

    Args:
        path: of the file.
        place: folder of the checkpoint.
        part: which of several networks in the file.
        settings: what the file does not say.
        kind: of network that it has to hold; None for any.
        digest: what its SHA-256 has to begin with.
        known: what is known of its source besides what the file says.
    """

    path: Path
    place: Path
    part: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str | None = None
    digest: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)


def placed(wish: Wish, *, overwrite: bool) -> Path:
    """As `import_file`, of a file of which something is known.

    Raises:
        CheckpointError: as there, or it is not what was known; what was there before is there
            still.
    """
    path, place = wish.path, wish.place
    if place.exists() and not overwrite:
        raise CheckpointError(_taken(place))
    try:
        with opened(path) as source, workshop() as shop:
            new = shop / "new"
            new.mkdir()
            told = dict(wish.settings)
            request = Request(str(path.absolute()), str(new), wish.part, told, limits(source))
            answer = _answer(shop, request)
            origin = _origin(path, source)
            _describe(new, answer, origin | dict(wish.known))
            _check_known(wish, answer, origin)
            _put(new, place, overwrite)
    except OSError as error:
        raise CheckpointError(f"{place}: cannot be written: {error.strerror or error}") from error
    except (CheckpointError, ImageFileError) as error:
        raise CheckpointError(f"{path}: {_plain(str(error))}") from error
    return place


def _check_known(wish: Wish, answer: Mapping[str, Any], origin: Mapping[str, Any]) -> None:
    if wish.kind is not None and answer["kind"] != wish.kind:
        raise CheckpointError(f"holds a {answer['kind']}, and {wish.place.name} is a {wish.kind}")
    if not origin["sha256"].startswith(wish.digest):
        raise CheckpointError("changed while it was read, wait until it is complete")


def default_name(path: Path, part: str | None = None) -> str:
    """Name for a checkpoint from the name of its file.

    Raises:
        CheckpointError: nothing of it can be part of a name.
    """
    whole = path.stem if part is None else f"{path.stem}-{part}"
    name = re.sub(r"[^a-z0-9._-]+", "-", whole.lower()).lstrip("._-").rstrip("-")[:80]
    if not name:
        raise CheckpointError(f"{path}: no checkpoint can be named like this file, choose a name")
    return name


def limits(source: Source) -> Limits:
    """What reading a file may take: three times its size and what small files need anyway."""
    return Limits(
        memory=_SLACK + 3 * source.size,
        seconds=60 + source.size // 4_000_000,
        written=_SLACK + 2 * source.size,
    )


def patience(limits: Limits) -> float:
    """How many seconds by the clock the reading may take, on a busy machine too."""
    return 60 + 4 * limits.seconds


def _answer(shop: Path, request: Request) -> dict[str, Any]:
    """What the reading process says; it is gone afterwards.

    Raises:
        CheckpointError: what it complains about, or how it ended.
    """
    # Files without names: unlike pipes they are bounded, and nothing can be put in their place.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, *_installed()],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            cwd=shop,
            env=_environment(shop),
            start_new_session=True,
        )
        try:
            # The pipe stays open: when it closes, because we are gone, the process ends too.
            with suppress(BrokenPipeError):  # it has ended already, and says why
                _told(process, request.to_json() + "\n")
            process.wait(patience(request.limits))
        except subprocess.TimeoutExpired:
            raise CheckpointError("takes too long to read") from None
        finally:
            _end(process)
        said, complained = _head(out), _head(err)
    if process.returncode not in (0, 1):
        raise CheckpointError(_ended(process.returncode))
    try:
        answer = json.loads(said)
        failed = answer["error"] if process.returncode else None
    except (ValueError, LookupError, TypeError, RecursionError):
        last = (complained.strip().splitlines() or ["it said nothing"])[-1]
        raise CheckpointError(f"could not be read, its reader failed: {last}") from None
    if failed is not None:
        raise CheckpointError(str(failed))
    return answer


def _told(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.flush()


def _describe(folder: Path, answer: dict[str, Any], origin: dict[str, Any]) -> None:
    """Make sure that a network takes what was left, and write config.json.

    Raises:
        CheckpointError: it is not what was said, or no network.
    """
    model = folder / MODEL
    left = {entry.name: entry.lstat().st_mode for entry in folder.iterdir()}
    if left.keys() != {MODEL} or not stat.S_ISREG(left[MODEL]):
        raise CheckpointError("could not be read: its reader left something else behind")
    try:
        with safe_open(model, "pt") as tensors:
            shapes = {name: _shape(tensors.get_slice(name)) for name in tensors.keys()}
        stored = Stored(answer["kind"], answer["config"], shapes, {**answer["source"], **origin})
        checked(stored)
        files.describe(folder, stored, files.sha256(model))
    except (SafetensorError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise CheckpointError("could not be read: its reader left nothing sound") from error
    files.read_config(folder)


def _shape(described: Any) -> Tensor:
    return torch.empty(described.get_shape(), device="meta")


def _put(new: Path, place: Path, overwrite: bool) -> None:
    """Move a whole checkpoint to its place; at every moment the old one or the new one is there."""
    with (new / MODEL).open("rb") as model:  # what is on the disk before its name is, stays
        os.fsync(model.fileno())
    if overwrite and place.exists():
        files.replace(place, new / MODEL, files.read_config(new))
        return
    try:
        new.rename(place)
    except OSError as error:
        raise CheckpointError(_taken(place)) from error


def _taken(place: Path) -> str:
    return f"{place} exists already, choose another name, or allow to overwrite it"


def _origin(path: Path, source: Source) -> dict[str, Any]:
    source.seek(0)
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return {"file": path.name, "sha256": digest.hexdigest(), "bytes": source.size}


def _installed() -> list[str]:
    """Where modules are installed, the current folder left out."""
    here = str(Path(files.__file__).resolve().parents[2])
    others = [p for p in sys.path if Path(p).is_absolute() and Path(p) != Path.cwd()]
    return list(dict.fromkeys([here, *others]))


def _environment(shop: Path) -> dict[str, str]:
    kept = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT")
    own = {
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "TMPDIR": str(shop),
        "HOME": str(shop),
    }
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **own}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, and what it may have started, unless it has ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _ended(status: int) -> str:
    if status == -getattr(signal, "SIGXCPU", 0):
        return "takes too long to read"
    if status == -getattr(signal, "SIGKILL", 0):
        return "could not be read: the system stopped its reader, probably for want of memory"
    name = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"could not be read: its reader ended with {name}"


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_LONGEST_ANSWER).decode("utf-8", "replace")


def _plain(text: str) -> str:
    """Text of a stranger as one short line without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"
