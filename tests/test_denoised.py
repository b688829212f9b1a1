"""Regularisation by denoising, and estimates weighed by what was held out."""

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.classical.guides import observation
from priorfit.degradations import Downsample, Identity, Mask
from priorfit.loop.denoised import Denoised
from priorfit.loop.ensemble import Together, Weighed
from priorfit.loop.fit import Fit, Recipe, Stage, restore
from priorfit.loop.steps import Rewinding, Smoothed
from priorfit.loop.stopping import AUTO, Lowest, ruled
from priorfit.priors.deep_image import TARGET, DeepImagePrior
from priorfit.priors.inputs import UniformNoise
from priorfit.problem import Problem
from priorfit.terms.data import Mse, Near
from tests.test_restore import PROBLEMS, TinyNetwork, picture


def halfway(image: torch.Tensor, std: float) -> torch.Tensor:
    """A denoiser that goes half the way to the mean of a picture."""
    return torch.lerp(image, image.mean((-2, -1), keepdim=True), 0.5)


def nothing(problem: Problem) -> torch.Tensor:
    return problem.observation.new_zeros(len(problem), *problem.shape)


def drawn(steps: int = 6, weight: float = 1.0, denoiser=halfway, **fields) -> Recipe:
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)], target=nothing)
    stages = [Stage(steps, {"network": 0.01}, Mse() + weight * Near(TARGET))]
    mover = partial(Denoised, denoiser, first=2, growth=1.5)
    return Recipe(prior, stages, [partial(Rewinding, every=2), Smoothed, mover], **fields)


def weighed(estimate, steps: int = 6) -> Recipe:
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)])
    stages = [Stage(steps, {"network": 0.01}, 1.0 * Mse())]
    return Recipe(prior, stages, [Smoothed, partial(Weighed, estimate, 0.2)])


@pytest.mark.parametrize("problem", ["identity", "upscale", "inpaint"])
@pytest.mark.parametrize("stop", range(1, 6))
def test_a_fit_that_is_drawn_somewhere_resumes_to_the_same_bytes(problem, stop):
    whole, first = Fit(PROBLEMS[problem], drawn(), [3]), Fit(PROBLEMS[problem], drawn(), [3])
    assert len(list(whole)) == 6
    for _, step in zip(range(stop), first, strict=False):
        del step
    second = Fit(PROBLEMS[problem], drawn(), [3], resume=first.state_dict())
    assert len(list(second)) == 6 - stop
    assert torch.equal(second.result().image, whole.result().image)
    assert torch.equal(second.code[TARGET], whole.code[TARGET])


def test_an_image_is_drawn_alone_as_in_a_batch():
    together = Problem(picture(2).double(), Identity())
    alone = Problem(together.observation[1:], Identity())
    both, one = Fit(together, drawn(), [5, 6]), Fit(alone, drawn(), [6])
    for a, b in zip(both, one, strict=True):
        assert torch.allclose(a.loss[1:], b.loss, rtol=1e-8, atol=0)
    assert torch.allclose(both.code[TARGET][1:], one.code[TARGET], rtol=1e-6, atol=1e-9)


@given(st.integers(1, 200), st.floats(1.05, 3))
def test_renewals_come_ever_more_slowly(first, growth):
    mover = Denoised(halfway, first=first, growth=growth)
    due = [step for step in range(1, 2000) if mover._due(step)]
    assert due[0] == first
    assert {round(first * growth**k) for k in range(200)} & set(range(2000)) == set(due)


def test_what_is_handed_on_is_the_mean_of_the_average_and_what_it_was_drawn_to():
    fit = Fit(PROBLEMS["upscale"], drawn(), [0])
    for step in fit:
        average = fit.filters[1].mean / fit.filters[1].share
        assert torch.allclose(2 * step.image, average + step.state.code[TARGET], atol=1e-6)


def test_the_target_is_what_the_denoiser_makes_of_the_average_and_keeps_to_the_observation():
    problem = PROBLEMS["inpaint"]
    known = problem.degradation.known > 0
    before = None
    fit = Fit(problem, drawn(4), [0])
    for count, step in enumerate(fit, 1):
        target, average = step.state.code[TARGET], fit.filters[1].mean / fit.filters[1].share
        if count < 2:
            assert not target.any()
        elif count == 2:
            off = (~known).expand_as(target)
            assert torch.allclose(target[off], halfway(average, 0.0)[off], atol=1e-4)
            apart = (target - problem.observation).abs()[known.expand_as(target)]
            wide = (halfway(average, 0.0) - problem.observation).abs()
            assert apart.max() < 0.05 * wide.max()
            before = target.clone()
    assert before is not None
    assert not torch.equal(before, target)


