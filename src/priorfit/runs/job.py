"""What is to be done to one picture, as a value that goes into files and to other processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, Union

from pydantic import Field, model_validator

from priorfit.engine.request import Request, handed_out
from priorfit.records.sidecar import sidecar_path
from priorfit.store import folders
from priorfit.tasks import TASKS, Task
from priorfit.tasks.base import CODE

if TYPE_CHECKING:
    AnyTask = Task
else:  # told apart by `kind`
    AnyTask = Annotated[Union[tuple(TASKS.values())], Field(discriminator="kind")]  # noqa: UP007


class Job(Request):
    """One picture file to restore.

    Args:
        input: file to read; for fusion the one without flash.
        output: file to write, its name's ending is its format.
        task: what to do, with its options.
        reference: clean picture to measure the result against; changes no pixel.
        follows: picture of the frame before, whose fit this one begins from.
        uncertainty: file for the standard deviation of every pixel.
    """

    input: Path
    output: Path
    task: AnyTask
    reference: Path | None = None
    follows: Path | None = None
    uncertainty: Path | None = None

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        self.task.check()
        return self

    @model_validator(mode="after")
    def _hands_out_what_it_can(self) -> Self:
        known = handed_out(self.task.contenders)
        if self.hand_out is not None and self.hand_out not in known:
            raise ValueError(f"expected one of {', '.join(known)}, got '{self.hand_out}'")
        return self

    def absolute(self) -> Self:
        """The same with paths that hold from every folder."""
        paths = {name: value.absolute() for name, value in self if isinstance(value, Path)}
        networks = {part: folders.anchored(name) for part, name in self.checkpoints.items()}
        more = {"task": self.task.absolute(), "checkpoints": networks}
        return self.model_copy(update={**paths, **more})

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
        report = [self.report_file] if self.report else []
        snapshots = [self.snapshot(step) for step in self.snapshots]
        spread = [] if self.uncertainty is None else [self.uncertainty]
        beside = self.task.written.values()
        return [self.output, sidecar_path(self.output), *report, *snapshots, *spread, *beside]

    @property
    def report_file(self) -> Path:
        """Where a report is written."""
        return self.output.with_name(self.output.name + ".html")

    def snapshot(self, step: int) -> Path:
        """Where the picture of a step is written."""
        return self.output.with_stem(f"{self.output.stem}-step{step}")

    @property
    def of_one_piece(self) -> tuple[str, ...]:
        asked = {
            "--uncertainty": self.uncertainty is not None,
            "--sequence": self.follows is not None,
            "a code": self.task.product is CODE,
        }
        return (*super().of_one_piece, *(option for option, given in asked.items() if given))

    @property
    def run_folder(self) -> Path:
        """Where an unfinished run has what it needs to go on."""
        return self.output.with_name(self.output.name + ".run")
