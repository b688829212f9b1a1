"""What is to be done to one picture, as a value that goes into files and to other processes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

from priorfit import recipes
from priorfit.guarantee.comparators import Comparator
from priorfit.guarantee.guard import slug
from priorfit.records.sidecar import sidecar_path
from priorfit.tasks import TASKS, Task

FIT, BEST = "fit", "best"

if TYPE_CHECKING:
    AnyTask = Task
else:  # told apart by `kind`
    AnyTask = Annotated[Union[tuple(TASKS.values())], Field(discriminator="kind")]  # noqa: UP007


def handed_out(methods: Sequence[Comparator]) -> list[str]:
    """What a job may hand out, see `Job`.

    Args:
        methods: that may take the place of its fit.
    """
    cheap = [slug(each.name) for each in methods]
    return [BEST, FIT, *cheap, *(f"{FIT}+{name}" for name in cheap)]


class Request(BaseModel):
    """How pictures are to be restored, whatever they are and wherever they come from.

    Args:
        recipe: name of the recipe; `auto` where the task chooses one by the picture.
        seed: the same gives the same bytes.
        device: auto, cpu, cuda, cuda:N or mps.
        steps: length of the fit, at most; the recipe's own by default.
        time_limit: wall seconds; without `steps` the fit may become longer than the recipe's own.
        stop: rule that may end the fit earlier, see `stopping.ruled`; the recipe's own by default.
        report: whoever runs the job will write a report beside the picture too.
        overwrite: replace files that exist.
        hand_out: `fit`; `best` of the fit and cheap estimates, by the evidence; `fit+NAME`, the
            best of the fit and that estimate; or `NAME`, that estimate alone. By default the best,
            and the fit with steps, with `force` or of a published recipe.
        force: restore what seems to need no restoring too.
        snapshots: steps whose pictures are kept too, each in a file of its own.
        checkpoint_every: seconds between checkpoints, see `keeping.Keeper`.
        tile: side of the tiles, in pixels of the input; chosen for the memory there is by default.
        memory_limit: bytes that the fit may take; what the system has free by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    seed: int = Field(0, ge=0, lt=2**63)
    device: str = "auto"
    steps: int | None = Field(None, ge=1)
    time_limit: float | None = Field(None, gt=0, allow_inf_nan=False)
    stop: str | None = None
    report: bool = False
    overwrite: bool = False
    hand_out: str | None = None
    force: bool = False
    snapshots: tuple[PositiveInt, ...] = ()
    checkpoint_every: float | None = Field(None, ge=0, allow_inf_nan=False)
    tile: int | None = Field(None, ge=48)
    memory_limit: int | None = Field(None, gt=0)

    @property
    def cheap(self) -> str | None:
        """Name of the one cheap estimate that is asked for, None where there is a choice."""
        if self.hand_out in (None, FIT, BEST):
            return None
        return self.hand_out.removeprefix(f"{FIT}+") if self.hand_out is not None else None

    @property
    def without_fit(self) -> bool:
        """Whether a cheap estimate alone is asked for."""
        return self.cheap is not None and self.cheap == self.hand_out

    @property
    def hands_out_best(self) -> bool:
        """Whether a cheap estimate may take the place of the fit."""
        if self.hand_out is None:
            own = self.steps is not None or self.force
            return not own and not recipes.is_published(self.recipe)
        return self.hand_out != FIT

    @property
    def most_steps(self) -> int:
        """Steps of the fit if no clock, no rule and nobody ends it.

        Raises:
            RecipeError: there is no recipe of that name.
        """
        return recipes.longest(self.recipe, self.steps, limited=self.time_limit is not None)

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps whose pictures are kept, for files or the report; the first is the start."""
        return (1, *self.snapshots) if self.report or self.snapshots else ()


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
        beside = self.task.written.values()
        return [self.output, sidecar_path(self.output), *report, *snapshots, *spread, *beside]

    def snapshot(self, step: int) -> Path:
        """Where the picture of a step is written."""
        return self.output.with_stem(f"{self.output.stem}-step{step}")

    @property
    def run_folder(self) -> Path:
        """Where an unfinished run has what it needs to go on."""
        return self.output.with_name(self.output.name + ".run")
