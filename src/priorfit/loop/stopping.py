"""When to stop without the truth: rules that watch a fit and pick a picture of it.

A rule follows a score, one number an image and step that is low where the picture is good, until it
has risen again; or waits for a level. Each image of a batch has a course of its own: its picture is
frozen when its own rule has spoken, as it would be alone, and the run ends with the last of them.
The code goes on: it is the picture that a rule picks.

Averages belong before a rule: the picture that it picks is then the average of the best step.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.scores import (
    Calm,
    MovingVariance,
    Objective,
    Score,
    WindowedVariance,
    squared_error,
)
from priorfit.loop.state import Curve, Filter, Step
from priorfit.loop.steps import Lengthening, Rewinding, Smoothed, Snapshots
from priorfit.noise import Noise
from priorfit.problem import Problem
from priorfit.types import Image, PerImage


class Stopping(Filter):
    """What all rules are: a curve that can be shown, and a picture an image that was picked."""

    gathered: tuple[str, ...] = ("curve", "image", "at", "ended")
    picks = True

    def __init__(self) -> None:
        self.curve: list[tuple[int, float]] = []  # step and score, the mean over a batch
        self.image: Image | None = None
        self.at: list[int] = []  # the step that each picture is of, 0 for none yet
        self.ended: list[bool] = []

    @property
    @abstractmethod
    def title(self) -> str:
        """What the curve shows."""

    def curve_of(self) -> Curve | None:
        if not self.curve:
            return None
        return Curve(self.title, self.curve, max(self.at) or self.curve[-1][0])

    def _note(self, step: Step, scores: PerImage) -> list[float]:
        values = scores.double().tolist()
        self.curve.append((step.state.taken, sum(values) / len(values)))
        if not self.at:
            self.at, self.ended = [0] * len(values), [False] * len(values)
        return values

    def _pick(self, step: Step, chosen: list[int]) -> None:
        """Take the pictures of this step for some images of the batch."""
        if self.image is None:
            self.image = step.image.clone()
        for i in chosen:
            self.image[i] = step.image[i]
            self.at[i] = step.state.taken

    def _handed_on(self, step: Step) -> Step:
        """The step with the pictures picked; where there is none yet, with its own."""
        if self.image is None:
            return step
        for i, at in enumerate(self.at):
            if not at:
                self.image[i] = step.image[i]
        return step._replace(image=self.image, picked=True)


class Lowest(Stopping):
    """Pick the picture of the first minimum of a score that stays one for long enough.

    Args:
        score: makes what is followed.
        start: steps before the first that may be picked: a network that has drawn nothing yet is
            quiet too.
        patience: steps without anything lower that confirm a minimum.
        share: of the steps up to the minimum, likewise; the longer of the two counts.
    """

    gathered = (*Stopping.gathered, "lowest")

    def __init__(
        self, score: Callable[[], Score], start: int = 100, patience: int = 150, share: float = 0.3
    ) -> None:
        super().__init__()
        self.score = score()
        self.start, self.patience, self.share = start, patience, share
        self.lowest: list[float] = []

    @property
    def title(self) -> str:
        return self.score.name

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        return self.score.begin(problem, noise)

    def see(self, step: Step) -> Step:
        scores = None if self.why else self.score.of(step)
        if scores is None:
            return self._handed_on(step)
        values = self._note(step, scores)
        self.lowest = self.lowest or [math.inf] * len(values)
        if step.state.taken >= self.start:
            lower = [
                i for i, value in enumerate(values) if not self.ended[i] and value < self.lowest[i]
            ]
            for i in lower:
                self.lowest[i] = values[i]
            self._pick(step, lower)
            self._settle(step.state.taken)
        return self._handed_on(step)

    def _settle(self, taken: int) -> None:
        for i, at in enumerate(self.at):
            if at and taken - at >= max(self.patience, self.share * at):
                self.ended[i] = True
        if all(self.ended):
            steps = ", ".join(str(at) for at in self.at)
            self.why = f"{self.score.name} was lowest at step {steps}"

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"score": self.score.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        super().load_state_dict(saved)
        self.score.load_state_dict(saved["score"])


class Level(Stopping):
    """Stop when a score has fallen to a share of the noise's variance.

    Args:
        share: of σ².
        start: steps before.

    Raises:
        ProblemError: before the first step, if the noise level of the problem is unknown.
    """

    because: str
    """The reason that the result will give."""

    def __init__(self, share: float = 1.0, start: int = 20) -> None:
        super().__init__()
        self.share, self.start = share, start
        self.problem: Problem | None = None

    def begin(self, problem: Problem, noise: Noise) -> Problem:
        if problem.noise_std is None:
            raise ProblemError(
                "to stop at the noise's strength it has to be known: give --noise-std, or take "
                "another rule"
            )
        self.problem = problem
        return problem

    @abstractmethod
    def score(self, problem: Problem, step: Step) -> PerImage:
        """What falls, (B,)."""

    def see(self, step: Step) -> Step:
        assert self.problem is not None and self.problem.noise_std is not None
        if self.why:
            return self._handed_on(step)
        values = self._note(step, self.score(self.problem, step))
        level = self.share * self.problem.noise_std**2
        late = step.state.taken >= self.start
        reached = [
            i for i, value in enumerate(values) if late and value <= level and not self.ended[i]
        ]
        self._pick(step, reached)
        for i in reached:
            self.ended[i] = True
        if all(self.ended):
            self.why = self.because
        return self._handed_on(step)


class Residual(Level):
    """Stop when the picture is as far from the observation as the noise is strong.

    mean (A(x) − y)² ≤ share·σ²,   the discrepancy principle [morozov1966]_
    """

    because = "the picture is as far from the observation as the noise is strong"

    @property
    def title(self) -> str:
        return "the squared distance from the observation"

    def score(self, problem: Problem, step: Step) -> PerImage:
        return squared_error(problem, step).flatten(1).mean(1)


class Implausible(Level):
    """Stop when Stein's estimate of the error, with σ² on top, lies below σ² by far.

    No picture is so good; the estimate is wrong where noise is not white, such as what JPEG leaves,
    and a fit that goes on follows its mistakes. A moving mean is looked at.

    Args:
        share: of σ²; benchmarks/README.md has what was found.
        start: steps before.
        momentum: of the mean.
    """

    gathered = (*Stopping.gathered, "mean")
    because = "the objective fell below what any picture can have"

    def __init__(self, share: float = 0.45, start: int = 20, momentum: float = 0.95) -> None:
        super().__init__(share, start)
        self.momentum = momentum
        self.mean: PerImage | None = None

    @property
    def title(self) -> str:
        return "the moving mean of the objective"

    def score(self, problem: Problem, step: Step) -> PerImage:
        loss = step.loss
        self.mean = loss if self.mean is None else torch.lerp(loss, self.mean, self.momentum)
        return self.mean


Rule = Callable[[], Stopping]
FilterFactory = Callable[[], Filter]

RULES: dict[str, Rule] = {
    "held-out": partial(Lowest, Calm),
    "variance": partial(Lowest, WindowedVariance, start=300, patience=1000),
    "moving-variance": partial(Lowest, partial(MovingVariance, 0.01)),
    "objective": partial(Lowest, Objective),
    "residual": Residual,
}
"""The rules by name; the first is the one for a recipe without one of its own."""

AUTO, NONE = "auto", "none"


def ruled(filters: Sequence[FilterFactory], stop: str | None) -> list[FilterFactory]:
    """What watches a fit, with another stop rule among it.

    Args:
        filters: of a recipe, innermost first. A rule picks an average, so where there is none one
            is taken.
        stop: one of `RULES`; `AUTO`, the recipe's own rule, or if it has none the first of them;
            `NONE`, no rule; None leaves all as it is.

    Raises:
        RecipeError: no rule has this name.
    """
    if stop is None:
        return list(filters)
    own = [make for make in filters if isinstance(make(), Stopping)]
    others = [make for make in filters if make not in own]
    if stop == NONE:
        return others
    if stop == AUTO and own:
        return list(filters)
    name = next(iter(RULES)) if stop == AUTO else stop
    if name not in RULES:
        known = ", ".join([AUTO, NONE, *RULES])
        raise RecipeError(f"no stop rule is called '{stop}': expected one of {known}")
    made = [make() for make in others]
    averages = [i for i, watcher in enumerate(made) if isinstance(watcher, Smoothed)]
    guards = [i for i, watcher in enumerate(made) if isinstance(watcher, Rewinding)]
    movers = [i for i, watcher in enumerate(made) if watcher.moves]  # they go by the average too
    if averages:
        place = max(averages + movers) + 1
        return [*others[:place], RULES[name], *others[place:]]
    place = guards[-1] + 1 if guards else 0
    return [*others[:place], partial(Smoothed, Lengthening()), RULES[name], *others[place:]]


def guarded(filters: Sequence[FilterFactory]) -> list[FilterFactory]:
    """What watches a fit, with a guard against losses that are no numbers, if there is none."""
    if any(isinstance(make(), Rewinding) for make in filters):
        return list(filters)
    # Goes back only from losses that are not numbers, so it changes no healthy fit.
    return [partial(Rewinding, drop=math.inf), *filters]


def keeping(filters: Sequence[FilterFactory], steps: Collection[int]) -> list[FilterFactory]:
    """What watches a fit, and keeps the pictures of some steps: as they were, whatever is picked.

    Args:
        filters: of a recipe, innermost first.
        steps: counted from 1.
    """
    if not steps:
        return list(filters)
    rules = [i for i, make in enumerate(filters) if make().picks]
    place = rules[0] if rules else len(filters)
    return [*filters[:place], partial(Snapshots, steps), *filters[place:]]
