"""Laws of the in-domain encoder."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.encoder import InDomainEncoder, InDomainEncoderConfig
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.networks.weights import frozen
from priorfit.store.files import Stored
from tests import plain_style

TINY = InDomainEncoderConfig((6, 6, 5, 4), layers=3, w_dim=2)
CONFIGS = {
    "released": TINY,
    "released, equalised": replace(TINY, equalised=True),
    "released, not normalised": replace(TINY, batch_norm=False),
    "neither": replace(TINY, batch_norm=False, equalised=True),
    "current": replace(TINY, variant="current"),
    "grey": replace(TINY, colors=1),
}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(config: InDomainEncoderConfig = TINY) -> InDomainEncoder:
    """An encoder of float64 whose statistics are not those it starts with."""
    network = initialised(lambda: InDomainEncoder(config), seeded(0)).double().eval()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor += 0.3 * torch.randn(tensor.shape, dtype=tensor.dtype, generator=seeded())
        if name.endswith("running_var"):
            tensor.abs_().add_(0.1)
    return network


def pictures(network: InDomainEncoder, batch: int = 2) -> torch.Tensor:
    shape = (batch, network.config.colors, *network.size)
    return torch.randn(shape, dtype=torch.float64, generator=seeded(2))


def plainly(network: InDomainEncoder, images: torch.Tensor) -> torch.Tensor:
    current = network.config.variant == "current"
    code = plain_style.encoder(
        network.state_dict(), images, current=current, equalised=network.config.equalised
    )
    return code.view(len(images), network.layers, network.w_dim)


@each_config
def test_an_encoder_is_what_its_formulas_say(config: InDomainEncoderConfig):
    network = made(config)
    images = pictures(network).requires_grad_()
    code, expected = network(images), plainly(network, images)
    assert code.shape == (2, 3, 2)
    assert torch.allclose(code, expected, rtol=1e-9)
    ours, theirs = (torch.autograd.grad(c.square().mean(), images)[0] for c in (code, expected))
    assert torch.allclose(ours, theirs, rtol=1e-8, atol=1e-12)


@each_config
def test_frozen_finds_the_same_code_and_gradient(config: InDomainEncoderConfig):
    network = made(config)
    images = pictures(network).requires_grad_()
    found = [network(images), frozen(network)(images)]
    assert torch.allclose(*found, rtol=1e-9)
    gradients = [torch.autograd.grad(code.square().mean(), images)[0] for code in found]
    assert torch.allclose(*gradients, rtol=1e-8, atol=1e-12)


def test_freezing_makes_norms_part_of_the_convolutions():
    network = made()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert not any(isinstance(module, nn.BatchNorm2d) for module in frozen(network).modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_freezing_shares_no_memory():
    network = made(CONFIGS["released, not normalised"])
    images = pictures(network)
    plain = frozen(network)
    before = plain(images)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert torch.equal(plain(images), before)


@each_config
def test_a_code_is_the_same_alone_and_in_company(config: InDomainEncoderConfig):
    network = made(config)
    images = pictures(network, 3)
    assert torch.allclose(network(images)[1:2], network(images[1:2]), rtol=1e-10)


def test_training_normalises_by_the_batch_and_moves_the_statistics():
    network = made().train()
    images = pictures(network, 4)
    before = network.first.norm.running_mean.clone()
    code = network(images)
    bias, gain = network.norm.bias.view(3, 2), network.norm.weight.view(3, 2)
    assert torch.allclose(code.mean(0), bias, atol=1e-10)
    assert torch.allclose(code.std(0, correction=0), gain.abs(), rtol=1e-2)
    batch = network.first.conv(images).mean((0, 2, 3))
    assert torch.allclose(network.first.norm.running_mean, 0.9 * before + 0.1 * batch)


@each_config
def test_training_reaches_every_parameter(config: InDomainEncoderConfig):
    network = initialised(lambda: InDomainEncoder(config), seeded())
    images = pictures(network, 4).float()
    # Biases before a norm that takes them away again have no gradient but rounding.
    (network(images) * torch.randn(4, 3, 2, generator=seeded())).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    weights = [p for name, p in network.named_parameters() if name.endswith("weight")]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (1, 1, 32, 32), (3, 32, 32), (1, 3, 32, 31)])
def test_images_of_another_size_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ProblemError, match=r"expected images of shape \(B, 3, 32, 32\), got"):
        made()(torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("change", [{"equalised": True}, {"batch_norm": False}])
def test_settings_that_exclude_each_other_are_refused(change: dict[str, bool]):
    config = {"channels": [4, 4], "layers": 2, "w_dim": 2, "variant": "current", **change}
    with pytest.raises(CheckpointError, match="current variant"):
        build_stored(Stored("in-domain-encoder", config, {}))


def test_what_is_saved_comes_back_to_the_bit(tmp_path):
    network = initialised(lambda: InDomainEncoder(TINY), seeded()).eval()
    network.save_pretrained(tmp_path)
    again, images = Pretrained.from_pretrained(tmp_path), pictures(network).float()
    assert isinstance(again, InDomainEncoder)
    assert torch.equal(again(images), network(images))


def test_the_default_is_the_published_one_for_faces():
    with torch.device("meta"):
        network = InDomainEncoder(InDomainEncoderConfig())
    assert network.size == (256, 256)
    assert sum(p.numel() for p in network.parameters()) == 165_326_848
