"""Averages over runs."""

import pytest
import torch

from priorfit.ensemble import restore_mean
from priorfit.errors import RecipeError
from priorfit.restore import Recipe, restore
from tests.test_restore import ADAM_THEN_LBFGS, PROBLEMS, recipe


def test_the_mean_of_one_run_is_that_run():
    alone = restore(PROBLEMS["identity"], recipe(), [4])
    assert torch.equal(restore_mean(PROBLEMS["identity"], [recipe()], [4]).image, alone.image)


def test_runs_differ_and_their_mean_lies_between_them():
    problem = PROBLEMS["identity"]
    lbfgs = Recipe(recipe(jitter=0.0).prior, ADAM_THEN_LBFGS)
    one = restore(problem, recipe(), [4]).image
    both = restore_mean(problem, [recipe(), lbfgs], [4])
    other = 2 * both.image - one
    assert not torch.allclose(one, other, atol=1e-3)
    assert both.image.min() >= 0
    assert both.image.max() <= 1


def test_an_average_of_nothing_is_refused():
    with pytest.raises(RecipeError, match="at least one recipe"):
        restore_mean(PROBLEMS["identity"], [], [0])
