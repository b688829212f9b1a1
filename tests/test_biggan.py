"""Laws of BigGAN's generator; its arithmetic against a plain one on published weights."""

from functools import cache

import pytest
import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.layouts.biggan import GENERATOR
from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.biggan import BigGan, BigGanConfig, generator_channels
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import build_stored
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from tests import plain_biggan

# What the published code can be told, as far as it changes a generator.
OPTIONS = {
    "32 pixels": (32, (), {}),
    "attention twice, once before any merging": (32, (0, 2), {}),
    "64 pixels": (64, (2,), {}),
    "z for the first layer alone": (32, (1,), {"hier": False}),
    "a table for every norm": (32, (1,), {"hier": False, "shared": False}),
    "128 pixels": (128, (2,), {}),
}
each_option = pytest.mark.parametrize("name", OPTIONS)

SMALL = BigGanConfig(generator_channels(32, 2), (1,), z_dim=9, classes=3, embedding=4)


@cache
def published(name: str) -> tuple[dict[str, Tensor], BigGan]:
    """Random weights in the published layout, and ours of them, in float64."""
    side, attended, more = OPTIONS[name]
    widths = {"z_dim": 12, "classes": 3, "embedding": 5}
    widths |= {"z_dim": (len(generator_channels(side)) * 2)} if more.get("hier", True) else {}
    channels = generator_channels(side, 2 if side == 32 else 1)
    weights = plain_biggan.drawn(
        plain_biggan.generator_shapes(channels, attended, **widths, **more), seed=side
    )
    weights["output_layer.0.gain"] /= 4  # an image all black and white would show little
    stored = GENERATOR.convert(Found(weights))
    network = build_stored(stored)
    assert isinstance(network, BigGan)
    network.load_state_dict(stored.tensors, assign=True)
    return weights, network.requires_grad_(False)


def small(seed: int = 0, config: BigGanConfig = SMALL) -> BigGan:
    network = initialised(lambda: BigGan(config), torch.Generator().manual_seed(seed))
    network.requires_grad_(False)
    for block in network.blocks:  # begun at 0, attention would not be seen
        if block.attention is not None:
            block.attention.gamma.fill_(0.7)
    return network.double().eval()


def inputs(network: BigGan, batch: int = 2) -> tuple[Tensor, Tensor]:
    z = torch.randn(batch, network.z_dim, generator=torch.Generator().manual_seed(5)).double()
    c = network.embed(torch.arange(batch) % network.classes)
    assert c is not None
    return z, c


@each_option
def test_it_draws_what_the_formulas_say(name: str):
    weights, network = published(name)
    hier = network.config.hierarchical
    z, labels = inputs(network)[0], torch.tensor([2, 0])
    expected = plain_biggan.generator(weights, z, labels, hier=hier)
    assert expected.abs().median() < 0.95
    assert network.size == tuple(expected.shape[-2:])
    assert torch.allclose(network(z, network.embed(labels)), expected, rtol=1e-10, atol=1e-12)


@each_option
def test_the_gradient_of_z_is_that_of_the_formulas(name: str):
    weights, network = published(name)
    hier, labels = network.config.hierarchical, torch.tensor([2, 0])
    z = inputs(network)[0].requires_grad_()
    plain = plain_biggan.generator(weights, z, labels, hier=hier)
    (expected,) = torch.autograd.grad(plain.pow(2).sum(), z)
    for drawing in (network, frozen(network)):
        (got,) = torch.autograd.grad(drawing(z, network.embed(labels)).pow(2).sum(), z)
        assert torch.allclose(got, expected, rtol=1e-9, atol=1e-11)


@each_option
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_frozen_draws_the_same(name: str, memory: torch.memory_format):
    _, network = published(name)
    z, c = inputs(network)
    plain = frozen(network).to(memory_format=memory)
    assert torch.allclose(plain(z, c), network(z, c), rtol=1e-10, atol=1e-12)
    assert not any("u" in name.split(".") for name in plain.state_dict())


def test_frozen_in_single_precision_differs_by_rounding_alone():
    network = small().float()
    z, c = (tensor.float() for tensor in inputs(network))
    assert torch.allclose(frozen(network)(z, c), network(z, c), atol=1e-5)


@each_option
def test_lower_then_upper_is_the_whole_at_every_layer(name: str):
    _, network = published(name)
    z, c = inputs(network)
    whole, norms = network.draw(z, c), network.instance_norms(z, c)
    swapped = network.draw(z, c, norms=norms)
    for layer in range(network.layers + 1):
        x = network.lower(z, layer, c)
        assert torch.equal(network.upper(x, layer, z, c), whole)
        x = network.lower(z, layer, c, norms=norms)
        assert torch.equal(network.upper(x, layer, z, c, norms=norms), swapped)
    assert not torch.allclose(swapped, whole, atol=1e-3)


def test_features_before_the_first_layer_stand_for_the_first_chunk_alone():
    network = small()
    z, c = inputs(network)
    x, other = network.lower(z, 0, c), torch.zeros_like(z)
    mixed = torch.cat([z[:, : network.chunk], other[:, network.chunk :]], 1)
    assert torch.equal(network.upper(x, 0, other, c), network(mixed, c))