def test_a_heavier_weight_draws_the_picture_nearer():
    def apart(weight: float) -> float:
        fit = Fit(PROBLEMS["identity"], drawn(40, weight, denoiser=lambda x, std: 0 * x), [0])
        return [step.drawn.square().mean().item() for step in fit][-1]

    assert apart(10.0) < apart(1.0) < apart(0.0)


def test_runs_that_are_drawn_share_the_estimate_and_no_memory():
    fit = Fit(PROBLEMS["identity"], drawn(runs=2), [0])
    one, other = fit.code[TARGET]
    assert torch.equal(one, other)
    assert one.data_ptr() != other.data_ptr()
    assert len(list(fit)) == 6


def test_a_stop_rule_sees_what_the_fit_is_drawn_by():
    made = [make() for make in ruled(drawn().filters, AUTO)]
    assert [type(watcher) for watcher in made] == [Rewinding, Smoothed, Denoised, Lowest]


def test_what_knows_the_picture_better_counts_for_more():
    truth = picture(side=16)
    mask = Mask((picture(channels=1, side=16, seed=1) > 0.4).float())
    problem = Problem(mask(truth), mask)
    right = restore(problem, weighed(lambda seen: truth), [0]).image
    assert torch.allclose(right, truth, atol=1e-4)
    absurd = Fit(problem, weighed(lambda seen: 1e3 - 2e3 * truth), [0])
    plain = [step.image for step in absurd]
    assert all(image.abs().max() < 20 for image in plain)


def test_deep_in_a_hole_the_fit_stands_alone():
    truth = picture(side=40)
    known = torch.ones(1, 1, 40, 40)
    known[..., 8:32, 8:32] = 0
    mask = Mask(known)
    alone = weighed(lambda seen: truth)
    fit = Fit(Problem(mask(truth), mask), alone, [0])
    for step in fit:
        own = fit.filters[0].mean / fit.filters[0].share
        assert torch.equal(step.image[..., 17:23, 17:23], own[..., 17:23, 17:23])
        assert torch.allclose(step.image[..., :4, :], truth[..., :4, :], atol=1e-4)


def test_the_estimate_is_made_without_what_it_is_judged_by():
    shown = []

    def estimate(problem: Problem) -> torch.Tensor:
        shown.append(problem)
        return problem.observation

    fit = Fit(PROBLEMS["inpaint"], weighed(estimate), [0])
    chosen = fit.filters[1].held.chosen
    assert chosen.any()
    assert not (shown[0].degradation.known.expand_as(chosen)[chosen]).any()
    assert not (fit.seen.degradation.known.expand_as(chosen)[chosen]).any()


@pytest.mark.parametrize("problem", ["identity", "inpaint"])
def test_weights_are_the_best_that_the_entries_held_out_allow(problem):
    estimate = picture(seed=9)
    fit = Fit(PROBLEMS[problem], weighed(lambda seen: estimate), [0])
    held = fit.filters[1].held
    for step in fit:
        mixed = step.image
        own = fit.filters[0].mean / fit.filters[0].share

        def error(share: float, own: torch.Tensor = own) -> float:
            x = torch.lerp(own, estimate, share)
            residual = fit.problem.operator(x) - fit.problem.observation
            return (residual.square() * held.chosen).sum().item()

        best = min(error(share / 20) for share in range(21))
        residual = (fit.problem.operator(mixed) - fit.problem.observation).square() * held.chosen
        assert residual.sum().item() <= best + 1e-5


def test_weights_and_averages_over_runs_go_together():
    method = weighed(observation)
    method = Recipe(method.prior, method.stages, [*method.filters, Together], runs=2)
    fit = Fit(Problem(picture(side=4), Downsample(2)), weighed(nothing), [0])
    assert len(list(fit)) == 6
    assert restore(PROBLEMS["inpaint"], method, [0]).image.shape == (1, 3, 8, 8)
