"""A fit that begins where another ended."""

import pytest
import torch

from priorfit.code import detached
from priorfit.degradations import Identity
from priorfit.errors import ProblemError
from priorfit.loop.fit import Fit
from priorfit.problem import Problem
from tests.test_restore import PROBLEMS, picture, recipe


def test_a_fit_begins_where_the_one_before_ended():
    """Its first picture is the last of that one, whatever noise it has drawn meanwhile."""
    problem = PROBLEMS["identity"]
    first = Fit(problem, recipe(jitter=0.0), [3])
    for _ in first:
        pass
    second = Fit(problem, recipe(jitter=0.0), [3], before=first.tuned())
    assert torch.equal(second.result().image, first.result().image)
    assert next(iter(second)).loss < 1.01 * recipe_loss(problem, first)
    assert not any(key.startswith("z.") for key in first.tuned())


def recipe_loss(problem: Problem, fit: Fit) -> torch.Tensor:
    """What the fit has left of the squared error."""
    return (fit.result().image - problem.observation).square().mean((1, 2, 3))


def test_what_a_fit_hands_on_does_not_change_with_it():
    fit = Fit(PROBLEMS["identity"], recipe(), [0])
    handed, steps = fit.tuned(), iter(fit)
    kept = detached(handed)
    next(steps)
    assert all(torch.equal(handed[name], kept[name]) for name in kept)


def test_a_fit_of_another_kind_hands_nothing_on():
    fit = Fit(PROBLEMS["identity"], recipe(), [0])
    grey = Problem(picture(channels=1), Identity())
    with pytest.raises(ProblemError, match="pictures with other channels"):
        Fit(grey, recipe(), [0], before=fit.tuned())
    with pytest.raises(ProblemError, match="got none"):
        Fit(PROBLEMS["identity"], recipe(), [0], before={"pixels": picture()})