def test_an_image_is_drawn_alone_as_in_a_batch():
    network = small()
    z, c = inputs(network, batch=3)
    norms = network.instance_norms(z, c)
    own = network.instance_norms(z[1:2], c[1:2])
    assert torch.allclose(network(z, c)[1:2], network(z[1:2], c[1:2]), rtol=1e-12, atol=1e-13)
    together, alone = network(z, c, norms=norms)[1:2], network(z[1:2], c[1:2], norms=own)
    assert torch.allclose(together, alone, rtol=1e-11, atol=1e-12)


def test_instance_norms_begin_with_the_moments_of_what_they_replace():
    network = small()
    z, c = inputs(network)
    x, told = network.lower(z, 1, c), torch.cat([c, z[:, 2:4]], 1)
    block = network.blocks[0]
    before, (first, _) = block.norm1(x, told), network.instance_norms(z, c)[0]
    after = first(x)
    assert torch.allclose(after.mean((2, 3)), before.mean((2, 3)), atol=1e-10)
    spread = x.var((2, 3), correction=0)
    expected = before.std((2, 3)) * (spread / (spread + 1e-5)).sqrt()
    assert torch.allclose(after.std((2, 3), correction=0), expected)


def test_instance_norms_stand_still_while_z_moves():
    network = small()
    z, c = inputs(network)
    z.requires_grad_()
    norms = network.instance_norms(z, c)
    assert not any(part.requires_grad for pair in norms for n in pair for part in (n.gain, n.bias))
    (gradient,) = torch.autograd.grad(network(z, c, norms=norms).pow(2).sum(), z)
    # Only the first chunk reaches the image: the norms of the blocks were what the others spoke to.
    assert (gradient[:, : network.chunk].abs() > 0).all()
    assert not gradient[:, network.chunk :].any()


def test_evaluation_changes_nothing_and_training_moves_statistics_and_vectors():
    network = small()
    z, c = inputs(network, batch=4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(z, c)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    network.train()
    x = network.lower(z, 1, c)
    after = network.state_dict()
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    network(z, c)
    assert torch.allclose(after["blocks.0.norm1.mean"], 0.1 * mean, atol=1e-3)
    assert torch.allclose(after["blocks.0.norm1.var"], 0.9 + 0.1 * variance, atol=1e-3)
    moved = {name for name, tensor in after.items() if not torch.equal(before[name], tensor)}
    assert {n for n in after if n.endswith((".u", ".mean", ".var"))} == moved


def test_training_normalises_by_the_batch():
    network = small().train()
    x = 3 + 2 * torch.randn(4, 8, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    result = network.blocks[0].norm1(x, torch.zeros(4, 6).double())
    assert torch.allclose(result.mean((0, 2, 3)), torch.zeros(8).double(), atol=1e-10)
    assert torch.allclose(result.var((0, 2, 3), correction=0), torch.ones(8).double(), atol=1e-4)


def test_one_step_of_training_reaches_every_parameter():
    network = small().requires_grad_(True).train()
    z, _ = inputs(network)
    c = network.embed(torch.tensor([0, 2]))
    gradients = torch.autograd.grad(network(z, c).pow(2).sum(), list(network.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients)


def test_the_same_generator_starts_the_same_network():
    first, second, other = small(1), small(1), small(2)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    assert not torch.equal(first.linear.weight, other.linear.weight)


@pytest.mark.parametrize("config", [SMALL, BigGanConfig((4, 4, 2), (), 6, 0, hierarchical=False)])
def test_saved_and_loaded_it_is_the_same_bit_for_bit(tmp_path, config: BigGanConfig):
    network = small(config=config).float()
    network.save_pretrained(tmp_path / "it")
    loaded = BigGan.from_pretrained(tmp_path / "it")
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


@pytest.mark.parametrize("hierarchical", [True, False])
def test_without_classes_it_needs_none(hierarchical: bool):
    network = small(config=BigGanConfig((4, 4, 2), (), 6, 0, hierarchical=hierarchical))
    assert network.embed(torch.tensor([0])) is None
    z = network.sample(Noise([0, 1])).double()
    assert network(z).shape == (2, 3, 16, 16)
    assert torch.allclose(frozen(network)(z), network(z), rtol=1e-10, atol=1e-12)


def test_z_is_cut_into_equal_chunks():
    assert BigGan(BigGanConfig(generator_channels(128, 1))).z_dim == 120
    assert BigGan(BigGanConfig(generator_channels(256, 1))).z_dim == 119


def test_a_missing_class_is_said():
    network = small()
    with pytest.raises(ProblemError, match="embedding of a class"):
        network(inputs(network)[0])


@pytest.mark.parametrize(
    "config",
    [
        BigGanConfig((4,)),
        BigGanConfig((4, 4), attention=(1,)),
        BigGanConfig((4, 4), attention=(), z_dim=1),
        BigGanConfig((4, 4), attention=(), shared=False),
    ],
)
def test_settings_that_contradict_each_other_are_refused(config: BigGanConfig):
    with pytest.raises(CheckpointError):
        BigGan(config)


def test_other_sides_were_not_published():
    with pytest.raises(ProblemError, match="48"):
        generator_channels(48)
