"""Metrics: one number an image, with the values that are known."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

import priorfit as pf
from priorfit.color import luma
from priorfit.errors import ProblemError
from priorfit.metrics import psnr, psnr_y, ssim


def picture(seed: int, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, channels, 24, 20, generator=generator)


@pytest.mark.parametrize("metric", [psnr, psnr_y, ssim])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_number_an_image_that_does_not_see_the_others(metric, channels):
    a, b = picture(0, channels), picture(1, channels)
    assert metric(a, b).shape == (2,)
    assert torch.allclose(metric(a, b)[1:], metric(a[1:], b[1:]))


def test_psnr_is_that_of_scikit_image():
    a, b = picture(0)[0].double().numpy(), picture(1)[0].double().numpy()
    expected = peak_signal_noise_ratio(a, b, data_range=1)
    assert psnr(picture(0)[:1], picture(1)[:1]).item() == pytest.approx(expected)


def test_an_image_is_equal_to_itself():
    assert torch.isinf(psnr(picture(0), picture(0))).all()
    assert torch.allclose(ssim(picture(0), picture(0)), torch.ones(2).double())


def test_luma_reaches_from_16_to_235():
    for channels in (1, 3):
        black, white = torch.zeros(1, channels, 1, 1), torch.ones(1, channels, 1, 1)
        assert luma(black).item() * 255 == pytest.approx(16, abs=1e-3)
        assert luma(white).item() * 255 == pytest.approx(235, abs=1e-3)


def test_the_border_is_left_out():
    a, b = picture(0), picture(0)
    b[..., :4, :] = 0
    assert torch.isinf(psnr_y(a, b)).all()


def test_another_size_is_refused():
    with pytest.raises(ProblemError, match="has the shape of the image"):
        psnr(picture(0), picture(0)[..., 1:])


SCALES = {"u1": 255, "u2": 65535, "f4": 1.0, "f8": 1.0}


@pytest.mark.parametrize("dtype", SCALES)
@pytest.mark.parametrize("shape", [(24, 20), (24, 20, 3), (2, 24, 20, 3)])
def test_arrays_are_measured_on_the_scale_of_their_type(dtype, shape):
    draws = np.random.default_rng(0).random(shape)
    one, other = ((x * SCALES[dtype]).astype(dtype) for x in (draws, draws * 0.9))
    expected = -10 * np.log10(np.mean((0.1 * draws) ** 2))
    assert pf.psnr(one, other) == pytest.approx(expected, abs=0.02)
    assert pf.psnr(one, one) == np.inf
    assert isinstance(pf.psnr(one, other), float)


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
@pytest.mark.parametrize(("low", "span"), [(0, 4000), (-1000, 3000), (500, 200)])
def test_where_a_type_has_no_scale_it_is_the_range_of_the_reference(dtype, low, span):
    draws = np.random.default_rng(0).random((24, 20))
    draws.flat[:2] = 0, 1
    reference, image = ((low + span * x).astype(dtype) for x in (draws, draws * 0.9))
    expected = -10 * np.log10(np.mean((0.1 * draws) ** 2))
    assert pf.psnr(image, reference) == pytest.approx(expected, abs=0.1)


def test_arrays_of_two_types_are_measured_where_both_have_a_scale():
    draws = np.random.default_rng(0).random((24, 20))
    assert pf.psnr((draws * 255).round().astype(np.uint8), draws) > 55
    assert pf.psnr(draws.astype(np.float32), draws) > 120
    with pytest.raises(ProblemError, match="arrays of one dtype, or floats in"):
        pf.psnr(draws * 300, (draws * 255).astype(np.uint8))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_psnr_takes_the_argument_that_others_take(axis):
    draws = np.random.default_rng(0).random((24, 20, 3))
    assert pf.psnr(draws, draws * 0.9, channel_axis=axis) == pf.psnr(draws, draws * 0.9)
    with pytest.raises(ProblemError, match="channel_axis=3"):
        pf.psnr(draws, draws, channel_axis=3)


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_similarity_of_arrays_is_that_of_tensors(axis):
    draws = np.random.default_rng(0).random((3, 24, 20))
    tensors = [torch.from_numpy(x)[None] for x in (draws, draws * 0.8)]
    arrays = [np.moveaxis(x, 0, 0 if axis is None else axis) for x in (draws, draws * 0.8)]
    if axis is None:
        tensors, arrays = [t[:, :1] for t in tensors], [a[0] for a in arrays]
    found = pf.ssim(*arrays, channel_axis=axis)
    assert found == pytest.approx(pf.ssim(*tensors).item())


def test_similarity_of_channels_names_the_argument_that_tells_them():
    colours = np.zeros((24, 20, 3))
    with pytest.raises(ProblemError, match="channel_axis, -1 if they come last"):
        pf.ssim(colours, colours)


@pytest.mark.parametrize("measure", [pf.psnr, pf.ssim])
@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (np.zeros((4, 4)), torch.zeros(1, 1, 4, 4), "one of each"),
        (np.zeros((4, 4)), np.zeros((4, 5)), "one shape, got"),
        (np.zeros((0, 4)), np.zeros((0, 4)), "one shape, got"),
        (np.zeros((4, 4), bool), np.zeros((4, 4), bool), "arrays of numbers"),
        ("a.png", "b.png", "arrays of numbers"),
    ],
)
def test_what_cannot_be_compared_is_said(measure, one, other, said):
    with pytest.raises(ProblemError, match=said):
        measure(one, other)
