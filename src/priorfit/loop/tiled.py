"""A picture fitted tile by tile, each tile a fit of its own, as if it were one fit."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch

from priorfit.degradations import Window
from priorfit.errors import ProblemError
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.fitting import Fitting, Restoration
from priorfit.loop.state import Filter, State, Step
from priorfit.loop.tiles import Grid, enlargement, part_of
from priorfit.problem import Problem
from priorfit.types import Code, Image
from priorfit.wording import counted

Left = Callable[[], float]
"""Wall seconds that the steps still to come may take together."""


class Guard(Protocol):
    """Decides what is handed out of a picture or a part of it, see `guarantee.Guard`."""

    def part(self, window: Window) -> "Guard":
        """The same for what is inside a window."""
        ...

    def judge(self, fit: Fit, image: Image) -> Any:
        """What the evidence says of a fit, see `guarantee.Verdict`."""
        ...

    def mix(self, image: Image, verdict: Any) -> Image:
        """What is handed out in the place of the picture of a fit."""
        ...

    @property
    def instead(self) -> Image:
        """What takes the place of a fit that there was no time for."""
        ...


_SLACK = 0.97  # of a tile's share of the time, since no two tiles take it alike


class TiledFit(Fitting):
    """A restoration under way in tiles: iterate it, stop when you like, ask for the result.

    Every tile is fitted from the same seed, at the noise level of the whole picture, and sees its
    neighbours' pixels beyond the middle of their overlap. Nothing is held but the pictures of the
    tiles that are done and the one fit under way. A tile without holes is given back as it is.

    Args:
        problem: one observation.
        recipe: how to solve it; steps are those of one tile.
        seeds: one seed.
        grid: the tiles.
        resume: what `state_dict` of an earlier fit of the same four returned.
        guard: what stands in for tiles without a fit and, if it judges, for fits that are not
            better.
        judges: whether it does.
        left: if the time is limited; the steps that the first tile's share leaves time for are
            those of every tile.

    Raises:
        ProblemError: several observations, or a degradation of which no part can be seen.
    """

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        seeds: Sequence[int],
        grid: Grid,
        *,
        guard: Guard | None = None,
        judges: bool = True,
        resume: Mapping[str, Any] | None = None,
        left: Left | None = None,
    ) -> None:
        if len(problem) != 1 or len(seeds) != 1:
            raise ProblemError(f"one picture at a time is cut into tiles, got {len(problem)}")
        self.problem, self.recipe, self.grid, self.left = problem, recipe, grid, left
        self.seen = problem
        self.guard, self.judges = guard, judges
        self.judged: dict[int, float] = {}  # of the fits in the tiles, see `guarantee.Verdict`
        self.factor = enlargement(problem)
        self.seeds = list(seeds)
        self.last: Step | None = None
        self.pieces = len(grid)
        self.done: dict[int, Image] = {}
        self.before = 0  # steps of the tiles that are done
        self.most: int | None = None  # of one tile, where the first ran out of its share of time
        self.cut_short = 0  # tiles that had less time than the first
        self.current: Fit | None = None
        self._resume: Mapping[str, Any] | None = None
        if resume is not None:
            self._take_up(resume)

    @property
    def filters(self) -> list[Filter]:
        """None: each tile's own end with it."""
        return []

    @property
    def complete(self) -> bool:
        """Whether every tile is done."""
        return len(self.done) == len(self.grid)

    def __iter__(self) -> Iterator[Step]:
        for index in range(len(self.done), len(self.grid)):
            part = part_of(self.problem, self.grid.windows[index])
            if self._untouched(part):
                self.done[index] = part.observation.clone()
                continue
            if self.guard is not None and _unknown(part):
                self.done[index] = self._without_fit(index, self.guard).clone()
                continue
            self.current = self._begun(index, part)
            yield from self._steps(self.current, index)
            self.done[index] = self._tile(index, self.current).clone()
            if self.current.last is not None:
                self.before += self.current.last.state.taken
            self.current, self._resume = None, None

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on from the last step to the same bytes."""
        done, fit, before = dict(self.done), None, self.before
        if self.current is not None and self.current.last is not None and not self.complete:
            taken = self.current.last.state.taken
            if self._ended(self.current, taken):
                tile = self._tile(len(done), self.current)
                done[len(done)], before = tile, before + taken
            else:
                fit = self.current.state_dict()
        return {
            "done": done,
            "fit": fit,
            "before": before,
            "most": self.most,
            "cut_short": self.cut_short,
            "shares": dict(self.judged),
        }

    def tuned(self) -> Code:
        """Nothing: what was tuned in one tile is no beginning for another picture."""
        return {}

    @torch.no_grad()
    def drawn(self) -> Image:
        """The picture so far; where no tile has been the cheap estimate."""
        return self.grid.joined(self._pictures(), self.factor).clamp_(0, 1)

    @torch.no_grad()
    def result(self) -> Restoration:
        return Restoration(self.finished(self.drawn()), {}, self.reason)

    @property
    def reason(self) -> str:
        return self.why_stopped or f"the steps of {counted(len(self.grid), 'tile')} are done"

    @property
    def settled_steps(self) -> int | None:
        # Some tiles had nothing to do, or ended early.
        return self.before if self.complete else None

    @property
    def steps_of_a_piece(self) -> int | None:
        return self.most or self.recipe.steps

    @property
    def hurried(self) -> int:
        return self.cut_short

    def steps_in_time(self, *, ran_out: bool) -> float:
        return math.inf if self.most is None else self.most

    def shares(self) -> list[float]:
        if not (self.judges and self.judged):
            return []
        return [self.judged.get(i, float(i in self.done)) for i in range(len(self.grid))]

    def finished(self, image: Image) -> Image:
        """What becomes of the whole picture at the end, (1, C, H, W)."""
        return self.problem.apply_finish(image.clamp_(0, 1))

    def _pictures(self) -> Iterator[Image]:
        for index, window in enumerate(self.grid.windows):
            if index in self.done:
                yield self.done[index]
            elif index == len(self.done) and self.current is not None:
                yield self._tile(index, self.current)
            elif self.guard is not None:
                yield self._without_fit(index, self.guard)
            else:
                part = part_of(self.problem, window)
                yield part.apply_finish(part.operator.lift(part.observation))

    def _tile(self, index: int, fit: Fit) -> Image:
        """The picture of a tile that has been fitted, or what takes its place."""
        if self.guard is None or not self.judges:
            return fit.result().image
        guard, image = self.guard.part(self.grid.windows[index]), fit.drawn()
        verdict = guard.judge(fit, image)
        self.judged[index] = verdict.share
        return fit.finished(guard.mix(image, verdict))

    def _without_fit(self, index: int, guard: Guard) -> Image:
        window = self.grid.windows[index]
        return part_of(self.problem, window).apply_finish(guard.part(window).instead)

    def _begun(self, index: int, part: Problem) -> Fit:
        try:
            return Fit(part, self.recipe, self.seeds, self._resume)
        except ProblemError as error:
            window = self.grid.windows[index]
            raise ProblemError(
                f"the tile at row {window.top}, column {window.left}: {error}"
            ) from error

    def _steps(self, fit: Fit, index: int) -> Iterator[Step]:
        begun = self.left() if self.left is not None else 0.0
        share = begun / (len(self.grid) - index)
        for step in fit:
            state = State(step.state.code, step.state.noise)
            state.taken = self.before + step.state.taken
            self.last = step._replace(state=state)
            yield self.last
            if step.state.taken == self.most:
                break
            if self.left is not None and begun - self.left() >= _SLACK * share:
                self._out_of_time(step.state.taken)
                break

    def _ended(self, fit: Fit, taken: int) -> bool:
        """Whether the tile under way has had its last step."""
        return taken in (self.recipe.steps, self.most) or any(
            watcher.why is not None for watcher in fit.filters
        )

    def _out_of_time(self, taken: int) -> None:
        if self.most is None:
            self.most = taken
        else:
            self.cut_short += 1

    def _untouched(self, part: Problem) -> bool:
        """Whether the tile has nothing to fill, and what is known of it is put back."""
        operator, y = part.operator, part.observation
        if not (operator.masked and self.problem.keeps_known and part.known.all()):
            return False
        if part.shape != tuple(y.shape[1:]):
            return False
        return torch.equal(operator.put_back(torch.zeros_like(y), y), y)

    def _take_up(self, saved: Mapping[str, Any]) -> None:
        self.done = dict(saved["done"])
        self.before, self.most = saved["before"], saved["most"]
        self.cut_short, self.judged = saved["cut_short"], dict(saved["shares"])
        self._resume = saved["fit"]


def _unknown(part: Problem) -> bool:
    """Whether nothing at all is known of a tile, so that a fit of it would paint anything."""
    return not bool(part.known.any())
