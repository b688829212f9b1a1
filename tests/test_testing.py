"""The public doubles: what a user's tests may rely on."""

import numpy as np
import pytest
import torch

import priorfit as pf
from priorfit import testing
from priorfit.testing import __main__ as demonstration


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("size", [8, 16])
def test_a_tiny_generator_draws_in_every_space_it_has(size, classes):
    generator = testing.tiny_generator(classes=classes, size=size)
    for space in generator.spaces:
        recipe = testing.tiny_latent_recipe(generator, 2, space=space, candidates=2)
        found = pf.restore(testing.tiny_problem(size=(size, size)), recipe, [0])
        assert found.image.shape == (1, 3, size, size)


@pytest.mark.parametrize("size", [8, 16])
def test_the_encoder_fits_the_generator(size):
    generator, encoder = testing.tiny_generator(size=size), testing.tiny_encoder(size=size)
    w = encoder(torch.rand(2, 3, size, size) * 2 - 1)
    assert generator.image(generator.draw(w)).shape == (2, 3, size, size)


def test_the_same_seed_gives_the_same_double():
    one, again, other = (testing.tiny_generator(seed) for seed in (0, 0, 1))
    z = one.sample(pf.Noise([0]))
    assert torch.equal(one(z), again(z)) and not torch.equal(one(z), other(z))


def test_a_tiny_generator_is_saved_and_loaded(tmp_path):
    generator = testing.tiny_generator()
    generator.save_pretrained(tmp_path / "tiny")
    again, z = pf.Generator.from_pretrained(tmp_path / "tiny"), generator.sample(pf.Noise([0]))
    assert torch.equal(again(z), generator(z))


@pytest.mark.parametrize("degradation", [None, pf.Downsample(2), pf.Grayscale()])
def test_the_tiny_recipe_comes_closer(degradation):
    problem = testing.tiny_problem(degradation, batch=2)
    losses = [sum(s.losses.values()) for s in pf.Fit(problem, testing.tiny_recipe(20), [0, 1])]
    assert (losses[-1] < losses[0]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_has_the_type_that_was_asked_for(dtype, channels):
    picture = testing.tiny_picture((5, 6), channels=channels, dtype=dtype)
    assert picture.dtype == dtype
    assert picture.shape == ((5, 6) if channels == 1 else (5, 6, 3))


def test_the_demonstration_finds_the_hidden_half(capsys):
    demonstration.main()
    lines = capsys.readouterr().out.splitlines()
    decibels = [float(line.split(", ")[1].split()[0]) for line in lines if line.startswith("step")]
    assert decibels[-1] > 40 > decibels[0]
