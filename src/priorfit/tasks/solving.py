"""How the functions on arrays restore: a run of a picture in memory."""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from priorfit import recipes
from priorfit.engine.case import Case, Restored, Wording
from priorfit.engine.clock import Clock
from priorfit.engine.in_memory import InMemory
from priorfit.engine.prepare import prepare
from priorfit.engine.request import Request
from priorfit.engine.run import Run
from priorfit.errors import ProblemError
from priorfit.recipes.method import GENERATOR
from priorfit.tasks.base import Laid, Task, explain
from priorfit.tasks.checks import whole_number
from priorfit.tasks.device import device_named
from priorfit.tasks.problems import for_recipe

_WORDING = Wording(
    replaced="is returned instead; give it more time (time_limit, steps)",
    surpassed="without `steps` the better one is returned",
)

_CLOSING = 4e-7
"""Seconds a sample that the picture takes after the last step."""


@dataclass(frozen=True)
class Wishes:
    """What a caller wants of any task.

    Args:
        recipe: name of the recipe.
        steps: length of the fit.
        rng: seed, or what it is drawn from.
        device: name of it.
        time_limit: seconds from `started` on.
        stop: name of a rule.
        force: whether the fit is returned whatever the evidence says.
        started: when the call began, in seconds of `time.perf_counter`.
        generator: name of the checkpoint of a generator.
    """

    recipe: str
    steps: int | None
    rng: int | np.random.Generator
    device: str
    time_limit: float | None
    stop: str | None
    force: bool
    started: float
    generator: str | None = None

    def request(self) -> Request:
        """The same as a request.

        Raises:
            ProblemError: one is no number, or out of its range.
        """
        if self.steps is not None:
            whole_number("steps", self.steps, 0)
            if self.steps < 1:
                raise ProblemError(f"expected at least one step, got {self.steps}")
        if self.time_limit is not None and not 0 < self.time_limit < math.inf:
            raise ProblemError(f"expected a time_limit above 0, got {self.time_limit:g}")
        try:
            return Request(
                recipe=self.recipe,
                seed=self._seed(),
                device=self.device,
                steps=None if self.steps is None else int(self.steps),
                time_limit=self.time_limit,
                stop=self.stop,
                force=self.force,
                checkpoints={} if self.generator is None else {GENERATOR: self.generator},
            )
        except ValidationError as error:
            raise ProblemError(explain({}, error)[1]) from None

    def _seed(self) -> int:
        if isinstance(self.rng, np.random.Generator):
            return int(self.rng.integers(2**31))
        return whole_number("rng", self.rng, 0, or_else="a numpy.random.Generator")


def start_run(task: Task, laid: Laid, wishes: Wishes) -> Run[Restored]:
    """Begin to restore a picture that is in memory.

    Args:
        task: with its options.
        laid: the picture, posed.
        wishes: of the caller.

    Raises:
        PriorfitError: no such recipe or device, or a number out of its range.
    """
    request = wishes.request()
    device = device_named(request.device)
    method = recipes.find(request.recipe)
    given = laid.problem.to(device)
    case = Case(
        request=request,
        task=task,
        picture=laid.picture,
        like=laid.picture,
        given=given,
        problem=for_recipe(given, laid.picture, request.recipe),
        wording=_WORDING,
        notes=laid.notes,
        estimated=laid.estimated,
        needless=laid.needless,
        filled=laid.filled,
        white=laid.white,
        shown=laid.comparators,
        checkpoints=recipes.checkpoints_of(method, request.checkpoints),
        synthesises=method.synthesises,
    )
    kit = recipes.Kit(device, request.checkpoints)
    clock = Clock(wishes.started, request.time_limit, _CLOSING * math.prod(given.shape))
    return Run(
        case,
        lambda steps: prepare(recipes.load(request.recipe, steps, kit), request),
        InMemory(),
        clock,
    )
