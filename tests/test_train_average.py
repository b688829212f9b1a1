"""The running average of a generator, and its batch statistics."""

import copy

import pytest
import torch
from torch import nn

from priorfit.networks.biggan_norms import Statistics
from priorfit.train.average import Average, settle_statistics
from tests.training import noise, pair


def linear(value: float) -> nn.Linear:
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, value)
    nn.init.constant_(layer.bias, -value)
    return layer


def test_after_its_half_life_a_value_counts_half():
    average = Average(linear(0.0), half_life=100, ramp=1)
    average.update(linear(8.0), seen=1000, batch=100)
    assert average.network.weight.tolist() == [[4, 4]]
    assert average.network.bias.tolist() == [-4]


@pytest.mark.parametrize("batch", [1, 10, 40])
def test_batches_of_any_size_forget_alike(batch):
    average = Average(linear(1.0), half_life=100, ramp=1)
    for _ in range(200 // batch):
        average.update(linear(0.0), seen=10_000, batch=batch)
    assert average.network.weight[0, 0].item() == pytest.approx(1 / 4)


def test_early_on_it_forgets_sooner():
    average = Average(linear(0.0), half_life=100, ramp=0.05)
    average.update(linear(1.0), seen=200, batch=10)
    assert average.network.weight[0, 0].item() == pytest.approx(1 / 2)


def test_buffers_are_copied_not_averaged():
    network = nn.BatchNorm1d(2)
    average = Average(network, half_life=100)
    network.running_mean.fill_(7.0)
    network.num_batches_tracked.fill_(3)
    average.update(network, seen=1000, batch=1)
    assert average.network.running_mean.tolist() == [7, 7]
    assert average.network.num_batches_tracked == 3


def test_an_average_is_a_copy_that_learns_nothing():
    network = linear(1.0)
    average = Average(network, half_life=100)
    nn.init.zeros_(network.weight)
    assert average.network.weight.tolist() == [[1, 1]]
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())


@pytest.fixture(scope="module")
def biggan():
    """A generator whose spectral norms have come to rest and whose statistics have not."""
    generator = pair("biggan").started(0)[0].train()
    with torch.no_grad():
        for _ in range(40):
            z = torch.randn(2, generator.z_dim, generator=noise())
            generator(z, generator.embed(torch.arange(2)))
    return generator


def first_statistics(generator) -> Statistics:
    return next(m for m in generator.modules() if isinstance(m, Statistics))


def test_settled_statistics_are_those_of_its_own_drawings(biggan):
    labels = torch.arange(8) % 2
    found = settle_statistics(biggan, noise(1), labels=labels, batches=3)
    layer = first_statistics(found)
    seen = []
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    source = noise(1)
    with torch.no_grad():
        for _ in range(3):
            found(torch.randn(8, found.z_dim, generator=source), found.embed(labels))
    x = torch.cat(seen)
    assert torch.allclose(layer.mean, x.mean((0, 2, 3)), atol=1e-2)
    assert torch.allclose(layer.var, x.var((0, 2, 3), correction=0), rtol=0.05, atol=1e-3)
    assert not found.training


def test_settling_changes_a_copy(biggan):
    before = copy.deepcopy(biggan.state_dict())
    found = settle_statistics(biggan, noise(1), labels=torch.arange(4) % 2, batches=1)
    assert all(torch.equal(before[name], tensor) for name, tensor in biggan.state_dict().items())
    assert not torch.equal(first_statistics(found).mean, first_statistics(biggan).mean)


def test_settling_leaves_no_hooks(biggan):
    found = settle_statistics(biggan, noise(1), labels=torch.arange(2), batches=1)
    assert not first_statistics(found)._forward_pre_hooks


def test_a_style_generator_without_batches_draws_as_before():
    generator = pair("stylegan").started(0)[0].eval()
    found = settle_statistics(generator, noise(), labels=torch.arange(4) % 2)
    z, labels = torch.randn(3, generator.z_dim, generator=noise()), torch.tensor([0, 1, 1])
    with torch.no_grad():
        images = [g.draw(g.map(z, g.embed(labels)), g.embed(labels)) for g in (generator, found)]
    assert torch.equal(*images)
