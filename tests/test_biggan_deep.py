"""Laws of BigGAN-deep; its arithmetic against a plain one on published weights."""

import dataclasses
from functools import cache

import pytest
import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.layouts.biggan_deep import GENERATOR
from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan_deep import BigGanDeep, BigGanDeepConfig
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import build_stored
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from tests import plain_biggan_deep

OPTIONS = {
    "attention in the middle": ((16, 16, 16, 8, 8), 2, None),
    "attention first": ((16, 8, 8), 0, None),
    "no attention": ((16, 16, 8), None, None),
    "doubling elsewhere": ((16, 16, 8, 8), 1, (0, 2)),
    "many pixels": ((8, 8, 8, 8, 8, 8, 4, 4, 4, 4), 4, None),
}
each_option = pytest.mark.parametrize("name", OPTIONS)
SMALL = BigGanDeepConfig((16, 16, 8), (1,), 1, 4, 3, 5, 7, 11, truncation=0.5)


@cache
def published(
    name: str, interpolation: str = "linear"
) -> tuple[dict[str, Tensor], BigGanDeep, tuple[int, ...]]:
    """Random weights in the published layout, ours of them in float64, and where it doubles."""
    channels, attention, doubling = OPTIONS[name]
    shapes = plain_biggan_deep.shapes(channels, attention, z_dim=4, embedding=5, classes=3)
    weights = plain_biggan_deep.drawn(shapes)
    doubling = tuple(range(1, len(channels) - 1, 2)) if doubling is None else doubling
    rows = [[i in doubling, 0, 0] for i in range(len(channels) - 1)]
    stored = GENERATOR.convert(Found(weights, settings={"layers": rows}))
    config = {**stored.config, "truncation": 0.5, "interpolation": interpolation}
    network = build_stored(dataclasses.replace(stored, config=config))
    assert isinstance(network, BigGanDeep)
    network.load_state_dict(stored.tensors, assign=True)
    return weights, network.requires_grad_(False), doubling


def small(config: BigGanDeepConfig = SMALL, seed: int = 0) -> BigGanDeep:
    generator = torch.Generator().manual_seed(seed)
    return initialised(lambda: BigGanDeep(config), generator).double().eval()


def inputs(network: BigGanDeep) -> tuple[Tensor, Tensor]:
    z = torch.randn(2, network.z_dim, generator=torch.Generator().manual_seed(5)).double()
    return z, network.embed(torch.tensor([2, 0]))


@each_option
@pytest.mark.parametrize("interpolation", ["linear", "released"])
@pytest.mark.parametrize("place", [0.0, 5.0, 4.25, 10.0])
def test_it_draws_what_the_formulas_say(name: str, interpolation: str, place: float):
    weights, network, doubling = published(name, interpolation)
    z, c = inputs(network)
    labels, swapped = torch.tensor([2, 0]), interpolation == "released"
    expected = plain_biggan_deep.generator(
        weights, z, labels, place, doubling=doubling, swapped=swapped
    )
    assert expected.abs().median() < 0.95
    got = network(z, c, truncation=place / 10)
    assert got.shape == expected.shape == (2, 3, *network.size)
    assert torch.allclose(got, expected, rtol=1e-8, atol=1e-10)


def test_statistics_between_two_truncations_are_nearer_to_the_nearer_one():
    _, network, _ = published("no attention")
    _, released, _ = published("no attention", "released")
    z, c = inputs(network)

    def distance(drawing: BigGanDeep, place: float) -> float:
        return (drawing(z, c, truncation=0.31) - drawing(z, c, truncation=place)).norm().item()

    assert distance(network, 0.3) < distance(network, 0.4)
    assert distance(released, 0.3) > distance(released, 0.4)


