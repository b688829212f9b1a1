"""Averages over runs and over the posterior."""

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.errors import RecipeError
from priorfit.loop.ensemble import Blended, Langevin, Posterior, Together, restore_mean
from priorfit.loop.fit import Fit, Recipe, Stage, restore, seeds_of_runs
from priorfit.loop.steps import Rewinding, Smoothed
from priorfit.priors.inputs import Guide
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from tests.test_restore import ADAM_THEN_LBFGS, PROBLEMS, picture, recipe

SIDE_BY_SIDE = (partial(Rewinding, every=2), partial(Smoothed, 0.9), Together)
STIRRED = (Langevin, partial(Posterior, burn_in=2, every=2))


def steps_of(fit: Fit, count: int) -> None:
    for _, step in zip(range(count), fit, strict=False):
        del step


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


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("filters", [(), (Together,)], ids=["at the end", "at every step"])
def test_runs_side_by_side_are_runs_one_after_the_other(problem, filters):
    together = restore(problem, recipe(runs=3, filters=filters), [4]).image
    apart = restore_mean(problem, [recipe()] * 3, [4]).image
    if filters:  # what a filter hands on was drawn before the last step
        apart = restore_mean(problem, [recipe(filters=(partial(Smoothed, 0.0),))] * 3, [4]).image
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("stop", range(1, 6))
@pytest.mark.parametrize("settings", [(3, SIDE_BY_SIDE), (1, STIRRED)], ids=["runs", "posterior"])
def test_averages_resume_to_the_same_bytes_picture_and_deviation_alike(settings, stop):
    runs, filters = settings
    problem, method = PROBLEMS["inpaint"], recipe(runs=runs, filters=filters)
    whole, first = Fit(problem, method, [3]), Fit(problem, method, [3])
    steps_of(whole, method.steps)
    steps_of(first, stop)
    second = Fit(problem, method, [3], resume=first.state_dict())
    for step in second:
        assert len(step.image) == len(step.loss) == 1
    assert torch.equal(second.result().image, whole.result().image)
    deviations = [fit.filters[-1].deviation() for fit in (whole, second)]
    assert torch.equal(*deviations)
    assert deviations[0].shape == whole.result().image.shape


def test_several_runs_are_of_one_image():
    problem = Problem(picture(2), PROBLEMS["identity"].degradation)
    with pytest.raises(RecipeError, match="one image at a time, got 2"):
        Fit(problem, recipe(runs=2), [0, 1])


@given(st.integers(1, 20), st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3, unique=True))
def test_every_run_has_a_seed_of_its_own_and_the_first_the_image_s(runs, seeds):
    each = seeds_of_runs(seeds, runs)
    assert each[: len(seeds)] == seeds
    assert len(each) == runs * len(seeds)
    assert all(0 <= seed < 2**63 for seed in each)


def test_a_guide_is_made_once_for_all_runs():
    seen = []

    def estimate(problem: Problem) -> torch.Tensor:
        seen.append(len(problem))
        return problem.observation

    prior = recipe().prior
    prior.inputs, prior.jitter = (Guide(estimate),), (0.0,)
    method = Recipe(prior, [Stage(1, {"network": 0.01}, 1.0 * Mse())], runs=3)
    fit = Fit(PROBLEMS["identity"], method, [0])
    assert seen == [1]
    assert len(fit.code["z.0"]) == 3


def test_one_run_has_no_deviation_and_alike_runs_have_none_either():
    alone = Fit(PROBLEMS["identity"], recipe(filters=(Together,)), [0])
    steps_of(alone, 1)
    assert alone.filters[0].deviation() is None
    step = alone.last
    alike = step._replace(image=step.image.expand(4, -1, -1, -1))
    both = Together()
    assert torch.equal(both.see(alike).image, step.image)
    assert both.deviation().max() == 0


@given(st.integers(0, 5), st.integers(1, 3))
def test_the_posterior_is_what_its_pictures_say(burn_in, every):
    fit = Fit(PROBLEMS["identity"], recipe(steps=9), [1])
    images = []
    posterior = Posterior(burn_in, every)
    for step in fit:
        images.append(step.image)
        shown = posterior.see(step)
    counted = torch.stack(images[burn_in::every])
    assert torch.allclose(shown.image, counted.mean(0), atol=1e-6)
    if len(counted) > 1:
        assert torch.allclose(posterior.deviation(), counted.std(0), atol=1e-6)


def test_stirring_moves_filters_alone_and_as_far_as_the_rate_says():
    fit = Fit(PROBLEMS["identity"], recipe(steps=1, jitter=0.0), [0])
    steps_of(fit, 1)
    before = {name: tensor.detach().clone() for name, tensor in fit.code.items()}
    Langevin(strength=3.0).see(fit.last)
    moved = {name for name, tensor in fit.code.items() if not torch.equal(tensor, before[name])}
    assert moved == {"network.0.weight", "network.3.weight"}
    far = (fit.code["network.0.weight"] - before["network.0.weight"]).std().item()
    assert far == pytest.approx(3.0 * 0.01, rel=0.2)


@given(st.floats(0, 1))
def test_a_blend_lies_between_the_picture_and_the_estimate(share):
    problem = PROBLEMS["identity"]
    plain = restore(problem, recipe(steps=1, filters=(partial(Smoothed, 0.0),)), [0])
    blend = partial(Blended, lambda problem: problem.observation, share)
    mixed = restore(problem, recipe(steps=1, filters=(partial(Smoothed, 0.0), blend)), [0])
    between = torch.lerp(plain.image, problem.observation, share)
    torch.testing.assert_close(mixed.image, between)
