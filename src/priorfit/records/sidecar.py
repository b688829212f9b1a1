"""The sidecar: JSON beside every restored picture, to know and repeat how it came about."""

import errno
import hashlib
import importlib.metadata
import json
import math
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field

from priorfit.disk.regular import open_regular, read_regular
from priorfit.errors import PriorfitError

MOST_POINTS = 200
"""Of a loss curve."""

_LONGEST = 1 << 24  # bytes of a sidecar, far above any


Model = TypeVar("Model", bound=BaseModel)


def to_json(record: BaseModel, indent: int | None = 2) -> str:
    """Write a record as JSON in ASCII, whatever bytes its file names are made of.

    Infinity and NaN, which JSON does not have, become strings: a PSNR may be infinite.
    """
    return json.dumps(_finite(record.model_dump(mode="json")), indent=indent, allow_nan=False)


def from_json(kind: type[Model], text: bytes) -> Model:
    """Read a record.

    Raises:
        ValueError: this is no JSON, or not of that kind.
    """
    try:
        return kind.model_validate(json.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(_Record):
    """A file that went in."""

    role: str
    name: str
    sha256: str


class Checkpoint(BaseModel):
    """A trained network by the bytes of its file.

    Args:
        name: as `priorfit checkpoints list` shows it, or of its folder.
        sha256: of its model.safetensors, in hexadecimal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Guide(_Record):
    """A cheap classical estimate that the prior was shown.

    Args:
        name: of the estimate.
        metrics: its own, against the reference.
    """

    name: str
    metrics: dict[str, float] = {}


class Measured(_Record):
    """A cheap alternative to a result.

    Args:
        name: of the method.
        seconds: wall time that it took.
        metrics: its own, against the reference.
    """

    name: str
    seconds: float
    metrics: dict[str, float] = {}


class Rule(_Record):
    """What decided on the picture of a fit.

    Args:
        about: what is low where the picture is good.
        step: that the picture is of.
        curve: (step, value), at most 200 of them.
    """

    about: str
    step: int
    curve: tuple[tuple[int, float], ...]


class Uncertainty(_Record):
    """The picture of standard deviations beside a restored one.

    Args:
        file: its name.
        white: standard deviation that a white pixel stands for, as a fraction of full scale; 1
            where the file holds the numbers themselves.
        mean: of all pixels and channels.
        largest: of them.
    """

    file: str
    white: float
    mean: float
    largest: float


class Sidecar(_Record):
    """How one picture was restored.

    Args:
        task: denoise, inpaint, …
        options: of the task; files by name, `inputs` has their sha256.
        steps: taken, those that the fit went back from included.
        planned: steps that the fit would have come to; for an interrupted run with a time limit an
            estimate, which is what it resumes to.
        seconds: wall time, reading and all else included, writing excluded; of all parts of a run
            that was interrupted.
        loss_curve: (step, loss), at most 200 of them.
        rule: the stop rule and what it saw, if there was one.
        noise_std: of the observation, as given or estimated.
        metrics: psnr and ssim against the reference, psnr_y too for enlarged pictures.
        handed_out: `fit`, a mixture of it and a cheap estimate, or the estimate in its place.
        share_of_fit: in a mixture; in tiles the mean of all.
        estimated_errors: root mean squared errors by the evidence, as fractions of the range of
            the fit, of the fit and of cheap estimates.
        peak: stored values of black and white that the metrics are measured by, where they are not
            those of the file's type.
        alternatives: what cheap methods made of it, if a report was asked for.
        resumed: how many times the run was resumed.
        notes: what was changed, could not be kept or went wrong on the way.
        synthesised: whether a generator made pixels up.
        checkpoints: trained networks that had a part in it, by the part of each.
        uncertainty: of the pixels, where a file of it was asked for.
        files: the other files of the set and their sha256, by their places beside the sidecar; of
            those that were asked for, and of which there are none, nothing.
        repeat: options that make the same bytes again of the same inputs.
        follows: frame of a sequence whose fit this one began from; `repeat` then holds for the
            sequence alone, from its first frame on.
        tiles: how many the picture was fitted in; `steps` are those of all.
        memory_foretold: bytes that the process was expected to have at most, if it was asked.
        seconds_foretold: of the fit, likewise.
    """

    task: str
    options: dict[str, object]
    recipe: str
    seed: int
    device: str
    threads: int
    versions: dict[str, str]
    inputs: tuple[Source, ...]
    steps: int
    planned: int
    seconds: float
    stop_reason: str
    loss_curve: tuple[tuple[int, float], ...]
    repeat: tuple[str, ...]
    rule: Rule | None = None
    noise_std: float | None = None
    noise_std_estimated: bool = False
    metrics: dict[str, float] = {}
    handed_out: str = "fit"
    share_of_fit: float = 1.0
    estimated_errors: dict[str, float] = {}
    peak: tuple[float, float] | None = None
    guide: Guide | None = None
    alternatives: tuple[Measured, ...] = ()
    resumed: int = 0
    notes: tuple[str, ...] = ()
    uncertainty: Uncertainty | None = None
    files: dict[str, str] = {}
    synthesised: bool = False
    checkpoints: dict[str, Checkpoint] = {}
    follows: str | None = None
    tiles: int = 1
    memory_foretold: int | None = None
    seconds_foretold: float | None = None


def sidecar_path(picture: Path) -> Path:
    """Where the sidecar of a picture stands."""
    return picture.with_name(picture.name + ".json")


def load_sidecar(picture: Path) -> Sidecar | None:
    """Read the sidecar beside a picture, None where there is none that can be read.

    Raises:
        PriorfitError: a pipe, a device or a socket is in its place.
    """
    path = sidecar_path(picture)
    try:
        return from_json(Sidecar, read_regular(path, _LONGEST))
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise PriorfitError(f"{path}: {error.strerror}") from error
        return None
    except ValueError:
        return None


def source(role: str, path: Path) -> Source:
    """Name and sha256 of a file.

    Raises:
        PriorfitError: it cannot be read.
    """
    try:
        with open_regular(path) as file:
            return Source(
                role=role, name=path.name, sha256=hashlib.file_digest(file, "sha256").hexdigest()
            )
    except OSError as error:
        raise PriorfitError(f"{path}: cannot be read: {error.strerror or error}") from error


def versions() -> dict[str, str]:
    """Versions of what the result depends on."""
    return {
        "priorfit": version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }


def version() -> str:
    """Version of the installed package."""
    try:
        return importlib.metadata.version("priorfit")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def thinned(losses: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Leave at most 200 points of a curve, evenly spaced, the first and the last among them."""
    if len(losses) <= MOST_POINTS:
        return tuple(losses)
    last = len(losses) - 1
    return tuple(losses[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS))