def test_as_released_a_truncation_that_rounds_down_gets_the_statistics_before():
    _, network, _ = published("no attention")
    _, released, _ = published("no attention", "released")
    z, c = inputs(network)
    assert 0.3 / 0.1 < 3
    right = network(z, c, truncation=0.3)
    assert torch.allclose(released(z, c, truncation=0.3), network(z, c, truncation=0.2), atol=1e-9)
    assert not torch.allclose(right, network(z, c, truncation=0.2), atol=1e-3)


@each_option
def test_lower_then_upper_is_the_whole_at_every_layer(name: str):
    _, network, _ = published(name)
    z, c = inputs(network)
    whole = network.draw(z, c, truncation=0.3)
    for layer in range(network.layers + 1):
        x = network.lower(z, layer, c, truncation=0.3)
        assert torch.equal(network.upper(x, layer, z, c, truncation=0.3), whole)


@each_option
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_frozen_draws_the_same_and_has_the_same_gradient(name: str, memory: torch.memory_format):
    _, network, _ = published(name)
    z, c = inputs(network)
    z.requires_grad_()
    drawn, gradients = [], []
    for drawing in (network, frozen(network).to(memory_format=memory)):
        drawn.append(drawing(z, c))
        gradients.append(torch.autograd.grad(drawn[-1].square().sum(), z)[0])
    assert torch.allclose(drawn[1], drawn[0], rtol=1e-9, atol=1e-11)
    assert torch.allclose(gradients[1], gradients[0], rtol=1e-7, atol=1e-10)


def test_channels_last_it_draws_the_same():
    network = small()
    z, c = inputs(network)
    expected = network(z, c)
    moved = network.to(memory_format=torch.channels_last)
    assert torch.allclose(moved(z, c), expected, rtol=1e-9, atol=1e-11)


def test_frozen_it_refuses_another_truncation():
    network = small()
    with pytest.raises(ProblemError, match=r"0\.5, got 0\.4"):
        frozen(network)(*inputs(network), truncation=0.4)


def test_the_default_truncation_is_that_of_the_config():
    network = small()
    z, c = inputs(network)
    network.norm.means[:] = -torch.arange(11.0)[:, None]
    assert torch.equal(network(z, c), network(z, c, truncation=0.5))
    assert not torch.allclose(network(z, c), network(z, c, truncation=0.4))


@pytest.mark.parametrize("truncation", [-0.1, 1.1, float("nan")])
def test_a_truncation_lies_between_0_and_1(truncation: float):
    network = small()
    with pytest.raises(ProblemError, match="truncation"):
        network(*inputs(network), truncation=truncation)


def test_samples_are_cut_off_at_twice_the_truncation_and_spread_as_wanted():
    network = small(dataclasses.replace(SMALL, z_dim=4000))
    z = network.sample(Noise([0]))
    assert z.abs().max() <= 1
    # A normal distribution cut off at ±2 has a deviation of 0.8796.
    assert z.std().item() == pytest.approx(0.5 * 0.8796, rel=0.03)
    assert z.mean().item() == pytest.approx(0, abs=0.02)


def test_the_same_generator_starts_the_same_network_with_unit_singular_values():
    first, second = small(seed=1), small(seed=1)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    weight = first.blocks[0].convs[1].used().flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-5)


def test_saved_and_loaded_it_is_the_same_bit_for_bit(tmp_path):
    network = small().float()
    network.save_pretrained(tmp_path / "it")
    loaded = BigGanDeep.from_pretrained(tmp_path / "it")
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def test_a_missing_class_is_said():
    network = small()
    with pytest.raises(ProblemError, match="embedding of a class"):
        network(inputs(network)[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": (16,)},
        {"channels": (16, 32)},
        {"channels": (2, 2), "doubling": (), "attention": None},
        {"doubling": (5,)},
        {"doubling": (1, 1)},
        {"attention": 2},
        {"drawn": 2},
        {"entries": 1},
        {"truncation": 1.5},
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict):
    with pytest.raises(CheckpointError):
        BigGanDeep(dataclasses.replace(SMALL, **changes))
