"""What was measured, as it is kept between runs and read by others."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from priorfit.disk.regular import read_regular
from priorfit.errors import PriorfitError
from priorfit.images import write_atomically
from priorfit.records.sidecar import from_json, to_json

_LONGEST = 1 << 28  # bytes


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BenchCheap(_Record):
    """What a cheap method made of an image.

    Args:
        suite: name.
        image: name.
        side: of the corner that was taken, in pixels; None for the whole image.
        method: name.
        psnr: in dB, by the suite's protocol.
        ssim: over all channels.
        seconds: wall time of the method alone.
    """

    suite: str
    image: str
    side: int | None
    method: str
    psnr: float
    ssim: float | None = None
    seconds: float | None = None


class BenchRun(_Record):
    """One run of the command.

    Args:
        suite: name.
        image: name.
        side: as for `Cheap`.
        recipe: name.
        seed: of the run.
        length: options that limit it, empty for the recipe's own length.
        psnr: of the 8-bit result in dB, by the suite's protocol.
        ssim: over all channels.
        seconds: wall time of the whole process, set-up and guide included.
        peak: bytes of memory at most; None where the system does not tell.
        steps: taken.
        stop_reason: why the fit ended.
        threads: of the processor, None for torch's own number.
        command: as it was run.
        machine: processor and how many cores.
        date: day.
        versions: of priorfit, Python and torch.
    """

    suite: str
    image: str
    side: int | None
    recipe: str
    seed: int
    length: str = ""
    psnr: float
    ssim: float | None = None
    seconds: float
    peak: int | None = None
    steps: int
    stop_reason: str = ""
    threads: int | None = None
    command: str = ""
    machine: str
    date: str
    versions: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, str, int | None, str, int, str]:
        """What makes it another run than the others."""
        return self.suite, self.image, self.side, self.recipe, self.seed, self.length


class Results(_Record):
    """A file of measurements.

    Args:
        runs: in the order in which they were made.
        cheap: what they are compared with.
    """

    runs: tuple[BenchRun, ...] = ()
    cheap: tuple[BenchCheap, ...] = ()


def load(path: Path) -> Results:
    """Read the measurements so far; none where there is no file.

    Raises:
        PriorfitError: this is no file of measurements.
    """
    try:
        return from_json(Results, read_regular(path, _LONGEST))
    except FileNotFoundError:
        return Results()
    except OSError as error:
        raise PriorfitError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise PriorfitError(f"{path}: is damaged, or of another version") from error


def save(path: Path, results: Results) -> None:
    """Replace a file of measurements.

    Raises:
        ImageFileError: it cannot be written.
    """
    write_atomically(path, (to_json(results, indent=1) + "\n").encode(), overwrite=True)
