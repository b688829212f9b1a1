"""Laws of StyleGAN, its parts and its discriminator."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks import style_layers
from priorfit.networks.generator import Discriminator, Generator
from priorfit.networks.growth import widths
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import build_stored
from priorfit.networks.style_layers import EqualisedDownConv2d, EqualisedUpConv2d
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.networks.stylegan_discriminator import (
    StyleGanDiscriminator,
    StyleGanDiscriminatorConfig,
)
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from priorfit.store.files import Stored
from tests import plain_style

TINY = StyleGanConfig((6, 5, 4), z_dim=5, w_dim=7, mapping_width=8, mapping_depth=3)
CONFIGS = {
    "one w": TINY,
    "a w for each layer": replace(TINY, repeat_w=False, final_tanh=True),
    "classes": replace(TINY, classes=3),
    "one layer of mapping, grey": replace(TINY, mapping_depth=1, colors=1, mapping_rate=1.0),
}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
LAYERS = 6


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shaken(build, seed: int = 0):
    """A network of float64 in which no parameter is zero, for evaluation."""
    network = initialised(build, seeded(seed)).double().eval()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor += 0.3 * torch.randn(tensor.shape, dtype=tensor.dtype, generator=seeded())
    return network


def made(config: StyleGanConfig = TINY) -> StyleGan:
    return shaken(lambda: StyleGan(config))


def codes(network: StyleGan, batch: int = 2) -> torch.Tensor:
    return torch.randn(
        batch, network.layers, network.w_dim, dtype=torch.float64, generator=seeded(2)
    )


def latents(network: Generator, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, network.z_dim, dtype=torch.float64, generator=seeded(3))


@each_config
def test_a_stylegan_is_what_its_formulas_say(config: StyleGanConfig):
    network, state = made(config), made(config).state_dict()
    z, c = latents(network), network.embed(torch.tensor([0, 2]))
    w = network.map(z, c)
    joined = z if c is None else torch.cat([z, c], 1)
    assert torch.allclose(w, plain_style.mapping(state, joined, config.mapping_rate), rtol=1e-10)
    wp = codes(network).requires_grad_()
    image = network.draw(wp)
    expected = plain_style.stylegan(state, wp, tanh=config.final_tanh)
    assert image.shape == (2, config.colors, 16, 16)
    assert torch.allclose(image, expected, rtol=1e-9, atol=1e-10)
    ours, theirs = (torch.autograd.grad(x.square().mean(), wp)[0] for x in (image, expected))
    assert torch.allclose(ours, theirs, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_the_halves_make_the_whole(layer: int):
    network = made()
    w, noise = codes(network), network.fresh_noise(Noise([0, 1]), torch.float64)
    for drawn in (None, noise):
        features = network.lower(w, layer, noise=drawn)
        assert features.ndim == 4
        image = network.upper(features, layer, w, noise=drawn)
        assert torch.equal(image, network.draw(w, noise=drawn))


@pytest.mark.parametrize("layer", range(LAYERS + 1))
def test_each_half_needs_its_own_rows_of_w_alone(layer: int):
    network = made()
    w = codes(network)
    below, above = w.clone(), w.clone()
    below[:, layer:], above[:, :layer] = math.nan, math.nan
    assert torch.equal(network.upper(network.lower(below, layer), layer, above), network.draw(w))


@each_config
def test_frozen_draws_the_same_and_has_the_same_gradient(config: StyleGanConfig):
    network = made(config)
    plain, w = frozen(network), codes(network).requires_grad_()
    images = [network.draw(w), plain.draw(w)]
    assert torch.allclose(*images, rtol=1e-10, atol=1e-12)
    gradients = [torch.autograd.grad(image.square().mean(), w)[0] for image in images]
    assert torch.allclose(*gradients, rtol=1e-8, atol=1e-12)
    z, c = latents(network), network.embed(torch.tensor([1, 1]))
    assert torch.allclose(plain.map(z, c), network.map(z, c), rtol=1e-10)


def test_freezing_leaves_nothing_to_compute():
    kinds = {type(module) for module in frozen(made()).modules()}
    computed = {EqualisedUpConv2d, style_layers.EqualisedConv2d, style_layers.EqualisedLinear}
    assert not kinds & computed


def test_one_w_for_all_layers_is_the_same_row_repeated():
    network = made()
    w = codes(network)[:, :1]
    assert torch.equal(network.draw(w), network.draw(w.expand(-1, network.layers, -1)))


def test_psi_of_one_changes_nothing():
    network = made()
    w = codes(network)
    assert torch.equal(network.truncated(w, 1.0), w)
    assert torch.equal(network.truncated(w, 0.3, 0), w)


@each_config
def test_psi_of_zero_is_the_mean(config: StyleGanConfig):
    network = made(config)
    w = network.truncated(codes(network), 0.0, network.layers)
    assert torch.allclose(w, network.w_avg.expand(2, network.layers, -1))


def test_truncation_moves_the_coarse_layers_part_of_the_way():
    network = made(replace(TINY, truncation_psi=0.5, truncation_layers=2))
    w = codes(network)
    moved = network.truncated(w)
    assert torch.allclose(moved[:, :2], (w[:, :2] + network.w_avg) / 2)
    assert torch.equal(moved[:, 2:], w[:, 2:])


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_an_image_is_the_same_alone_and_in_company(memory: torch.memory_format):
    network = made().to(memory_format=memory)
    w = codes(network, 3)
    noise = network.fresh_noise(Noise([4, 5, 6]), torch.float64)
    alone = network.fresh_noise(Noise([5]), torch.float64)
    together = network.draw(w, noise=noise)[1:2]
    assert torch.allclose(together, network.draw(w[1:2], noise=alone), rtol=1e-10, atol=1e-12)


def test_noise_that_is_given_stands_for_what_is_stored():
    network = made()
    w = codes(network)
    stored = [layer.noise for layer in network.synthesis]
    fresh = network.fresh_noise(Noise([0, 1]), torch.float64)
    assert torch.equal(network.draw(w, noise=stored), network.draw(w))
    expected = plain_style.stylegan(network.state_dict(), w, noise=fresh)
    assert torch.allclose(network.draw(w, noise=fresh), expected, rtol=1e-9, atol=1e-10)
    assert torch.allclose(frozen(network).draw(w, noise=fresh), expected, rtol=1e-9, atol=1e-10)


def test_a_whole_lod_repeats_the_pixels_of_a_coarser_image():
    network = made()
    w = codes(network)
    image = network.draw(w, lod=1)
    coarse = network.outputs[1](network.lower(w, 4))
    assert torch.equal(image, F.interpolate(coarse, scale_factor=2))
    assert network.draw(w, lod=2)[..., :4, :4].std((2, 3)).max() < 1e-12


def test_a_lod_between_mixes_two_images():
    network = made()
    w = codes(network)
    mixed = 0.75 * network.draw(w) + 0.25 * network.draw(w, lod=1)
    assert torch.allclose(network.draw(w, lod=0.25), mixed, rtol=1e-10, atol=1e-12)
    half_grown = made(replace(TINY, lod=0.25))
    assert torch.equal(half_grown.draw(w), network.draw(w, lod=0.25))


@pytest.mark.parametrize("lod", [-1, 3, math.nan])
def test_a_lod_that_leaves_no_scale_is_refused(lod: float):
    with pytest.raises(ProblemError, match="expected a lod from 0 to below 3"):
        made().draw(codes(made()), lod=lod)


@pytest.mark.parametrize(("layer", "lod"), [(5, 1.0), (5, 0.5), (6, 2.0)])
def test_features_too_fine_for_a_lod_are_refused(layer: int, lod: float):
    network = made()
    w = codes(network)
    with pytest.raises(ProblemError, match="too fine"):
        network.upper(network.lower(w, layer), layer, w, lod=lod)


@pytest.mark.parametrize("shape", [(2, 7), (2, 3, 7), (2, 6, 5), (7,)])
def test_a_w_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ProblemError, match=r"expected a w of shape \(B, 1 or 6, 7\)"):
        made().draw(torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("layer", [-1, LAYERS + 1])
def test_a_split_elsewhere_is_refused(layer: int):
    with pytest.raises(ProblemError, match="from 0 to 6"):
        made().lower(codes(made()), layer)


def test_a_class_must_be_said_where_there_are_classes():
    network = made(CONFIGS["classes"])
    z = latents(network)
    with pytest.raises(ProblemError, match="class"):
        network.map(z)
    first, second = (network.map(z, network.embed(torch.tensor([n, n]))) for n in (0, 1))
    assert not torch.allclose(first, second)


def test_the_mean_follows_what_is_mapped():
    network = made()
    w = network.map(latents(network, 64))
    before = network.w_avg.clone()
    network.follow(w, 0.75)
    assert torch.allclose(network.w_avg, 0.75 * before + 0.25 * w[:, :1].mean(0))


@each_config
def test_training_reaches_every_parameter(config: StyleGanConfig):
    network = initialised(lambda: StyleGan(config), seeded())
    with torch.no_grad():
        for layer in network.synthesis:
            layer.noise_strength += 0.1
    noise = Noise([0, 1])
    z, c = network.sample(noise), network.embed(torch.tensor([0, 1]))
    image = network(z, c, noise=network.fresh_noise(noise)) + network.draw(
        network.map(z, c), lod=1.5
    )
    image.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_what_is_saved_comes_back_to_the_bit(tmp_path):
    network = initialised(lambda: StyleGan(CONFIGS["classes"]), seeded())
    network.save_pretrained(tmp_path)
    again = Generator.from_pretrained(tmp_path)
    assert isinstance(again, StyleGan)
    z, c = network.sample(Noise([7])), network.embed(torch.tensor([1]))
    assert torch.equal(again(z, c), network(z, c))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mapping_depth": 0}, "1 to 64 mapping layers"),
        ({"mapping_depth": 1 << 16}, "1 to 64 mapping layers"),
        ({"channels": []}, "no stylegan can be built"),
        ({"channels": [4] * 64}, "no stylegan can be built"),
        ({"w_dim": -1}, "no stylegan can be built"),
    ],
)
def test_settings_of_no_network_are_refused(change: dict[str, object], message: str):
    with pytest.raises(CheckpointError, match=message):
        build_stored(Stored("stylegan", {"channels": [4, 4], **change}, {}))


@pytest.mark.parametrize("resolution", [8, 64, 1024])
def test_the_default_widths_are_those_of_the_papers(resolution: int):
    expected = [
        min(16384 // side, 512) for side in (4 << n for n in range(9)) if side <= resolution
    ]
    assert [*widths(resolution)] == expected


@pytest.mark.parametrize("resolution", [0, 4, 96, -8])
def test_other_resolutions_have_no_widths(resolution: int):
    with pytest.raises(ProblemError, match="power of two"):
        widths(resolution)


def test_upscaling_is_what_separate_and_fused_formulas_say():
    layer = shaken(lambda: EqualisedUpConv2d(3, 4))
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64, generator=seeded())
    bias = layer.bias[:, None, None]
    separate = plain_style.conv(plain_style.doubled(x), layer.weight) + bias
    fused = plain_style.fused_up(x, layer.weight.flip(2, 3)) + bias
    for expected in (separate, fused):
        assert torch.allclose(layer(x), expected, rtol=1e-10, atol=1e-12)
    blurred = shaken(lambda: EqualisedUpConv2d(3, 4, blur=True))
    smooth = plain_style.blur(separate - bias) + bias
    assert torch.allclose(blurred(x), smooth, rtol=1e-10, atol=1e-12)


def test_upscaling_adds_up_tap_by_tap():
    layer = shaken(lambda: EqualisedUpConv2d(2, 1))
    x = torch.randn(1, 2, 3, 2, dtype=torch.float64, generator=seeded())
    got, weight = layer(x)[0, 0], layer.weight * layer.scale
    for row in range(6):
        for column in range(4):
            total = layer.bias[0].clone()
            for i in range(3):
                for j in range(3):
                    y, z = row + i - 1, column + j - 1
                    if 0 <= y < 6 and 0 <= z < 4:
                        total += (weight[0, :, i, j] * x[0, :, y // 2, z // 2]).sum()
            assert torch.allclose(got[row, column], total, rtol=1e-10)


def test_halving_is_a_convolution_and_the_mean_of_four():
    layer = shaken(lambda: EqualisedDownConv2d(3, 4))
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, generator=seeded())
    expected = F.avg_pool2d(plain_style.conv(x, layer.weight), 2) + layer.bias[:, None, None]
    for one in (layer, layer.frozen()):
        assert torch.allclose(one(x), expected, rtol=1e-10, atol=1e-12)


def test_a_new_style_is_the_deviation_and_the_mean_of_each_channel():
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=seeded())
    scale, shift = torch.randn(2, 2, 3, dtype=torch.float64, generator=seeded())
    for memory in (torch.contiguous_format, torch.channels_last):
        y = style_layers.restyle(x.contiguous(memory_format=memory), scale, shift)
        assert torch.allclose(y.mean((2, 3)), shift, atol=1e-10)
        assert torch.allclose(y.std((2, 3), correction=0), scale.abs(), rtol=1e-6)
        assert y.is_contiguous(memory_format=memory)


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4, 4)])
def test_a_pixel_norm_has_the_derivatives_of_its_formula(shape: tuple[int, ...]):
    x = torch.randn(shape, dtype=torch.float64, generator=seeded()).requires_grad_()
    assert torch.allclose(style_layers.pixel_norm(x), plain_style.pixel_norm(x), rtol=1e-10)
    assert torch.autograd.gradcheck(style_layers.pixel_norm, x)
    assert torch.autograd.gradgradcheck(style_layers.pixel_norm, x)


JUDGE = StyleGanDiscriminatorConfig((6, 5, 4), dense=7)
JUDGES = {
    "as in StyleGAN": JUDGE,
    "as in PGGAN": replace(JUDGE, blur=False),
    "classes": replace(JUDGE, classes=3),
    "no groups, grey": replace(JUDGE, group=1, colors=1),
    "groups of three": replace(JUDGE, group=3),
}
each_judge = pytest.mark.parametrize("config", JUDGES.values(), ids=JUDGES)


def judge(config: StyleGanDiscriminatorConfig) -> StyleGanDiscriminator:
    return shaken(lambda: StyleGanDiscriminator(config))


def pictures(network: Discriminator, batch: int = 6) -> torch.Tensor:
    shape = (batch, network.config.colors, *network.size)
    return torch.randn(shape, dtype=torch.float64, generator=seeded(5))


@each_judge
def test_a_discriminator_is_what_its_formulas_say(config: StyleGanDiscriminatorConfig):
    network = judge(config)
    images = pictures(network)
    size = max(n for n in range(1, config.group + 1) if 6 % n == 0)
    group = size if config.group > 1 else 1
    expected = plain_style.discriminator(
        network.state_dict(), images, smooth=config.blur, group=group
    )
    assert torch.allclose(network(images), expected.mean(1), rtol=1e-9)
    assert torch.allclose(frozen(network)(images), expected.mean(1), rtol=1e-9)
    if config.classes:
        labels = torch.tensor([0, 1, 2, 2, 1, 0])
        assert torch.allclose(network(images, labels), expected[range(6), labels], rtol=1e-9)


def test_features_come_from_fine_to_coarse_and_know_nothing_of_other_images():
    network = judge(JUDGE)
    images = pictures(network)
    found = network.features(images)
    assert [tuple(f.shape[1:]) for f in found] == [(4, 16, 16), (5, 8, 8), (6, 4, 4)]
    for together, alone in zip(found, network.features(images[2:3]), strict=True):
        assert torch.allclose(together[2:3], alone, rtol=1e-10)


def test_the_penalty_on_a_discriminators_gradient_can_be_trained():
    network = judge(replace(JUDGE, channels=(3, 2), dense=3))
    images = pictures(network, 2).requires_grad_()

    def penalty(weight: torch.Tensor) -> torch.Tensor:
        parameters = {"blocks.0.conv.weight": weight}
        score = torch.func.functional_call(network, parameters, (images,)).sum()
        return torch.autograd.grad(score, images, create_graph=True)[0].square().sum()

    assert torch.autograd.gradcheck(penalty, network.blocks[0].conv.weight)


def test_a_discriminator_comes_back_to_the_bit(tmp_path):
    network = initialised(lambda: StyleGanDiscriminator(JUDGES["classes"]), seeded())
    network.save_pretrained(tmp_path)
    images = pictures(network).float()
    assert torch.equal(Discriminator.from_pretrained(tmp_path)(images), network(images))
