"""Zero-Shot Noise2Noise: its two halves, its loss, its size."""

import pytest
import torch

from priorfit import recipes
from priorfit.degradations import Identity
from priorfit.loop.fit import restore
from priorfit.networks.zero_shot import ZeroShotDenoiser
from priorfit.problem import Problem
from priorfit.terms.data import NoisyPair
from priorfit.terms.objective import Estimate


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def loss_of(render, y: torch.Tensor) -> torch.Tensor:
    code = {"z.0": y}
    image = render(code)
    return NoisyPair().against(Problem(y, Identity()))(Estimate(code, image, image, render))


def test_the_network_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in ZeroShotDenoiser(3, 3).parameters()) == 22_275


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (8, 11)])
def test_what_changes_nothing_pays_for_the_noise_alone(size):
    """f(y) = y: both residuals are the difference of the halves, and consistency is perfect."""
    y = draw(2, 3, *size)
    blocks = y[..., : size[0] // 2 * 2, : size[1] // 2 * 2].unfold(2, 2, 2).unfold(3, 2, 2)
    one, other = (blocks[..., [0, 1], order].mean(-1) for order in ([1, 0], [0, 1]))
    expected = (one - other).square().flatten(1).mean(1)
    torch.testing.assert_close(loss_of(lambda code: code["z.0"], y), expected)


def test_a_flat_picture_without_noise_costs_nothing():
    flat = torch.full((1, 1, 6, 6), 0.4)
    assert loss_of(lambda code: code["z.0"], flat).item() == 0


def test_images_do_not_see_each_other():
    y = draw(2, 1, 8, 8)
    together = loss_of(lambda code: code["z.0"] ** 2, y)
    alone = torch.cat([loss_of(lambda code: code["z.0"] ** 2, one[None]) for one in y])
    torch.testing.assert_close(together, alone)


def test_it_removes_noise():
    truth = torch.linspace(0.2, 0.8, 16).expand(1, 1, 16, 16)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    y = (truth + 0.1 * noise).clamp(0, 1)
    image = restore(Problem(y, Identity()), recipes.load("zs-n2n/denoise", 60), [0]).image
    assert (image - truth).square().mean() < 0.5 * (y - truth).square().mean()
