"""The cheap estimates: of the image's size, better than what they start from, known pixels kept."""

from functools import partial

import pytest
import torch
from torch import Tensor

from priorfit.classical import guides
from priorfit.degradations import Blur, Downsample, Identity, Mask
from priorfit.degradations.blur import gaussian_psf
from priorfit.errors import ProblemError
from priorfit.problem import Problem


def smooth(channels: int = 3, side: int = 32, batch: int = 2) -> Tensor:
    rows = torch.linspace(0, 3, side)
    wave = 0.5 + 0.3 * torch.sin(rows)[:, None] * torch.cos(rows)[None]
    return torch.stack([wave * (1 - 0.1 * c) for c in range(channels)]).repeat(batch, 1, 1, 1)


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def noisy(channels: int) -> Problem:
    x = smooth(channels)
    return Problem((x + 0.1 * draw(*x.shape)).clamp(0, 1), Identity(), noise_std=0.1)


def holed(channels: int, shared: bool) -> Problem:
    known = draw(2, 1 if shared else channels, 32, 32) > 0
    mask = Mask(known)
    return Problem(mask(smooth(channels)), mask)


CASES = {
    "non_local_means": (guides.non_local_means, noisy),
    "block_matched": (guides.block_matching, noisy),
    "total_variation": (guides.total_variation, noisy),
    "biharmonic": (guides.biharmonic, partial(holed, shared=True)),
    "biharmonic by channel": (guides.biharmonic, partial(holed, shared=False)),
    "enlarged": (guides.enlarge, lambda c: Problem(smooth(c)[..., ::2, ::2], Downsample(2))),
    "deconvolved": (
        guides.wiener,
        lambda c: Problem(Blur(gaussian_psf(1.0))(smooth(c)), Blur(gaussian_psf(1.0))),
    ),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("estimate", "make"), CASES.values(), ids=CASES)
def test_a_guide_is_near_the_truth_and_of_its_size(estimate, make, channels):
    problem = make(channels)
    image = estimate(problem)
    assert image.shape[1:] == problem.shape
    assert image.dtype == torch.float32
    assert (image - smooth(channels)).square().mean() < 0.006  # the noise alone: 0.01


def test_a_fill_keeps_what_is_known():
    problem = holed(3, shared=True)
    mask = problem.degradation
    assert isinstance(mask, Mask)
    known = mask.known.bool().expand(-1, 3, -1, -1)
    assert torch.allclose(guides.biharmonic(problem)[known], problem.observation[known], atol=1e-6)


@pytest.mark.parametrize("std", [0.02, 0.1, 0.2])
def test_the_noise_level_is_estimated(std):
    x = 0.5 + std * draw(1, 3, 64, 64)
    assert guides.noise_level(x) == pytest.approx(std, rel=0.1)


@pytest.mark.parametrize("estimate", [guides.biharmonic, guides.wiener])
def test_a_guide_for_another_degradation_is_refused(estimate):
    with pytest.raises(ProblemError, match="got another degradation"):
        estimate(noisy(3))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_unsharp_mask_adds_what_a_blur_leaves_out(channels):
    """A ramp has no detail and stays; an amount of −1 is the blur itself; zero changes nothing."""
    ramp = torch.linspace(0.3, 0.7, 40).expand(1, channels, 30, 40)
    inside = (..., slice(10, -10), slice(10, -10))
    torch.testing.assert_close(guides.unsharp(ramp, 2.0)[inside], ramp[inside], atol=1e-5, rtol=0)
    image = smooth(channels)
    torch.testing.assert_close(guides.unsharp(image, 0.0), image)
    step = (torch.arange(40) >= 20).float().expand(1, channels, 30, 40) * 0.4 + 0.3
    blurred = guides.unsharp(step, -1.0)
    torch.testing.assert_close(guides.unsharp(step, 0.5), step + 0.5 * (step - blurred))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_a_fill_does_not_ask_how_a_picture_lies_in_memory(order):
    known = (draw(1, 1, 32, 32) > 2.2).expand(1, 3, 32, 32).contiguous(memory_format=order)
    mask = Mask(known)
    observation = mask(smooth(batch=1)).contiguous(memory_format=order)
    image = guides.biharmonic(Problem(observation, mask))
    assert torch.equal(image[known], observation[known])
