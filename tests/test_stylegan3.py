"""Laws of StyleGAN3: its plan, its filters, its layers, and how images move and turn."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import scipy.signal
import torch
from torch import Tensor

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.stylegan3 import StyleGan3, StyleGan3Config
from priorfit.networks.stylegan3_filters import downsample, low_pass, upsample
from priorfit.networks.stylegan3_layers import LayerPlan
from priorfit.networks.weights import frozen
from tests.stylegan3_reference import Reference, cut, filtered, spread

SMALL = StyleGan3Config(
    resolution=16,
    channels=(6, 5, 4, 4, 3, 3),
    z_dim=4,
    w_dim=6,
    mapping_width=5,
    first_cutoff=1.0,
    first_stopband=3.0,
    margin=3,
)
TURNING = replace(SMALL, filter_side=1, radial=True)
FORMS = {
    "config-t": SMALL,
    "config-r": TURNING,
    "with a low clamp": replace(SMALL, clamp=0.05),
    "without clamp": replace(SMALL, clamp=None, output_scale=1.0),
    "finer activations": replace(SMALL, raising=4, taps=2),
    "activations as they are": replace(SMALL, raising=1),
    "classes": replace(SMALL, classes=3, embedding=2),
}
each_form = pytest.mark.parametrize("form", FORMS)


def made(config: StyleGan3Config, seed: int = 0) -> StyleGan3:
    """A network none of whose parts is zero, in float64 and for evaluation."""
    generator = torch.Generator().manual_seed(seed)
    network = initialised(lambda: StyleGan3(config), generator).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 4
        for layer in (*network.synthesis, network.output):
            layer.magnitude.fill_(0.5)
        # Stored filters are used as they are; lopsided ones show in which direction.
        for layer in network.synthesis:
            for taps in (layer.activation.up_filter, layer.activation.down_filter):
                if taps is not None:
                    taps += torch.randn(taps.shape, generator=generator, dtype=torch.float64) / 99
    return network.requires_grad_(False)


def new(config: StyleGan3Config, seed: int = 0) -> StyleGan3:
    """A network before training, in float64, with features of about unit magnitude."""
    network = initialised(lambda: StyleGan3(config), torch.Generator().manual_seed(seed)).double()
    network = network.eval().requires_grad_(False)
    w = network.map(normal(2, config.z_dim))
    for index, layer in enumerate([*network.synthesis, network.output]):
        layer.magnitude.copy_(network.lower(w, index + 1).square().mean())
    return network


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def w_of(network: StyleGan3, images: int = 2) -> Tensor:
    return normal(images, network.layers, network.w_dim)


def close(got: Tensor, expected: Tensor) -> bool:
    return torch.allclose(got, expected, rtol=1e-9, atol=1e-12)


def gradient(network: StyleGan3, w: Tensor) -> Tensor:
    w = w.clone().requires_grad_()
    image = network.draw(w)
    (got,) = torch.autograd.grad(image, w, normal(*image.shape, seed=2))
    return got


LISTED = {
    # As people printed the released networks: github.com/NVlabs/stylegan3, issues 40 and 49.
    "t, 1024 pixels": (
        LayerPlan(1024).channels(),
        LayerPlan(1024),
        "36_512 36_512 52_512 52_512 84_512 148_512 148_512 276_323 276_203 532_128 1044_81 "
        "1044_51 1044_32 1024_32 1024_3",
    ),
    "r, 128 pixels": (
        LayerPlan(128).channels(65536, 1024),
        LayerPlan(128),
        "36_1024 36_1024 36_1024 52_1024 52_1024 52_1024 84_1024 84_1024 84_1024 148_1024 148_912 "
        "148_683 148_512 128_512 128_3",
    ),
}


@pytest.mark.parametrize("name", LISTED)
def test_sizes_and_channels_are_those_of_the_released_networks(name: str):
    channels, plan, listed = LISTED[name]
    bands = zip(plan.bands(), channels, strict=True)
    assert " ".join(f"{band.side}_{width}" for band, width in bands) == listed


def test_frequencies_are_those_of_the_released_network():
    bands = LayerPlan(1024).bands()
    cutoffs = [2, 3.1748, 5.03968, 8, 12.6992, 20.1587, 32, 50.7968, 80.6349, 128, 203.187, 322.54]
    widths = [6, 4.8252, 10.9603, 8, 19.3008, 43.8413, 32, 77.2032, 47.3651, 128, 308.813, 189.46]
    assert [band.cutoff for band in bands] == pytest.approx([*cutoffs, 512, 512, 512], rel=1e-5)
    expected = [*widths, 118.346, 118.346, 118.346]
    assert [band.half_width for band in bands] == pytest.approx(expected, rel=1e-5)
    rates = [16, 16, 32, 32, 64, 128, 128, 256, 256, 512, 1024, 1024, 1024, 1024, 1024]
    assert [band.rate for band in bands] == rates


def test_buffers_are_as_many_as_in_the_released_network():
    channels = (*[1] * 14, 3)  # filters do not depend on them
    config = StyleGan3Config(resolution=128, channels=channels, filter_side=1, radial=True)
    with torch.device("meta"):
        network = StyleGan3(config)
    counts = [sum(b.numel() for b in layer.buffers()) for layer in network.synthesis]
    assert counts == [157, 157, 157, 169, 157, 157, 169, 157, 157, 169, 157, 157, 25, 25]
    assert sum(b.numel() for b in network.output.buffers()) == 1


@pytest.mark.parametrize("taps", [8, 12, 24, 48])
@pytest.mark.parametrize("half_width", [0.2, 1.0, 4.0])
def test_a_filter_is_the_one_that_scipy_designs(taps: int, half_width: float):
    expected = scipy.signal.firwin(taps, 3.0, width=2 * half_width, fs=32)
    got = low_pass(taps, 3.0, half_width, 32)
    assert torch.allclose(got, torch.from_numpy(expected), rtol=1e-9, atol=1e-12)


def test_a_radial_filter_is_that_of_the_paper():
    taps, cutoff, half_width, rate = 12, 5.0, 6.0, 64
    beta = scipy.signal.kaiser_beta(scipy.signal.kaiser_atten(taps, 2 * half_width / (rate / 2)))
    window = scipy.signal.windows.kaiser(taps, beta)
    expected = torch.zeros(taps, taps, dtype=torch.float64)
    for row in range(taps):
        for column in range(taps):
            r = math.hypot(row - 5.5, column - 5.5) / rate
            wave = scipy.special.j1(2 * math.pi * cutoff * r) / (math.pi * r)
            expected[row, column] = wave * window[row] * window[column]
    got = low_pass(taps, cutoff, half_width, rate, radial=True)
    assert torch.allclose(got, expected / expected.sum(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("radial", [False, True])
def test_a_filter_passes_what_is_slow_and_stops_what_is_fast(radial: bool):
    rate, cutoff, half_width = 64, 12.0, 6.0
    taps = low_pass(24, cutoff, half_width, rate, radial=radial)
    line = taps.sum(0) if radial else taps
    place = (torch.arange(24, dtype=torch.float64) - 11.5) / rate

    def passed(frequency: float) -> float:
        return (line * torch.cos(2 * math.pi * frequency * place)).sum().abs().item()

    assert passed(0) == pytest.approx(1)
    assert passed(cutoff - half_width) > 0.9
    assert passed(cutoff) == pytest.approx(0.5, abs=0.1)
    assert passed(cutoff + half_width) < 0.1
    assert passed(rate / 2) < 0.05


@pytest.mark.parametrize("margins", [(0, 0), (3, 2), (9, 8), (-3, -2), (-8, 14), (14, -8)])
@pytest.mark.parametrize(("factor", "taps"), [(2, 12), (4, 24), (2, 4), (3, 7)])
def test_raising_a_rate_is_zeros_and_a_filter(margins: tuple[int, int], factor: int, taps: int):
    x, kernel = normal(1, 2, 9, 9), normal(taps, seed=2)
    expected = filtered(cut(spread(x[0], factor), *margins), kernel) * factor**2
    assert close(upsample(x, kernel, factor, margins)[0], expected)


@pytest.mark.parametrize("shape", [(12,), (6, 6)])
def test_lowering_a_rate_is_a_filter_and_fewer_samples(shape: tuple[int, ...]):
    x, kernel = normal(1, 2, 15, 15), normal(*shape, seed=2)
    assert close(downsample(x, kernel, 2)[0], filtered(x[0], kernel)[:, ::2, ::2])


@each_form
def test_images_are_those_of_the_formulas(form: str):
    network = made(FORMS[form])
    w = w_of(network, 1)
    assert close(network.draw(w), Reference(network)(w))


@each_form
def test_frozen_draws_the_same_and_keeps_the_original(form: str):
    network = made(FORMS[form]).requires_grad_(True)
    w = w_of(network)
    before, plain = network.draw(w), frozen(network)
    assert close(plain.draw(w), before)
    assert close(gradient(plain, w), gradient(network, w))
    assert torch.equal(network.draw(w), before)
    assert not any(parameter.requires_grad for parameter in plain.parameters())


@each_form
def test_the_halves_make_the_whole_wherever_it_is_split(form: str):
    network = made(FORMS[form])
    w = w_of(network)
    whole = network.draw(w)
    features = [network.lower(w, layer) for layer in range(network.layers + 1)]
    for layer, x in enumerate(features):
        assert close(network.upper(x, layer, w), whole)
    channels = FORMS[form].channels
    assert [x.shape[1] for x in features] == [2, channels[0], *channels]


@pytest.mark.parametrize("layer", [-1, 8])
def test_a_split_elsewhere_is_refused(layer: int):
    network = made(SMALL)
    with pytest.raises(ProblemError, match="from 0 to 7"):
        network.lower(w_of(network), layer)


@each_form
def test_an_image_is_the_same_alone_and_in_a_batch(form: str):
    network = made(FORMS[form])
    w = w_of(network, 3)
    together = network.draw(w)
    for index in range(3):
        assert close(network.draw(w[index : index + 1]), together[index : index + 1])


def test_one_row_holds_for_all_layers():
    network = made(SMALL)
    w = normal(2, 1, 6)
    assert torch.equal(network.draw(w), network.draw(w.expand(-1, 7, -1)))


def test_truncation_moves_w_towards_the_mean():
    network = made(SMALL)
    network.mapping.w_avg.copy_(normal(6, seed=3))
    w, mean = network.map(normal(2, 4)), network.mapping.w_avg
    assert w.shape == (2, 7, 6)
    assert close(network.truncated(w), w)
    assert close(network.truncated(w, 0.5, 2)[:, :2], (w[:, :2] + mean) / 2)
    assert torch.equal(network.truncated(w, 0.5, 2)[:, 2:], w[:, 2:])


def moved(network: StyleGan3, w: Tensor, transform: list[list[float]]) -> Tensor:
    """The image whose input is seen through this transform."""
    network.input.transform.copy_(torch.tensor(transform))
    image = network.draw(w)
    network.input.transform.copy_(torch.eye(3))
    return image


# Rates go up twice, so that a pixel of the image is a quarter of one at the input.
WIDE = replace(SMALL, resolution=32, margin=10, first_cutoff=2.0, first_stopband=4.0)
ROUND = replace(WIDE, filter_side=1, radial=True)


@pytest.mark.parametrize("config", [WIDE, ROUND], ids=["config-t", "config-r"])
@pytest.mark.parametrize(("right", "down"), [(1, 0), (0, 3), (-5, 2)])
def test_an_image_moves_with_its_input(config: StyleGan3Config, right: int, down: int):
    network = new(config)
    w = network.map(normal(1, 4))
    before = network.draw(w)
    shift = [[1, 0, -right / 32], [0, 1, -down / 32], [0, 0, 1]]
    error = moved(network, w, shift) - torch.roll(before, (down, right), (2, 3))
    inner = error[..., 8:-8, 8:-8]
    assert inner.std() < 0.02 * before.std()


@pytest.mark.parametrize(("turns", "cos", "sin"), [(1, 0, 1), (2, -1, 0), (3, 0, -1)])
def test_an_image_of_config_r_turns_by_right_angles_with_its_input(turns: int, cos: int, sin: int):
    network = new(ROUND)
    w = network.map(normal(1, 4))
    turned = moved(network, w, [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    expected = torch.rot90(network.draw(w), turns, (2, 3))
    assert torch.allclose(turned, expected, rtol=0, atol=1e-9 * expected.std().item())


def test_w_moves_the_input_as_the_transform_does():
    network = new(WIDE)
    w = network.map(normal(1, 4))
    network.input.style_bias.copy_(torch.tensor([0.0, 2.0, 0.5, -0.25]))
    image = network.draw(w)
    network.input.style_bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    # Normalised by the length of the first two; moved, then turned by 90°.
    assert close(moved(network, w, [[0, -1, -0.125], [1, 0, -0.25], [0, 0, 1]]), image)


def test_waves_too_fast_for_their_samples_fade_away():
    network = new(WIDE)
    squeezed = moved(network, network.map(normal(1, 4)), [[99, 0, 0], [0, 99, 0], [0, 0, 1]])
    inner = squeezed[..., 12:-12, 12:-12]
    assert (inner - inner.mean((2, 3), keepdim=True)).abs().max() < 0.2 * network.draw(
        network.map(normal(1, 4))
    ).std()


@each_form
def test_what_is_saved_comes_back_bit_for_bit(form: str, tmp_path: Path):
    network = made(FORMS[form]).float()
    network.save_pretrained(tmp_path)
    again = Pretrained.from_pretrained(tmp_path)
    assert isinstance(again, StyleGan3)
    assert again.config == network.config
    w = w_of(network).float()
    assert torch.equal(again.draw(w), network.draw(w))


def test_the_same_generator_starts_the_same_network():
    first, second, other = (
        initialised(lambda: StyleGan3(SMALL), torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    assert not torch.equal(first.input.freqs, other.input.freqs)


def test_waves_of_a_new_network_lie_evenly_below_the_cutoff():
    config = replace(SMALL, channels=(900, 1, 1, 1, 1, 3), first_cutoff=2.0)
    network = initialised(lambda: StyleGan3(config), torch.Generator().manual_seed(0))
    radius = network.input.freqs.norm(dim=1) / 2
    assert radius.max() <= 1
    shares = [(radius < limit).float().mean().item() for limit in (0.25, 0.5, 0.75)]
    assert shares == pytest.approx([0.0625, 0.25, 0.5625], abs=0.05)


def test_the_known_magnitude_follows_in_training_alone():
    network = made(SMALL)
    w = w_of(network)
    before = network.synthesis[0].magnitude.clone()
    network.draw(w)
    assert torch.equal(network.synthesis[0].magnitude, before)
    network.train().draw(w)
    expected = 0.999 * before + 0.001 * network.lower(w, 1).square().mean()
    assert close(network.synthesis[0].magnitude, expected)


def test_a_gradient_reaches_every_parameter():
    network = made(FORMS["classes"]).train().requires_grad_(True)
    image = network(normal(2, 4), network.embed(torch.tensor([2, 0])))
    names, parameters = zip(*network.named_parameters(), strict=True)
    gradients = torch.autograd.grad(image.square().sum(), parameters)
    assert [n for n, g in zip(names, gradients, strict=True) if not g.abs().sum()] == []


@pytest.mark.parametrize(
    "changes", [{"mapping_depth": 65}, {"resolution": 1 << 16}, {"margin": 257}, {"raising": 9}]
)
def test_absurd_settings_are_refused_at_once(changes: dict[str, int]):
    with pytest.raises(CheckpointError, match="cannot be"):
        StyleGan3(replace(SMALL, **changes))
