"""Randomness that belongs to the image."""

import pytest
import torch

from priorfit.noise import Noise


@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_an_image_draws_alone_what_it_draws_in_a_batch(draw):
    together, alone = Noise([1, 2, 3]), Noise([2])
    for _ in range(3):
        assert torch.equal(getattr(together, draw)(4, 5)[1:2], getattr(alone, draw)(4, 5))


def test_a_saved_state_goes_on_drawing():
    noise = Noise([1, 2])
    noise.normal(3)
    saved = noise.state_dict()
    expected = noise.uniform(4)
    other = Noise([8, 9])
    other.load_state_dict(saved)
    assert torch.equal(other.uniform(4), expected)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    Noise([0]).normal(10)
    assert torch.equal(torch.get_rng_state(), before)


def test_moments():
    normal, uniform = Noise([0]).normal(100_000), Noise([0]).uniform(100_000)
    assert normal.mean().abs() < 0.02
    assert normal.std().item() == pytest.approx(1, abs=0.02)
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    assert 0 <= uniform.min() <= uniform.max() < 1
