"""The one optimisation behind every task: find the code whose image explains the observation."""

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any

import torch

from priorfit.code import detached, part, split, take_over
from priorfit.errors import ProblemError, RecipeError
from priorfit.loop.fitting import Fitting, Restoration
from priorfit.loop.state import Filter, State, Step
from priorfit.noise import Noise
from priorfit.priors.base import Prior, StoredCode
from priorfit.problem import Problem
from priorfit.terms.objective import Estimate, Objective, Schedule, at
from priorfit.types import Code, Image, PerImage, Shape
from priorfit.wording import described

OptimizerFactory = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]


@dataclass(frozen=True)
class Stage:
    """A run of steps under one objective.

    Args:
        steps: how many.
        lr: learning rate of each part of the code, a number or a function of the stage's step. A
            part at 0.0 stands still but collects moments; a part left out costs no gradient either.
            Of overlapping names the longest match holds.
        objective: what is minimised.
        optimizer: parameter groups to optimiser. Stages in a row that share it (the same object)
            share its moments too.
    """

    steps: int
    lr: Mapping[str, float | Schedule]
    objective: Objective
    optimizer: OptimizerFactory = torch.optim.Adam


@dataclass(frozen=True)
class Recipe:
    """How to restore.

    Args:
        prior: the family of images.
        stages: how its code is optimised, in turn.
        filters: factories of what watches the loop, innermost first (averaging, stopping).
        runs: fits of one image side by side, each with random numbers of its own; the result is
            their mean, and `ensemble.Together` among the filters makes it that of every step.
    """

    prior: Prior
    stages: Sequence[Stage]
    filters: Sequence[Callable[[], Filter]] = ()
    runs: int = 1

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)


class Fit(Fitting):
    """A restoration under way: iterate it, stop when you like, ask for the result at any moment.

    Args:
        problem: a batch of B observations.
        recipe: how to solve it.
        seeds: B seeds, one an image.
        resume: what `state_dict` of an earlier fit of the same three returned.
        before: parameters to start from: `tuned()` of a similar fit, such as the previous frame.

    Raises:
        ProblemError: other than one seed an image, or `before` is of another kind of fit.
        RecipeError: several runs of several images.
    """

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        seeds: Sequence[int],
        resume: Mapping[str, Any] | None = None,
        before: Code | None = None,
    ) -> None:
        if len(seeds) != len(problem):
            raise ProblemError(f"expected one seed an image, got {len(seeds)} for {len(problem)}")
        self.problem, self.recipe = problem, recipe
        self.repeated = _repeated(problem, recipe.runs)
        self.noise = Noise(seeds_of_runs(seeds, recipe.runs), problem.observation.device)
        self._filters = [make() for make in recipe.filters]
        self.seen = self.repeated  # what the filters leave for the fit to see
        for watcher in self.filters:
            self.seen = watcher.begin(self.seen, self.noise)
        self._resume = resume
        # A code that was saved need not be begun: its guide and its pools are in it.
        self.code = self._start() if resume is None else detached(resume["loop"]["code"])
        if before is not None:
            take_over(self.code, before)
        for watcher in self.filters:
            watcher.hear(self.code)
        self.last: Step | None = None
        if resume is not None:
            for watcher, saved in zip(self.filters, resume["filters"], strict=True):
                watcher.load_state_dict(saved)

    def __iter__(self) -> Iterator[Step]:
        loop = None if self._resume is None else self._resume["loop"]
        moved = self.moved
        steps = optimise(self.code, self.seen, self.recipe, self.noise, resume=loop, moved=moved)
        for watcher in self.filters:
            steps = watcher(steps)
        for self.last in steps:
            yield self.last

    @property
    def filters(self) -> list[Filter]:
        return self._filters

    def state_dict(self) -> dict[str, Any]:
        """Copy everything needed to go on from the last step to the same bytes.

        `runs.save_state` writes it to a file, at once or not at all.

        Raises:
            ProblemError: there was no step yet.
        """
        if self.last is None and self._resume is not None:
            return copy.deepcopy(dict(self._resume))
        if self.last is None:
            raise ProblemError("there is nothing to save before the first step")
        own = self.last.code is self.last.state.code
        return {
            "loop": self.last.state.state_dict(),
            "filters": [watcher.state_dict() for watcher in self.filters],
            "picked": self.last.image.clone() if self.last.picked else None,
            "code": None if own else detached(self.last.code),
        }

    def _start(self) -> Code:
        code = self.recipe.prior.start(self.seen, self.noise)
        return code | self.problem.operator.start(self.seen.observation)

    def tuned(self) -> Code:
        """Copy what the stages tune, as the last step left it: `before` of another fit."""
        return detached(_tuned(self.code, self.recipe))

    def guide(self) -> tuple[str, Image] | None:
        shown = self.recipe.prior.guide(self.code, self.moved)
        return None if shown is None else (shown[0], shown[1][: len(self.problem)])

    @property
    def moved(self) -> set[str]:
        """Names of all in the code that stages tune or filters write to."""
        written = [name for watcher in self.filters for name in watcher.moves]
        return {key for name in written for key in part(self.code, name)} | set(
            _tuned(self.code, self.recipe)
        )

    def _latest(self) -> tuple[Code, Image | None]:
        """The code of the last step, and the image that a filter picked, if one did."""
        if self.last is not None:
            return self.last.code, self.last.image if self.last.picked else None
        if self._resume is None:
            return self.code, None
        return self._resume["code"] or self.code, self._resume["picked"]

    def finished(self, image: Image) -> Image:
        """What becomes of a picture at the end, (B, C, H, W) cut off at 0 and 1."""
        return self.problem.apply_finish(image.clamp(0, 1))

    @torch.no_grad()
    def drawn(self) -> Image:
        """The picture so far, (B, C, H, W) in [0, 1], before it is finished."""
        code, image = self._latest()
        if image is None:
            image = self.recipe.prior.render(code)
        if len(image) > len(self.problem):
            image = image.mean(0, keepdim=True)
        return image.clamp(0, 1)

    def code_of(self, shape: Shape) -> StoredCode | None:
        return self.recipe.prior.keep(self.chosen(), shape)

    def chosen(self) -> Code:
        """The code of the picture so far, itself; a filter may have picked an earlier one."""
        return self._latest()[0]

    @torch.no_grad()
    def result(self) -> Restoration:
        """The picture so far, finished, and the code behind it."""
        return Restoration(self.finished(self.drawn()), detached(self.chosen()), self.reason)

    @property
    def reason(self) -> str:
        """Why it stops where it does, unless somebody leaves it before."""
        reasons = [watcher.why for watcher in self.filters if watcher.why is not None]
        return reasons[0] if reasons else "the steps of the recipe are done"


