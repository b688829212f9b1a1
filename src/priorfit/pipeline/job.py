"""What is to be done to one picture, as a value that goes into files and to other processes."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from priorfit.pipeline.kinds import Deblur, Dejpeg, Denoise, Enhance, Fuse, Inpaint, Upscale
from priorfit.sidecar import sidecar_path

Task = Annotated[
    Denoise | Inpaint | Upscale | Deblur | Dejpeg | Fuse | Enhance, Field(discriminator="kind")
]
"""The tasks, told apart by `kind`."""


class Job(BaseModel):
    """One picture to restore.

    Args:
        input: file to read; for fusion the one without flash.
        output: file to write, its name's ending is its format.
        task: what to do, with its options.
        recipe: name of the recipe; `auto` where the task chooses one by the picture.
        seed: the same gives the same bytes.
        device: auto, cpu, cuda, cuda:N or mps.
        steps: length of the fit, at most; the recipe's own by default.
        time_limit: wall seconds; without `steps` the fit may become longer than the recipe's own.
        stop: rule that may end the fit earlier, see `stopping.ruled`; the recipe's own by default.
        reference: clean picture to measure the result against; changes no pixel.
        report: whoever runs the job will write a report beside the picture too.
        overwrite: replace files that exist.
        force: restore what seems to need no restoring too.
        snapshots: steps whose pictures are kept too, each in a file of its own.
        checkpoint_every: seconds between checkpoints, see `keeping.Keeper`.
        follows: picture of the frame before, whose fit this one begins from.
        uncertainty: file for the standard deviation of every pixel.
        tile: side of the tiles, in pixels of the input; chosen for the memory there is by default.
        memory_limit: bytes that the fit may take; what the system has free by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Path
    output: Path
    task: Task
    recipe: str
    seed: int = Field(0, ge=0, lt=2**63)
    device: str = "auto"
    steps: int | None = Field(None, ge=1)
    time_limit: float | None = Field(None, gt=0, allow_inf_nan=False)
    stop: str | None = None
    reference: Path | None = None
    report: bool = False
    overwrite: bool = False
    force: bool = False
    snapshots: tuple[PositiveInt, ...] = ()
    checkpoint_every: float | None = Field(None, ge=0, allow_inf_nan=False)
    follows: Path | None = None
    uncertainty: Path | None = None
    tile: int | None = Field(None, ge=48)
    memory_limit: int | None = Field(None, gt=0)

    def absolute(self) -> Self:
        """The same with paths that hold from every folder."""
        paths = {name: value.absolute() for name, value in self if isinstance(value, Path)}
        return self.model_copy(update={**paths, "task": self.task.absolute()})

    def following(self, before: "Job", steps: int) -> Self:
        """The same as a frame of a sequence: it begins where the fit of another one ended."""
        more = {"follows": before.input, "recipe": before.recipe, "steps": steps}
        return self.model_copy(update=more)

    @property
    def files(self) -> dict[str, Path]:
        """Everything that is read, by its part in the job."""
        reference = {} if self.reference is None else {"reference": self.reference}
        return {"input": self.input, **self.task.files, **reference}

    @property
    def products(self) -> list[Path]:
        """Every file that is written beside the run folder: pictures, sidecar, report."""
        report = [self.output.with_name(self.output.name + ".html")] if self.report else []
        snapshots = [self.snapshot(step) for step in self.snapshots]
        spread = [] if self.uncertainty is None else [self.uncertainty]
        return [self.output, sidecar_path(self.output), *report, *snapshots, *spread]

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps whose pictures are kept, for files or the report; the first is the start."""
        return (1, *self.snapshots) if self.report or self.snapshots else ()

    def snapshot(self, step: int) -> Path:
        """Where the picture of a step is written."""
        return self.output.with_stem(f"{self.output.stem}-step{step}")

    @property
    def run_folder(self) -> Path:
        """Where an unfinished run has what it needs to go on."""
        return self.output.with_name(self.output.name + ".run")
