"""Laws of the untrained networks."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from priorfit.errors import ProblemError
from priorfit.kernels import lanczos
from priorfit.networks import doubling, layers, pools
from priorfit.networks.dcgan import Decoder
from priorfit.networks.deep_decoder import DeepDecoder
from priorfit.networks.folded import Folded
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.initialise import initialise, initialised
from priorfit.networks.layers import Style
from priorfit.networks.resnet import ResNet
from priorfit.networks.sizes import pad_to, working_size
from priorfit.networks.texture import TextureNet
from priorfit.networks.unet import UNet

Build = Callable[[int, int], nn.Module]

ZERO = Style(padding=layers.ZEROS)
FIVE = [Scale(4, 4, skip=2)] * 5
TINY_UNET = partial(UNet, feature_scale=16)
NETWORKS: dict[str, Build] = {
    "hourglass": partial(Hourglass, scales=FIVE),
    "hourglass without skips": partial(Hourglass, scales=[Scale(4, 4)] * 5),
    "hourglass, some skips": partial(Hourglass, scales=[Scale(4, 4, s) for s in (2, 0, 2, 0)]),
    "hourglass, wide filters": partial(Hourglass, scales=[Scale(4, 4, 2, 5, 7, 3)] * 3),
    "hourglass, zero padding": partial(Hourglass, scales=FIVE, style=ZERO),
    "hourglass, nearest": partial(Hourglass, scales=[Scale(4, 4, upsample=layers.nearest)] * 3),
    "hourglass, no mix": partial(Hourglass, scales=[Scale(4, 4, 2, mix=False)] * 3),
    **{
        f"hourglass, {name}": partial(Hourglass, scales=[Scale(4, 4, 2, downsampling=how)] * 4)
        for name, how in {
            "average": pools.AVERAGE,
            "maximum": pools.MAXIMUM,
            "lanczos 2": pools.LANCZOS2,
            "lanczos 3": pools.LANCZOS3,
            "trained lanczos": pools.TRAINED_LANCZOS2,
        }.items()
    },
    "unet": TINY_UNET,
    "unet, two more layers": partial(TINY_UNET, more_layers=2),
    "unet, input appended": partial(TINY_UNET, concat_input=True),
    "unet, reflection": partial(TINY_UNET, style=Style(activation=layers.relu)),
    "unet, nearest": partial(TINY_UNET, doubling=doubling.resized_nearest),
    "unet, no norm": partial(TINY_UNET, style=Style(layers.ZEROS, layers.no_norm)),
    "resnet": partial(ResNet, blocks=2, width=4),
    "texture": partial(TextureNet, scales=4, width=4),
    "decoder": partial(Decoder, width=4),
    "decoder from one pixel": partial(Decoder, doublings=7, width=4),
    "deep decoder": partial(DeepDecoder, width=4, doublings=3),
    "folded": partial(Folded, network=partial(Hourglass, scales=[Scale(4, 4, 2)] * 2)),
}
SIZES = [(16, 16), (17, 23), (50, 70), (33, 128)]

each_network = pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(build: Build, inside: int = 2, outside: int = 3) -> nn.Module:
    return initialised(lambda: build(inside, outside), seeded())


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(seed))


@each_network
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_size_comes_back(build: Build, size: tuple[int, int]):
    image = made(build)(noise(1, 2, *size))
    assert image.shape == (1, 3, *size)
    assert image.isfinite().all()


@each_network
def test_gradient_reaches_every_parameter_and_the_input(build: Build):
    network, z = made(build), noise(1, 2, 24, 20).requires_grad_()
    (network(z) * noise(1, 3, 24, 20, seed=2)).sum().backward()
    assert z.grad is not None
    unreached = [name for name, p in network.named_parameters() if p.grad is None]
    assert unreached == []


@each_network
def test_building_and_initialising_draw_from_their_generator_alone(build: Build):
    before = torch.get_rng_state()
    network = made(build)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(not tensor.is_meta for tensor in network.state_dict().values())


@each_network
def test_the_same_seed_gives_the_same_network(build: Build):
    first, second = (made(build).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@each_network
def test_memory_format_changes_neither_the_start_nor_the_image(build: Build):
    plain = made(build)
    other = initialise(made(build).to(memory_format=torch.channels_last), seeded())
    z = noise(1, 2, 24, 20)
    assert all(
        torch.equal(a, b) for a, b in zip(plain.parameters(), other.parameters(), strict=True)
    )
    image = other(z.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(image, plain(z), rtol=1e-3, atol=1e-3)


@each_network
def test_narrow_numbers_stay_near_the_wide_ones(build: Build):
    network, z = made(build).eval(), noise(1, 2, 40, 40)
    with torch.autocast("cpu", torch.bfloat16):
        image = network(z)
    torch.testing.assert_close(image.float(), network(z), rtol=0, atol=0.05)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 1)])
@pytest.mark.parametrize("style", [Style(), ZERO], ids=["reflection", "zeros"])
def test_five_scales_take_the_smallest_images(size: tuple[int, int], style: Style):
    image = made(partial(Hourglass, scales=FIVE, style=style))(noise(1, 2, *size))
    assert image.shape == (1, 3, *size)
    assert image.isfinite().all()


@pytest.mark.parametrize("size", [(64, 64), (33, 33), (50, 70)])
def test_nothing_grows_where_the_coarsest_scale_has_two_by_two(size: tuple[int, int]):
    assert working_size(size, made(NETWORKS["hourglass"]).least, 5) == size


def test_the_coarsest_scale_of_a_tiny_image_has_two_by_two():
    seen: list[torch.Size] = []
    network = made(NETWORKS["hourglass"])
    network.levels[-1].refine.register_forward_hook(lambda *given: seen.append(given[2].shape))
    network(noise(1, 2, 16, 16))
    assert seen == [(1, 4, 2, 2)]


def test_without_skips_the_released_sizes_are_there_on_request():
    build = partial(Hourglass, scales=[Scale(4, 4)] * 5, keep_size=False)
    assert made(build)(noise(1, 2, 50, 70)).shape == (1, 3, 64, 96)


def test_growing_repeats_the_image_mirrored():
    x = torch.arange(3.0).expand(1, 1, 1, 3)
    assert pad_to(x, (1, 8)).flatten().tolist() == [2, 1, 0, 1, 2, 1, 0, 1]


def test_growing_repeats_a_single_pixel():
    assert pad_to(torch.ones(1, 1, 1, 1), (5, 4)).sum() == 20


@pytest.mark.parametrize(
    "layer",
    [
        partial(nn.Conv2d, 6, 40, 5),
        partial(nn.Conv2d, 6, 40, 3, groups=2),
        partial(nn.ConvTranspose2d, 6, 40, 4),
        partial(nn.Linear, 60, 50),
        partial(nn.GroupNorm, 2, 6),
        nn.PReLU,
    ],
)
def test_a_layer_starts_as_torch_starts_it(layer: Callable[[], nn.Module]):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        theirs = layer().state_dict()
    ours = initialised(layer, seeded(3)).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_initialising_forgets_what_was_learnt():
    network = made(NETWORKS["hourglass"])
    fresh = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(noise(1, 2, 32, 32))
    assert not torch.equal(network.state_dict()["levels.0.joined.running_mean"], torch.zeros(6))
    again = initialise(network, seeded()).state_dict()
    assert all(torch.equal(again[name], fresh[name]) for name in fresh)


def test_another_seed_gives_another_network():
    first, second = (initialised(lambda: nn.Conv2d(3, 3, 3), seeded(s)).weight for s in (0, 1))
    assert not torch.equal(first, second)


def test_a_layer_without_a_known_start_is_refused():
    with pytest.raises(ProblemError, match="Embedding"):
        initialised(partial(nn.Embedding, 3, 4), seeded())


@pytest.mark.parametrize("lobes", [2, 3])
def test_a_trained_lanczos_pool_starts_as_the_fixed_one(lobes: int):
    trained = pools.TrainedLanczosPool(5, lobes).double()
    trained.reset_parameters()
    x = noise(1, 5, 12, 14).double()
    torch.testing.assert_close(trained(x), pools.LanczosPool(lobes)(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("phase", "count"), [pytest.param(0.5, 16, id="between"), pytest.param(0, 17, id="on a pixel")]
)
def test_lanczos_taps_are_symmetric_and_sum_to_one(phase: float, count: int):
    taps = lanczos(4, 2, phase)
    assert len(taps) == count
    assert taps.sum().item() == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(taps, taps.flip(0), rtol=0, atol=1e-15)


@pytest.mark.parametrize("resample", [layers.nearest, layers.bilinear])
def test_upsampling_keeps_number_format_and_gives_gradients_without_gaps(
    resample: layers.Resample,
):
    x = noise(1, 4, 6, 5).contiguous(memory_format=torch.channels_last).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = resample(x)
    torch.cat([y, y], dim=1).float().square().sum().backward()
    assert y.dtype == torch.bfloat16
    assert x.grad is not None
    assert x.grad.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(partial(Hourglass, 2, 3, []), id="no scale"),
        pytest.param(partial(DeepDecoder, 2, 3, doublings=0), id="no doubling"),
        pytest.param(partial(Hourglass, 2, 3, [Scale(4, 4, down_filter=4)]), id="even filter"),
        pytest.param(partial(UNet, 9, 3, feature_scale=8, concat_input=True), id="no room"),
        pytest.param(partial(lanczos, 0, 2), id="factor"),
    ],
)
def test_impossible_settings_are_refused(build: Callable[[], object]):
    with pytest.raises(ProblemError):
        build()