_STRIDE = 1_000_003  # keeps the runs of neighbouring seeds apart


def seeds_of_runs(seeds: Sequence[int], runs: int) -> list[int]:
    """Seeds of so many runs of each image; the first run has the image's own."""
    return [(seed + run * _STRIDE) % 2**63 for run in range(runs) for seed in seeds]


def _repeated(problem: Problem, runs: int) -> Problem:
    if runs == 1:
        return problem
    if len(problem) != 1:
        raise RecipeError(f"{runs} runs are of one image at a time, got {len(problem)}")
    extra = problem.companion
    return replace(
        problem,
        observation=problem.observation.expand(runs, -1, -1, -1),
        companion=None if extra is None else extra.expand(runs, -1, -1, -1),
    )


def restore(problem: Problem, recipe: Recipe, seeds: Sequence[int]) -> Restoration:
    """Restore a batch of images, one seed an image, to the end of the recipe.

    Raises:
        ProblemError: this is no problem: arrays are for `priorfit.denoise` and its like.
        RecipeError: this is no recipe, but its name perhaps.
    """
    if not isinstance(problem, Problem):
        raise ProblemError(
            f"expected a Problem, got {described(problem)}: priorfit.denoise and its like take "
            "arrays"
        )
    if not isinstance(recipe, Recipe):
        raise RecipeError(
            f"expected a Recipe, got {described(recipe)}: priorfit.recipes.load('dip/denoise') "
            "gives one by its name"
        )
    fit = Fit(problem, recipe, seeds)
    for _ in fit:
        pass
    return fit.result()


