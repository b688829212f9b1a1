"""Blur: true convolution, the canvas beyond the picture, point spread functions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, signal

from priorfit.degradations import Blur, Border, blur, defocus_psf, gaussian_psf, motion_psf
from priorfit.errors import ProblemError
from tests.pictures import uniform

LOPSIDED = uniform(3, 4, seed=1)
LARGE = uniform(8, 7, seed=2)  # convolved by Fourier transform


@pytest.fixture(params=[0, 10**6], ids=["by Fourier transform", "directly"])
def way(request, monkeypatch):
    monkeypatch.setattr(blur, "_DIRECT", request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", [(3, 3), (2, 2), (4, 3), (3, 6), (1, 5)])
def test_blur_is_the_convolution_of_scipy(size):
    psf, image = uniform(*size, seed=1) + 0.3, uniform(1, 1, 9, 11)
    known = (psf / psf.sum()).numpy()
    valid = signal.convolve(image[0, 0].numpy(), known, mode="valid")
    np.testing.assert_allclose(Blur(psf)(image)[0, 0], valid)
    same, weight = (
        signal.convolve(array, known, mode="same")
        for array in (image[0, 0].numpy(), np.ones((9, 11)))
    )
    np.testing.assert_allclose(Blur(psf, Border.RENORMALISE)(image)[0, 0], same / weight)


@pytest.mark.usefixtures("way")
def test_gaussian_blur_is_that_of_scipy():
    image = uniform(1, 1, 30, 30)
    theirs = ndimage.gaussian_filter(image[0, 0].numpy(), 1.7, mode="nearest")
    ours = Blur(gaussian_psf(1.7), Border.REPLICATE)(image)[0, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize(
    "psf", [LOPSIDED, LARGE, torch.ones(2, 2)], ids=["lopsided", "large", "2×2"]
)
def test_the_canvas_shows_behind_the_observation_what_a_blur_of_the_same_size_sees(psf):
    canvas, degradation = uniform(1, 1, 20, 20), Blur(psf)
    behind = degradation.crop(canvas)
    assert behind.shape == degradation(canvas).shape
    same = Blur(psf, Border.REPLICATE)(behind)
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(same[inner], degradation(canvas)[inner])


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_a_psf_is_normalised_and_centred_and_then_stays(height, width, seed, rim):
    sparse = uniform(height, width, seed=seed) ** 8
    psf = Blur(torch.nn.functional.pad(sparse, rim)).psf
    torch.testing.assert_close(Blur(psf).psf, psf)
    torch.testing.assert_close(psf.sum(), torch.tensor(1.0).double())
    for profile in (psf.sum(0), psf.sum(1)):
        middle = (profile * torch.arange(len(profile))).sum() - (len(profile) - 1) / 2
        assert abs(middle) < 0.5 + 1e-6


def test_an_empty_rim_costs_nothing():
    padded = torch.nn.functional.pad(gaussian_psf(0.5), (3, 5, 0, 7))
    assert Blur(padded) == Blur(gaussian_psf(0.5))


@pytest.mark.parametrize(
    "psf",
    [
        torch.ones(3),
        torch.ones(0, 3),
        torch.zeros(3, 3),
        torch.tensor([[1.0, -0.1]]),
        torch.tensor([[1.0, torch.nan]]),
    ],
)
def test_a_psf_that_is_none_is_refused(psf):
    with pytest.raises(ProblemError, match="expected a PSF"):
        Blur(psf)


def test_a_psf_larger_than_the_image_is_refused():
    with pytest.raises(ProblemError, match="does not fit"):
        Blur(torch.ones(5, 5))(uniform(1, 1, 4, 9))


PSFS = {
    "gaussian": gaussian_psf(1.2),
    "level motion": motion_psf(4.0),
    "oblique motion": motion_psf(7.0, 30.0),
    "defocus": defocus_psf(2.5),
}


@pytest.mark.parametrize("psf", PSFS.values(), ids=PSFS)
def test_named_psfs_are_symmetric_and_sum_to_one(psf):
    torch.testing.assert_close(psf.sum(), torch.tensor(1.0).double())
    torch.testing.assert_close(psf, psf.flip(0, 1))


def test_motion_goes_along_its_angle():
    torch.testing.assert_close(motion_psf(3.0)[2], torch.tensor([0, 1, 1, 1, 0]).double() / 3)
    torch.testing.assert_close(motion_psf(5.0, 90.0), motion_psf(5.0).T)
    counter_clockwise = motion_psf(9.0, 45.0)
    assert counter_clockwise[0:4, 6:].sum() > 0.2  # top right
    assert counter_clockwise[0:4, :4].sum() == 0


@pytest.mark.parametrize("make", [gaussian_psf, motion_psf, defocus_psf])
@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf")])
def test_sizes_of_psfs_are_positive(make, size):
    with pytest.raises(ProblemError, match="expected a positive"):
        make(size)
