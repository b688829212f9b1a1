"""Laws of noise that was cut off: its mean, its variance, what undoes it, and when it is there."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.classical.clipping import Clipping, before_clipping, free
from priorfit.degradations import Identity
from priorfit.noise import Noise
from priorfit.priors.inputs import Probing
from priorfit.problem import Problem
from priorfit.terms.data import Sure
from priorfit.terms.objective import Estimate

STD = 0.2
YES, NO = torch.ones(1, 1, 1, 1).double(), torch.zeros(1, 1, 1, 1).double()
SIDES = {"both": (YES, YES), "black": (YES, NO), "white": (NO, YES), "neither": (NO, NO)}


def normal(count: int) -> torch.Tensor:
    """So many equally likely values of a standard normal number."""
    places = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return math.sqrt(2) * torch.erfinv(2 * places - 1)


def cut(values: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    values = values.clamp_min(0) if low.item() else values
    return values.clamp_max(1) if high.item() else values


@pytest.mark.parametrize("sides", SIDES.values(), ids=list(SIDES))
@pytest.mark.parametrize("x", [0.0, 0.03, 0.2, 0.5, 0.9, 1.0])
def test_mean_and_variance_are_those_of_values_that_were_cut_off(sides, x):
    values = cut(x + STD * normal(100_001), *sides)
    image = torch.full((1, 1, 1, 1), x, dtype=torch.float64)
    clipping = Clipping(STD, *sides)
    assert clipping.mean(image).item() == pytest.approx(values.mean().item(), abs=1e-4)
    low, high = (side.item() > 0 for side in sides)
    whole = torch.ones_like(values).bool()
    whole &= (values > 0) | (not low)
    whole &= (values < 1) | (not high)
    charge = values.var().item() / whole.double().mean().item()
    assert clipping.charge(image).item() == pytest.approx(charge, rel=2e-3)


@given(x=st.floats(0, 1), std=st.floats(1e-3, 1))
def test_what_is_undone_has_the_mean_it_came_from(x, std):
    image = torch.full((1, 1, 1, 1), x, dtype=torch.float64)
    for sides in SIDES.values():
        clipping = Clipping(std, *sides)
        assert clipping.undone(clipping.mean(image)).item() == pytest.approx(x, abs=1e-6)


def test_no_image_is_darker_than_black():
    clipping = Clipping(STD, YES, YES)
    assert clipping.undone(torch.zeros(1, 3, 2, 2).double()).eq(0).all()
    assert clipping.undone(torch.ones(1, 3, 2, 2).double()).eq(1).all()


def test_cut_off_noise_is_known_by_what_piles_up_image_by_image():
    noise = Noise([0, 1, 2])
    dark, bright, grey = 0.05, 0.97, 0.5
    truth = torch.tensor([dark, bright, grey])[:, None, None, None].expand(3, 1, 32, 32)
    y = (truth + 0.1 * noise.normal(1, 32, 32)).clamp(0, 1)
    found = Clipping.of(y, 0.1)
    assert found.low.flatten().tolist() == [1, 0, 0]
    assert found.high.flatten().tolist() == [0, 1, 0]
    for i in range(3):
        alone = Clipping.of(y[i : i + 1], 0.1)
        assert torch.equal(alone.low, found.low[i : i + 1])
        assert torch.equal(alone.high, found.high[i : i + 1])


def test_values_beyond_the_bounds_and_a_few_at_them_were_not_cut_off():
    noise = Noise([0]).normal(1, 64, 64)
    beyond = 0.05 + 0.1 * noise
    beyond[0, 0, 0, :8] = 0
    assert Clipping.of(beyond, 0.1).low.item() == 0
    levels = ((0.1 + 0.1 * noise).clamp_min(1 / 255) * 255).round() / 255
    assert Clipping.of(levels, 0.1).low.item() == 0
    assert Clipping.none(torch.zeros(1, 1, 4, 4), 0.1).low.item() == 0


@pytest.mark.parametrize("std", [0.02, 0.1, 0.2])
def test_the_noise_before_it_was_cut_off_is_told_from_what_is_left(std):
    ramp = torch.linspace(0, 1, 96, dtype=torch.float64).square().expand(1, 1, 96, 96)
    y = (ramp + std * Noise([0]).normal(1, 96, 96, dtype=torch.float64)).clamp(0, 1)
    left = (y - Clipping.of(y, std).mean(ramp)).square().mean().sqrt().item()
    assert left < 0.97 * std
    assert before_clipping(y, left) == pytest.approx(std, rel=0.04)


def test_of_noise_that_was_not_cut_off_all_is_left():
    y = 0.5 + 0.05 * Noise([0]).normal(1, 32, 32)
    assert before_clipping(y, 0.05) == pytest.approx(0.05, rel=1e-3)
    assert before_clipping(torch.full((1, 1, 8, 8), 0.5), 0.0) == 0


def test_what_lies_at_a_bound_is_not_free():
    y = torch.tensor([[[[0.0, 0.5, 1.0, -0.2, 1.3]]]])
    assert free(y).flatten().tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("x", [0.0, 0.15, 0.5, 0.95])
def test_steins_estimate_of_cut_off_noise_is_the_error_against_its_mean(x, slope, monkeypatch):
    side = 256
    noise = Noise([0])
    y = (x + STD * noise.normal(1, side, side, dtype=torch.float64)).clamp(0, 1)
    problem = Problem(y, Identity(), noise_std=STD)
    clipping = Clipping.of(y, STD)
    middle = clipping.mean(torch.full((1, 1, 1, 1), x, dtype=torch.float64))

    def line(problem: Problem) -> torch.Tensor:
        return middle + slope * (problem.observation - middle)

    source = Probing(line, copies=1, epsilon=1e-3)
    pool = source.pool(problem, noise)
    code = {
        "z.0": source(problem, noise),
        "probe.0": pool["probe"][:, 0],
        "push.0": pool["push"][:, 0],
    }

    class Known(Clipping):
        """What is rendered is E[y] itself, and the charge is that of the truth."""

        def mean(self, image: torch.Tensor) -> torch.Tensor:
            return image

        def charge(self, image: torch.Tensor) -> torch.Tensor:
            return clipping.charge(torch.full_like(image, x))

    known = Known(STD, clipping.low, clipping.high)
    monkeypatch.setattr(Clipping, "of", lambda y, std: known)
    estimate = Estimate(code, line(problem), line(problem), lambda code: code["z.0"][:, :1])
    guess = Sure().against(problem)(estimate).item() - y.var().item()
    error = (line(problem) - middle).square().mean().item()
    assert guess == pytest.approx(error, abs=0.03 * STD**2)


def test_a_picture_of_black_and_white_alone_has_no_slope():
    y = (torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    problem = Problem(y, Identity(), noise_std=STD)
    source = Probing(lambda problem: problem.observation, copies=1)
    pool = source.pool(problem, Noise([0]))
    code = {"z.0": y, "probe.0": pool["probe"][:, 0], "push.0": pool["push"][:, 0]}
    estimate = Estimate(code, y, y, lambda code: code["z.0"][:, :1])
    assert math.isfinite(Sure().against(problem)(estimate).item())
