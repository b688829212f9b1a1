"""Laws of PGGAN."""

import math

import pytest
import torch
import torch.nn.functional as F

from priorfit.errors import ProblemError
from priorfit.networks.generator import Generator
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from tests import plain_style

TINY = PgGanConfig((6, 5, 4), z_dim=5)
LAYERS = 7
each_layer = pytest.mark.parametrize("layer", range(LAYERS + 1))


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(config: PgGanConfig = TINY) -> PgGan:
    network = initialised(lambda: PgGan(config), seeded(0)).double().eval()
    for tensor in network.state_dict().values():
        tensor += 0.3 * torch.randn(tensor.shape, dtype=tensor.dtype, generator=seeded())
    return network


def latents(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 5, dtype=torch.float64, generator=seeded(2))


@pytest.mark.parametrize("fused_from", [None, 4, 16])
def test_a_pggan_is_what_its_formulas_say(fused_from: int | None):
    network, z = made(), latents().requires_grad_()
    image = network(z)
    expected = plain_style.pggan(network.state_dict(), z, fused_from=fused_from)
    assert image.shape == (2, 3, 16, 16)
    assert torch.allclose(image, expected, rtol=1e-9, atol=1e-10)
    ours, theirs = (torch.autograd.grad(x.square().mean(), z)[0] for x in (image, expected))
    assert torch.allclose(ours, theirs, rtol=1e-8, atol=1e-12)


@each_layer
def test_the_halves_make_the_whole(layer: int):
    network, z = made(), latents()
    features = network.lower(z, layer)
    assert features.ndim == 4
    assert torch.equal(network.upper(features, layer, z), network(z))


def test_layers_are_counted_as_the_published_table_has_them():
    shapes = [tuple(made().lower(latents(), layer).shape[1:]) for layer in range(LAYERS + 1)]
    ends = [(5, 1, 1), (6, 4, 4), (6, 4, 4), (5, 8, 8), (5, 8, 8), (4, 16, 16), (4, 16, 16)]
    assert shapes == [*ends, (3, 16, 16)]


@pytest.mark.parametrize("layer", [-1, LAYERS + 1])
def test_a_split_elsewhere_is_refused(layer: int):
    with pytest.raises(ProblemError, match="from 0 to 7"):
        made().upper(made().lower(latents(), 0), layer, latents())


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_frozen_draws_the_same_and_has_the_same_gradient(memory: torch.memory_format):
    network, z = made(), latents().requires_grad_()
    images = [network(z), frozen(network).to(memory_format=memory)(z)]
    assert torch.allclose(*images, rtol=1e-10, atol=1e-12)
    gradients = [torch.autograd.grad(image.square().mean(), z)[0] for image in images]
    assert torch.allclose(*gradients, rtol=1e-8, atol=1e-12)


def test_an_image_is_the_same_alone_and_in_company():
    network, z = made(), latents(3)
    assert torch.allclose(network(z)[1:2], network(z[1:2]), rtol=1e-10, atol=1e-12)


def test_only_the_direction_of_z_matters_and_normalised_keeps_it():
    network, z = made(), latents()
    long = network.normalised(z)
    assert torch.allclose(long.square().mean(1), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(F.cosine_similarity(long, z), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(network(long), network(z), atol=1e-6)


def test_a_whole_lod_repeats_the_pixels_of_a_coarser_image():
    network, z = made(), latents()
    coarse = network.outputs[1](plain_style.pixel_norm(network.lower(z, 4)))
    expected = F.interpolate(coarse, scale_factor=2)
    assert torch.allclose(network.draw(z, lod=1), expected, rtol=1e-10)


def test_a_lod_between_mixes_two_images():
    network, z = made(), latents()
    mixed = 0.75 * network.draw(z, lod=1) + 0.25 * network.draw(z, lod=2)
    assert torch.allclose(network.draw(z, lod=1.25), mixed, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lod", [-1, 3, math.inf, math.nan])
def test_a_lod_that_leaves_no_scale_is_refused(lod: float):
    with pytest.raises(ProblemError, match="expected a lod from 0 to below 3"):
        made().draw(latents(), lod=lod)


def test_training_reaches_every_parameter():
    network = initialised(lambda: PgGan(TINY), seeded())
    z = network.sample(Noise([0, 1]))
    (network(z) + network.draw(z, lod=1.5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_unit_noise_keeps_its_variance_through_a_network_that_starts():
    network = initialised(lambda: PgGan(PgGanConfig((64, 64), z_dim=64)), seeded())
    features = network.lower(network.sample(Noise(range(8))), 4)
    assert features.square().mean().item() == pytest.approx(1, abs=0.2)


def test_what_is_saved_comes_back_to_the_bit(tmp_path):
    network = initialised(lambda: PgGan(TINY), seeded())
    network.save_pretrained(tmp_path)
    again, z = Generator.from_pretrained(tmp_path), network.sample(Noise([7]))
    assert isinstance(again, PgGan)
    assert torch.equal(again(z), network(z))
