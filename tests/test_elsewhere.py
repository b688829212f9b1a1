"""Everything of a fit is on the device of its problem: held without an accelerator."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import priorfit
from priorfit import recipes
from priorfit.degradations import blur, resample
from priorfit.degradations.blur import gaussian_psf
from priorfit.loop.fit import Fit
from priorfit.loop.stopping import RULES, ruled
from tests.elsewhere import ACCELERATOR, Elsewhere
from tests.test_recipes import picture, problem_for


@pytest.fixture
def elsewhere() -> Elsewhere:
    """Matrices that other tests have made for the host are not those for the accelerator."""
    resample._matrix.cache_clear()
    blur._transfer.cache_clear()
    return Elsewhere()


def test_two_devices_must_not_meet(elsewhere):
    with elsewhere:
        there = picture().to(ACCELERATOR)
        assert elsewhere.holds(there.flip(0))
        for wrong in (lambda: there + picture(), there.numpy, lambda: there @ torch.eye(32)):
            with pytest.raises(AssertionError):
                wrong()


def test_what_may_meet(elsewhere):
    with elsewhere:
        there = picture().to(ACCELERATOR)
        here = there.cpu()
        assert here.numpy().shape == (1, 3, 32, 32)
        assert torch.equal(there[torch.tensor([0])] * torch.tensor(2.0), 2 * there)
        assert not elsewhere.holds(here)
        assert elsewhere.holds(torch.eye(3, device=there.device))
        assert not elsewhere.holds(torch.eye(3, device=here.device))
        assert elsewhere.holds(here.to(there.device))


# The published ones differ by networks and numbers alone.
OURS = [name for name in recipes.METHODS if not name.endswith("-paper")]


@pytest.mark.parametrize("name", [*OURS, "dip/denoise-paper"])
def test_all_of_a_fit_is_on_its_device(name, tiny_kit, elsewhere):
    problem = problem_for(name)
    with elsewhere:
        recipe = recipes.load(name, 2, recipes.Kit(ACCELERATOR, tiny_kit.names))
        fit = Fit(problem.to(ACCELERATOR), recipe, [0])
        assert all(elsewhere.holds(step.image) for step in fit)
        assert elsewhere.holds(fit.result().image)
    assert [key for key, tensor in fit.code.items() if not elsewhere.holds(tensor)] == []


@pytest.mark.parametrize("rule", RULES)
def test_so_is_what_a_stop_rule_looks_at(rule, elsewhere):
    problem = replace(problem_for("dip/upscale"), noise_std=0.1)
    recipe = recipes.load("dip/upscale-unguided", steps=3)
    recipe = replace(recipe, filters=ruled(recipe.filters, rule))
    with elsewhere:
        assert all(
            elsewhere.holds(step.image) for step in Fit(problem.to(ACCELERATOR), recipe, [0])
        )


CALLS = {
    "denoise": partial(priorfit.denoise, noise_std=0.1),
    "denoise, of unknown noise": priorfit.denoise,
    "inpaint": lambda image, **how: priorfit.inpaint(image, image[..., 0] > 0.7, **how),
    "upscale": partial(priorfit.upscale, factor=2),
    "deblur": partial(priorfit.deblur, psf=gaussian_psf(1.0).numpy()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_whole_call_puts_everything_where_it_belongs(call, elsewhere):
    image = picture()[0].permute(1, 2, 0).numpy()
    with elsewhere:
        assert isinstance(call(image, steps=2, device="cpu:0", channel_axis=-1), np.ndarray)
