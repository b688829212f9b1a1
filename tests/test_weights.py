"""Laws of the layers that compute their weights."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from priorfit.networks.initialise import initialised
from priorfit.networks.weights import (
    EqualisedConv2d,
    EqualisedLinear,
    SpectralConv2d,
    SpectralEmbedding,
    SpectralLinear,
    frozen,
    spectral,
)


def made(build, seed=0):
    return initialised(build, torch.Generator().manual_seed(seed)).double()


LAYERS = {
    "spectral convolution": (lambda: SpectralConv2d(4, 6, 3), (2, 4, 5, 7)),
    "spectral convolution of one pixel": (
        lambda: SpectralConv2d(4, 6, 1, bias=False),
        (2, 4, 5, 7),
    ),
    "spectral linear": (lambda: SpectralLinear(5, 3), (2, 5)),
    "equalised convolution": (lambda: EqualisedConv2d(4, 6, 3), (2, 4, 5, 7)),
    "equalised linear": (lambda: EqualisedLinear(5, 3, gain=math.sqrt(2), rate=0.01), (2, 5)),
    "equalised linear without bias": (lambda: EqualisedLinear(5, 3, bias=None), (2, 5)),
}
each_layer = pytest.mark.parametrize("name", LAYERS)
SPECTRAL = {
    "convolution": lambda: SpectralConv2d(4, 6, 3),
    "linear": lambda: SpectralLinear(5, 3),
    "embedding": lambda: SpectralEmbedding(7, 4),
}
each_spectral = pytest.mark.parametrize("name", SPECTRAL)


@each_layer
def test_frozen_does_the_same_and_keeps_the_original(name: str):
    build, shape = LAYERS[name]
    network = nn.Sequential(made(build)).eval()
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before, plain = network(x), frozen(network)
    assert torch.allclose(plain(x), before, rtol=1e-12, atol=1e-12)
    assert type(plain[0]) in (nn.Conv2d, nn.Linear)
    assert torch.equal(network(x), before)
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@each_layer
def test_the_same_generator_starts_the_same_layer(name: str):
    build, _ = LAYERS[name]
    first, second, other = made(build), made(build), made(build, seed=1)
    for key, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[key])
    assert not torch.equal(first.weight, other.weight)


@each_spectral
def test_many_iterations_find_the_largest_singular_value(name: str):
    layer = made(SPECTRAL[name]).train()
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(2))
    for _ in range(300):
        weight = spectral(layer)
    assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-6)


@each_spectral
def test_evaluation_repeats_one_iteration_from_the_stored_vector(name: str):
    layer = made(SPECTRAL[name]).eval()
    stored = layer.u.clone()
    matrix = layer.weight.detach().flatten(1)
    v = F.normalize(stored @ matrix)
    u = F.normalize(v @ matrix.T)
    expected = layer.weight / (v @ matrix.T @ u.T)
    for _ in range(2):
        assert torch.allclose(spectral(layer), expected, rtol=1e-12)
    assert torch.equal(layer.u, stored)


@each_spectral
def test_the_gradient_flows_through_the_weight_alone(name: str):
    layer = made(SPECTRAL[name]).eval()
    matrix = layer.weight.detach().flatten(1)
    v = F.normalize(layer.u @ matrix)
    u = F.normalize(v @ matrix.T)
    cotangent = torch.arange(1.0, layer.weight.numel() + 1).double().view_as(layer.weight)
    (got,) = torch.autograd.grad(spectral(layer), layer.weight, cotangent)
    sigma = (v @ matrix.T @ u.T).item()
    along = (cotangent * layer.weight.detach()).sum() / sigma**2
    expected = cotangent / sigma - along * (u.T @ v).view_as(layer.weight)
    assert torch.allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_an_equalised_layer_keeps_the_variance_of_unit_noise():
    layer = made(lambda: EqualisedLinear(4096, 256, gain=1.0, rate=0.01))
    x = torch.randn(16, 4096, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert layer(x).std().item() == pytest.approx(1, abs=0.05)


def test_the_constant_bias_holds_whatever_the_rate():
    layer = made(lambda: EqualisedLinear(4, 3, rate=0.01, bias=1.0))
    assert torch.allclose(layer(torch.zeros(1, 4, dtype=torch.float64)), torch.ones(1, 3).double())
