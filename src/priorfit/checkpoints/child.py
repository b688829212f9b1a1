"""The process that opens a published file: it has little memory and time, and writes one file."""

import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from priorfit.checkpoints.conversion import converted, write_model
from priorfit.checkpoints.readers import read
from priorfit.errors import CheckpointError
from priorfit.store.files import MODEL

try:
    import resource
except ImportError:  # a system that cannot limit a process
    resource = None  # type: ignore[assignment]

_GRACE = 5
_STATUS = Path("/proc/self/statm")


@dataclass(frozen=True)
class Limits:
    """What the process may use.

    Args:
        memory: bytes besides what it holds before it opens the file.
        seconds: of computing.
        written: bytes of the largest file.
        files: how many may be open.
    """

    memory: int
    seconds: int
    written: int
    files: int = 64


@dataclass(frozen=True)
class Request:
    """What to import, as one line of JSON on standard input.

    Args:
        path: the published file.
        folder: an empty one, where model.safetensors shall be.
        part: which of several networks.
        settings: what the file does not say.
        limits: see `Limits`.
    """

    path: str
    folder: str
    part: str | None
    settings: dict[str, Any]
    limits: Limits

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """From one line."""
        values = json.loads(text)
        return cls(**{**values, "limits": Limits(**values["limits"])})


def main() -> int:
    """Answer one request with one line of JSON: `kind`, `config` and `source`, or `error`."""
    request = Request.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    confine(request.limits)
    try:
        answer = imported(request)
    except CheckpointError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": _too_much(request.limits)}
    except Exception as error:  # whatever it is, the parent wants one line
        short = "allocate memory" in str(error)
        answer = {"error": _too_much(request.limits) if short else _strange(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return int("error" in answer)


def _end_with_parent() -> None:
    """Wait for the pipe to close, as it does when whoever asked is gone, however it went."""
    while os.read(0, 1 << 10):
        pass
    os._exit(1)


def imported(request: Request) -> dict[str, Any]:
    """Read, convert and write one network; what config.json shall say of it.

    Raises:
        CheckpointError: see `read` and `converted`.
    """
    path = Path(request.path)
    settings = {"file": path.name, **request.settings}
    stored = converted(read(path), request.part, settings)
    write_model(Path(request.folder) / MODEL, stored.tensors)
    return {"kind": stored.kind, "config": dict(stored.config), "source": dict(stored.source)}


def confine(limits: Limits) -> None:
    """Let the system stop this process at its limits; there is no way back."""
    if resource is None:
        return
    limited = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.seconds,
        resource.RLIMIT_FSIZE: limits.written,
        resource.RLIMIT_NOFILE: limits.files,
    }
    if _STATUS.exists():
        pages = int(_STATUS.read_text().split()[0])
        limited[resource.RLIMIT_AS] = pages * resource.getpagesize() + limits.memory
    for what, most in limited.items():
        _, hard = resource.getrlimit(what)
        # Time has a signal of its own at the lower limit, and an end at the upper one.
        upper = most + _GRACE if what == resource.RLIMIT_CPU else most
        if hard != resource.RLIM_INFINITY:
            most, upper = min(most, hard), min(upper, hard)
        resource.setrlimit(what, (most, upper))


def _too_much(limits: Limits) -> str:
    return f"needs more memory than the {limits.memory >> 20} MiB that a file of its size may take"


def _strange(error: Exception) -> str:
    return f"is damaged or of a form that is not known ({type(error).__name__}: {error})"


if __name__ == "__main__":
    sys.exit(main())
