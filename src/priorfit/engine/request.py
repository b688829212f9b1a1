"""How pictures are to be restored, whatever they show and wherever they come from."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from priorfit import recipes
from priorfit.guarantee.comparators import Comparator
from priorfit.guarantee.guard import slug

FIT, BEST = "fit", "best"


class TaskLike(Protocol):
    """What a run has to know of a task."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def options(self) -> Mapping[str, object]:
        """The options as others may read them."""
        ...

    @property
    def arguments(self) -> Sequence[str]:
        """The command line's options for these."""
        ...

    @property
    def contenders(self) -> Sequence[Comparator]:
        """What may be handed out in the place of a fit."""
        ...


class Request(BaseModel):
    """How pictures are to be restored, whatever they show and wherever they come from.

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
        checkpoints: trained networks in the place of the recipe's own, by the part of each: names
            that `priorfit checkpoints list` shows, or folders.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    seed: int = Field(default=0, ge=0, lt=2**63)
    device: str = "auto"
    steps: int | None = Field(default=None, ge=1)
    time_limit: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    stop: str | None = None
    report: bool = False
    overwrite: bool = False
    hand_out: str | None = None
    force: bool = False
    snapshots: tuple[PositiveInt, ...] = ()
    checkpoint_every: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    tile: int | None = Field(default=None, ge=48)
    memory_limit: int | None = Field(default=None, gt=0)
    checkpoints: dict[str, str] = {}

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

    @property
    def of_one_piece(self) -> tuple[str, ...]:
        """Options that are given and cannot be had of a picture in tiles."""
        return ("--snapshots",) if self.snapshots else ()


def handed_out(methods: Sequence[Comparator]) -> list[str]:
    """What may be handed out, see `Request`.

    Args:
        methods: that may take the place of the fit.
    """
    cheap = [slug(each.name) for each in methods]
    return [BEST, FIT, *cheap, *(f"{FIT}+{name}" for name in cheap)]
