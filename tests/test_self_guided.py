"""Inputs that move: fitted beside the network, or what the network drew; `recipes/guided.py`."""

from functools import partial

import pytest
import torch

from priorfit.classical.guides import biharmonic
from priorfit.degradations import Downsample, Identity
from priorfit.errors import RecipeError
from priorfit.loop.fit import Fit, Recipe, Stage, restore
from priorfit.loop.steps import Best, Rewinding, Sequential, Smoothed
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.expected import Expected
from priorfit.priors.inputs import Guide, Observed, Relative, UniformNoise
from priorfit.problem import Problem
from priorfit.terms.data import Mse, Near
from tests.test_restore import PROBLEMS, TinyNetwork, picture

OBJECTIVE = Mse() + 1.0 * Near("z.0")
OUTER = (partial(Smoothed, 0.9), Best)


def self_guided(steps: int = 6) -> Recipe:
    prior = Expected(DeepImagePrior(TinyNetwork, [UniformNoise(3, 1.0)], jitter=Relative()), 2)
    stages = [Stage(steps, {"network": 0.01, "z": 0.1}, OBJECTIVE)]
    return Recipe(prior, stages, [partial(Rewinding, every=2), *OUTER])


def sequential(steps: int = 6, every: int = 2) -> Recipe:
    prior = DeepImagePrior(TinyNetwork, [Observed()])
    stages = [Stage(steps, {"network": 0.01}, OBJECTIVE)]
    filters = [partial(Rewinding, every=2), partial(Sequential, every), *OUTER]
    return Recipe(prior, stages, filters)


METHODS = {"self-guided": self_guided, "sequential": sequential}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("problem", [PROBLEMS["identity"], PROBLEMS["inpaint"]])
@pytest.mark.parametrize("stop", range(1, 6))
def test_a_fit_whose_input_moves_resumes_to_the_same_bytes(method, problem, stop):
    whole, first = Fit(problem, method(), [3]), Fit(problem, method(), [3])
    assert len(list(whole)) == 6
    for _, step in zip(range(stop), first, strict=False):
        del step
    second = Fit(problem, method(), [3], resume=first.state_dict())
    assert len(list(second)) == 6 - stop
    assert torch.equal(second.result().image, whole.result().image)
    for name, tensor in second.code.items():
        assert torch.equal(tensor, whole.code[name]), name


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_image_whose_input_moves_is_fitted_alone_as_in_a_batch(method):
    together = Problem(picture(2).double(), Identity())
    alone = Problem(together.observation[1:], Identity())
    both, one = Fit(together, method(), [5, 6]), Fit(alone, method(), [6])
    for a, b in zip(both, one, strict=True):
        assert torch.allclose(a.loss[1:], b.loss, rtol=1e-8, atol=0)
    assert torch.allclose(both.code["z.0"][1:], one.code["z.0"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_rewinding_puts_the_input_back_too(method):
    fit = Fit(PROBLEMS["identity"], method(20), [0])
    steps = iter(fit)
    for _ in range(4):
        step = next(steps)
    kept = step.state.state_dict()
    then = kept["code"]["z.0"].clone()
    for _ in range(4):
        next(steps)
    assert torch.equal(kept["code"]["z.0"], then)
    assert not torch.equal(fit.code["z.0"], then)
    step.state.rewind(kept)
    assert torch.equal(fit.code["z.0"], then)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_collapse_is_survived_with_the_input_of_before(method):
    fit = Fit(PROBLEMS["identity"], method(12), [0])
    for count, step in enumerate(fit):
        if count == 5:
            with torch.no_grad():
                step.state.code["network.0.weight"].fill_(torch.nan)
                step.state.code["z.0"].fill_(torch.nan)
    assert fit.filters[0].rewound == 1
    assert torch.isfinite(fit.code["z.0"]).all()
    assert torch.isfinite(fit.result().image).all()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_observation_is_left_as_it_was(method):
    problem = PROBLEMS["identity"]
    before = problem.observation.clone()
    restore(problem, method(), [0])
    assert torch.equal(problem.observation, before)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_input_is_what_the_network_drew_last_before_it_changed(every):
    problem = PROBLEMS["identity"]
    fit = Fit(problem, sequential(7, every), [0])
    fed = problem.observation
    for count, step in enumerate(fit, 1):
        if count % every == 0:
            fed = step.drawn
        assert torch.equal(fit.code["z.0"], fed)


def test_the_fitted_input_is_drawn_towards_what_the_network_makes_of_it():
    """With nothing to be seen of the image only the network's own pictures are left to learn."""
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(3, 1.0)])
    stages = [Stage(30, {"z": 0.05}, 1.0 * Near("z.0"))]
    losses = [step.loss.item() for step in Fit(PROBLEMS["identity"], Recipe(prior, stages), [0])]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("filters", [[], [Sequential]], ids=["stands", "moves"])
def test_a_guide_is_shown_as_long_as_it_is_one(filters):
    prior = DeepImagePrior(TinyNetwork, [Guide(biharmonic)])
    method = Recipe(prior, [Stage(2, {"network": 0.01}, OBJECTIVE)], filters)
    fit = Fit(PROBLEMS["inpaint"], method, [0])
    assert (fit.guide() is None) == bool(filters)


def test_an_input_of_another_shape_is_refused():
    prior = DeepImagePrior(TinyNetwork, [UniformNoise(2)])
    stages = [Stage(2, {"network": 0.01}, 1.0 * Mse())]
    method = Recipe(prior, stages, [partial(Sequential, 1)])
    with pytest.raises(RecipeError, match=r"expected \(1, 3, 8, 8\), got \(1, 2, 8, 8\)"):
        restore(Problem(picture(side=4), Downsample(2)), method, [0])
