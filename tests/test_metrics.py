"""Metrics: one number an image, with the values that are known."""

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

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