def optimise(
    code: Code,
    problem: Problem,
    recipe: Recipe,
    noise: Noise,
    *,
    resume: Mapping[str, Any] | None = None,
    moved: Collection[str] = (),
) -> Iterator[Step]:
    """Move `code`, in place, towards min Σ wₖ·Lₖ(A(render(code)), y), and yield after every step.

    To stop, stop iterating. The images of a batch do not see each other: their losses are summed,
    never averaged, so each gets the gradient it would have had alone.

    Args:
        code: where to start, from `recipe.prior.start`.
        problem: y and A.
        recipe: prior and stages.
        noise: what the prior draws from while it is fitted.
        resume: a `State.state_dict()` of this very fit, to go on from.
        moved: names of the code that something beside the stages writes to.

    Raises:
        RecipeError: a stage names a part the code does not have.
    """
    state = State(code, noise, _still(code, recipe, moved))
    moments = None
    if resume is not None:
        state.load_state_dict(resume)
        moments = resume["optimizer"]
    while state.stage < len(recipe.stages):
        stage = recipe.stages[state.stage]
        if state.optimizer is None:
            state.optimizer = _optimizer(state, recipe)
            if moments is not None:
                state.optimizer.load_state_dict(moments)
                moments = None
        _only_tuned_parts_need_gradients(code, stage)
        losses_of = stage.objective.against(problem)
        while state.step < stage.steps:
            look = partial(_look, state, problem, recipe, losses_of)
            image, losses = _take(state, stage, look)
            yield Step(image, losses, state, code, rendered=image)
        state.stage, state.step = state.stage + 1, 0
        if state.stage < len(recipe.stages):
            if recipe.stages[state.stage].optimizer is not stage.optimizer:
                state.optimizer = None


Look = tuple[Image, dict[str, PerImage]]


def _look(state: State, problem: Problem, recipe: Recipe, losses_of: Callable[..., Any]) -> Look:
    code = recipe.prior.vary(state.code, state.noise, state.taken)
    image = recipe.prior.render(code)
    degradation = problem.operator.at(code)
    estimate = Estimate(code, image, degradation(image), recipe.prior.render)
    return image, losses_of(estimate, state.step)


def _take(state: State, stage: Stage, look: Callable[[], Look]) -> Look:
    optimizer = state.optimizer
    assert optimizer is not None
    looks: list[Look] = []

    def closure() -> float:
        optimizer.zero_grad()
        image, losses = look()
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        if not looks:  # LBFGS looks more than once a step; what the step started from is the first
            looks.append((image.detach(), {name: loss.detach() for name, loss in losses.items()}))
        return total  # type: ignore[return-value]  # LBFGS takes a tensor, and needs one

    for group in optimizer.param_groups:
        group["lr"] = at(_rate(stage, group["name"]) or 0.0, state.step)
    optimizer.step(closure)
    state.step, state.taken = state.step + 1, state.taken + 1
    return looks[0]


def _optimizer(state: State, recipe: Recipe) -> torch.optim.Optimizer:
    factory = recipe.stages[state.stage].optimizer
    first = state.stage
    while first > 0 and recipe.stages[first - 1].optimizer is factory:
        first -= 1
    sharing = takewhile(lambda stage: stage.optimizer is factory, recipe.stages[first:])
    names = {name: None for stage in sharing for name in stage.lr}  # a dict keeps their order
    shares = split(state.code, names)
    groups = [
        {"params": list(share.values()), "lr": 0.0, "name": name}
        for name, share in shares.items()
        if share
    ]
    optimizer = factory(groups)
    if isinstance(optimizer, torch.optim.LBFGS) and len(state.noise) > 1:
        raise RecipeError("LBFGS couples the images of a batch: restore one image at a time")
    return optimizer


def _tuned(code: Code, recipe: Recipe) -> Code:
    """What any stage tunes."""
    names = {name for stage in recipe.stages for name in stage.lr}
    return {key: t for share in split(code, names).values() for key, t in share.items()}


def _still(code: Code, recipe: Recipe, moved: Collection[str]) -> set[str]:
    """Names of what no stage tunes, no filter moves and no step changes otherwise."""
    still = {key for name in recipe.prior.still for key in part(code, name)}
    return still - set(_tuned(code, recipe)) - set(moved)


def _only_tuned_parts_need_gradients(code: Code, stage: Stage) -> None:
    tuned = {name for share in split(code, stage.lr).values() for name in share}
    for name, tensor in code.items():
        if tensor.is_floating_point():
            tensor.requires_grad_(name in tuned)
        if name not in tuned:
            tensor.grad = None


def _rate(stage: Stage, group: str) -> float | Schedule | None:
    names = [name for name in stage.lr if group == name or group.startswith(f"{name}.")]
    return stage.lr[max(names, key=len)] if names else None
