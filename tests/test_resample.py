"""Downsampling: kernels, borders, phases and sizes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from priorfit.degradations import (
    Area,
    Bicubic,
    Border,
    Box,
    Downsample,
    Enlarge,
    Gauss,
    Lanczos,
    Linear,
)
from priorfit.errors import ProblemError
from tests.pictures import uniform

KERNELS = [
    *(Lanczos(2), Lanczos(3), Gauss(0.8), Gauss(3.0), Box(4), Box(7), Area(), Bicubic(), Linear()),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("border", [Border.REPLICATE, Border.RENORMALISE], ids=repr)
@settings(max_examples=10)
@given(factor=st.integers(2, 9), blocks=st.integers(1, 4), phase=st.sampled_from([0.0, 0.5]))
def test_a_flat_image_stays_flat(kernel, border, factor, blocks, phase):
    flat = torch.full((1, 1, factor * blocks, factor), 0.7, dtype=torch.float64)
    observation = Downsample(factor, kernel, phase, border)(flat)
    assert observation.shape == (1, 1, blocks, 1)
    torch.testing.assert_close(observation, torch.full_like(observation, 0.7))


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("factor", [2, 3, 4, 5])
@pytest.mark.parametrize("border", [Border.REPLICATE, Border.RENORMALISE], ids=repr)
def test_a_mirrored_image_gives_the_mirrored_observation(kernel, factor, border):
    image, degradation = uniform(1, 1, 60, 60), Downsample(factor, kernel, border=border)
    mirrored = degradation(image.flip(-1, -2)).flip(-1, -2)
    torch.testing.assert_close(mirrored, degradation(image))


@pytest.mark.parametrize(
    ("kernel", "filter"),
    [
        (Lanczos(3), PillowImage.Resampling.LANCZOS),
        (Bicubic(), PillowImage.Resampling.BICUBIC),
        (Area(), PillowImage.Resampling.BOX),
    ],
    ids=repr,
)
@pytest.mark.parametrize("factor", [2, 3, 4, 6])
def test_resizing_agrees_with_pillow_up_to_the_edge(kernel, filter, factor):
    image = uniform(1, 1, 36, 48, dtype=torch.float32)
    theirs = PillowImage.fromarray(image[0, 0].numpy()).resize((48 // factor, 36 // factor), filter)
    ours = Downsample(factor, kernel, border=Border.RENORMALISE)(image)[0, 0]
    torch.testing.assert_close(ours, torch.from_numpy(np.array(theirs)), atol=1e-6, rtol=0)


def test_borders_differ_only_at_the_border():
    image = uniform(1, 1, 64, 64)
    inner = [
        Downsample(4, Lanczos(3), border=border)(image)[..., 3:-3, 3:-3]
        for border in (Border.REPLICATE, Border.RENORMALISE)
    ]
    torch.testing.assert_close(*inner)


def test_phase_0_and_no_reach_takes_every_nth_pixel():
    image = uniform(1, 1, 9, 9)
    assert torch.equal(Downsample(3, Box(1), phase=0)(image), image[..., ::3, ::3])


def test_a_remainder_is_refused_unless_allowed():
    image = uniform(1, 1, 50, 70)
    with pytest.raises(ProblemError, match="cannot reduce 50 pixels by 4"):
        Downsample(4)(image)
    assert Downsample(4, allow_remainder=True)(image).shape == (1, 1, 12, 17)
    assert Downsample(4, phase=0, allow_remainder=True)(image).shape == (1, 1, 13, 18)


@pytest.mark.parametrize("factor", [0, 1, -4, 2.0])
def test_factors_are_whole_and_at_least_two(factor):
    with pytest.raises(ProblemError, match="expected a whole factor"):
        Downsample(factor)


def test_an_image_too_small_for_the_window_is_refused():
    with pytest.raises(ProblemError, match="at least 8 pixels"):
        Downsample(2, border=Border.VALID)(uniform(1, 1, 4, 4))


@pytest.mark.parametrize("factor", [2, 3, 4, 7])
def test_the_linear_window_interpolates_as_torch(factor):
    image = uniform(2, 3, 30, 29)
    ours = Downsample(factor, Linear(), allow_remainder=True)(image)
    torch.testing.assert_close(ours, F.interpolate(image, scale_factor=1 / factor, mode="bilinear"))


def test_enlarging_keeps_a_ramp_and_refuses_what_it_cannot_have_made():
    ramp = torch.arange(6.0)[None, None, :, None].expand(1, 1, 6, 5)
    inner = Enlarge(4)(ramp)[..., 2:-2, :]
    steps = inner.diff(dim=-2)
    torch.testing.assert_close(steps, torch.full_like(steps, 0.25))
    assert Enlarge(4).image_shape((3, 8, 12)) == (3, 2, 3)
    with pytest.raises(ProblemError, match="enlarged by 4, got 8×10"):
        Enlarge(4).image_shape((3, 8, 10))
    for factor in (1, 2.0):
        with pytest.raises(ProblemError, match="whole factor of at least 2"):
            Enlarge(factor)
