"""Block matching and plug and play: linear where they must be, and nearer to the truth."""

from dataclasses import replace

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from priorfit.classical import guides
from priorfit.classical.block_matching import BlockMatching
from priorfit.classical.plug_and_play import PlugAndPlay, towards
from priorfit.degradations import Downsample, Mask
from priorfit.errors import ProblemError
from priorfit.problem import Problem
from tests.test_guides import draw, smooth

QUICK = BlockMatching(reach=3, alike=8, alike_again=8, stride=4)


def test_most_of_the_noise_goes():
    clean = smooth(3, 32, 1)
    noisy = clean + 0.1 * draw(1, 3, 32, 32)
    left = (QUICK(noisy, 0.1) - clean).square().mean() / (noisy - clean).square().mean()
    assert left < 0.1


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4]))
@settings(max_examples=20, deadline=None)
def test_any_size_comes_back_and_what_is_even_stays(height, width, channels):
    even = torch.full((1, channels, height, width), 0.4)
    torch.testing.assert_close(QUICK(even, 0.1), even)


def test_pictures_of_a_batch_do_not_see_each_other():
    batch = smooth(1, 24, 1) + 0.1 * draw(2, 1, 24, 24)
    alone = torch.cat([QUICK(image[None], 0.1) for image in batch])
    assert torch.equal(QUICK(batch, 0.1), alone)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 200, 600]))
@settings(max_examples=20, deadline=None)
def test_bands_of_a_picture_make_the_picture(height, width, places):
    noisy = smooth(3, 40, 1).double() + 0.1 * draw(1, 3, 40, 40).double()
    noisy = noisy[..., :height, :width]
    whole, bands = QUICK(noisy, 0.1), replace(QUICK, places=places)(noisy, 0.1)
    torch.testing.assert_close(bands, whole, atol=1e-9, rtol=0)


def test_brightness_is_carried_through_and_scale_goes_with_the_noise():
    """D(a·x + b, a·σ) = a·D(x, σ) + b."""
    noisy = smooth(3, 24, 1) + 0.1 * draw(1, 3, 24, 24)
    moved = QUICK(0.5 * noisy + 0.3, 0.05)
    torch.testing.assert_close(moved, 0.5 * QUICK(noisy, 0.1) + 0.3, atol=1e-4, rtol=0)


@pytest.mark.parametrize("turn", [(-1,), (-2,)])
def test_a_mirrored_picture_has_a_mirrored_estimate(turn):
    """Where the stride reaches both borders alike, and no two blocks are equally near."""
    noisy = smooth(1, 20, 1) + 0.1 * draw(1, 1, 20, 20)
    mirrored = QUICK(noisy.flip(turn), 0.1).flip(turn)
    assert (mirrored - QUICK(noisy, 0.1)).abs().max() < 0.02


PROBLEMS = {
    "mask": lambda x: Problem((m := Mask(draw(1, 1, *x.shape[2:]) > 0))(x), m),
    "small": lambda x: Problem(Downsample(2)(x), Downsample(2)),
}
STARTS = {"mask": guides.biharmonic, "small": guides.enlarge}


@pytest.mark.parametrize("name", PROBLEMS)
def test_towards_is_the_minimum_that_it_says(name):
    """A small step to any side from it costs more."""
    problem = PROBLEMS[name](smooth(1, 16, 1))
    image, pull = draw(1, 1, 16, 16), 0.1
    found = towards(problem, image, pull, 50)

    def cost(x: torch.Tensor) -> float:
        misfit = (problem.operator(x) - problem.observation).square().sum()
        return float(misfit + pull * (x - image).square().sum())

    steps = 0.05 * torch.randn(5, 1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    assert all(cost(found) < cost(found + step) for step in steps)


@pytest.mark.parametrize("name", PROBLEMS)
def test_plug_and_play_gains_on_its_start_and_keeps_to_the_observation(name):
    rows = torch.arange(32)
    stripes = 0.5 + 0.4 * torch.sign(torch.sin((rows[:, None] + rows) / 3.0))[None, None]
    problem = PROBLEMS[name](stripes)
    guess = PlugAndPlay(STARTS[name], QUICK, first=0.2, last=0.02, steps=5, pull=0.01)(problem)
    begun = STARTS[name](problem)
    assert (guess - stripes).square().mean() < 0.9 * (begun - stripes).square().mean()
    assert (problem.operator(guess) - problem.observation).abs().mean() < 0.02


def test_a_degradation_that_is_not_linear_is_refused():
    class Brighter:
        def A(self, x: torch.Tensor) -> torch.Tensor:  # noqa: N802
            return x.square()

    problem = Problem(smooth(1, 16, 1), Brighter())
    with pytest.raises(ProblemError, match="linear"):
        towards(problem, smooth(1, 16, 1), 0.1, 1)


def test_what_a_mask_is_filled_with_does_not_matter():
    known = (draw(1, 1, 16, 16) > 0.5).float()
    found = []
    for fill in (0.0, 1.0):
        mask = Mask(known, fill=fill)
        found.append(towards(Problem(mask(smooth(1, 16, 1)), mask), draw(1, 1, 16, 16), 0.1, 9))
    assert torch.allclose(*found, atol=1e-6)
