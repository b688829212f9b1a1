"""LPIPS: its formula written down plainly, its files, and what it thinks of photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.degradations import Blur, Border, gaussian_psf
from priorfit.errors import CheckpointError, ProblemError
from priorfit.metrics import lpips, psnr
from priorfit.networks.lpips import Lpips, LpipsSettings
from priorfit.networks.pretrained import build_stored
from tests.pictures import uniform
from tests.seeing import PLAIN, ours

# How many of torchvision's modules have run at each layer that is compared.
CUTS = {
    "alexnet": (2, 5, 8, 10, 12),
    "squeezenet1_1": (2, 5, 8, 10, 11, 12, 13),
    "vgg16": (4, 9, 16, 23, 30),
}
each_trunk = pytest.mark.parametrize("trunk", CUTS)


def features(trunk: str, image: Tensor) -> list[Tensor]:
    """As released: from [-1, 1], less a shift, by a scale."""
    shift, scale = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])
    columns = [torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (shift, scale)]
    x = (2 * image - 1 - columns[0]) / columns[1]
    return [PLAIN[trunk].features[:cut](x) for cut in CUTS[trunk]]


def heads(trunk: str) -> dict[str, Tensor]:
    channels = [f.shape[1] for f in features(trunk, uniform(1, 3, 64, 64))]
    return {f"lin{i}.model.1.weight": uniform(1, c, 1, 1, seed=i) for i, c in enumerate(channels)}


def trunk_of(trunk: str) -> dict[str, Tensor]:
    state = PLAIN[trunk].state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith("features")}


def whole(trunk: str) -> Lpips:
    network = ours({**PLAIN[trunk].state_dict(), **heads(trunk)})
    assert isinstance(network, Lpips)
    return network


@each_trunk
def test_the_distance_is_that_of_the_formula(trunk):
    image, reference = uniform(2, 3, 64, 70), uniform(2, 3, 64, 70, seed=1)
    expected = torch.zeros(2, dtype=torch.float64)
    pairs = zip(features(trunk, image), features(trunk, reference), strict=True)
    for layer, (x, y) in enumerate(pairs):
        x = x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)
        y = y / (y.square().sum(1, keepdim=True).sqrt() + 1e-10)
        weights = heads(trunk)[f"lin{layer}.model.1.weight"][0]
        expected += ((x - y).square() * weights).sum(1).mean((1, 2))
    torch.testing.assert_close(whole(trunk)(image, reference), expected, atol=1e-9, rtol=1e-6)


@each_trunk
def test_equal_pictures_have_no_distance_and_each_its_own(trunk):
    network, image, other = whole(trunk), uniform(3, 3, 48, 48), uniform(3, 3, 48, 48, seed=1)
    assert torch.equal(network(image, image), torch.zeros(3).double())
    assert (network(image, other) > 0).all()
    torch.testing.assert_close(network(image, other)[1:2], network(image[1:2], other[1:2]))


def test_a_grey_picture_is_one_of_three_equal_channels():
    network, grey, other = whole("vgg16"), uniform(1, 1, 32, 32), uniform(1, 1, 32, 32, seed=1)
    colours = network(grey.expand(-1, 3, -1, -1), other.expand(-1, 3, -1, -1))
    torch.testing.assert_close(network(grey, other), colours)


def test_the_slope_is_finite_where_no_feature_is_seen():
    network = whole("alexnet")
    network.features.layers["conv1"].bias.fill_(-99.0)
    image = uniform(1, 3, 48, 48).requires_grad_()
    (gradient,) = torch.autograd.grad(network(image, uniform(1, 3, 48, 48, seed=1)).sum(), image)
    assert torch.isfinite(gradient).all()


@each_trunk
def test_heads_come_alone_and_are_put_on_their_classifier(trunk):
    alone, image, other = ours(heads(trunk)), uniform(1, 3, 48, 48), uniform(1, 3, 48, 48, seed=1)
    with pytest.raises(ProblemError, match="sees nothing before it is put on a"):
        alone(image, other)
    if trunk != "squeezenet1_1":  # five heads of tiny networks are told apart by real widths only
        alone = Lpips(LpipsSettings(trunk, alone.config.heads)).double()
        alone.load_state_dict(ours(heads(trunk)).state_dict())
    classifier = ours(PLAIN[trunk].state_dict())
    together = alone.on(classifier)
    assert together.features is classifier
    torch.testing.assert_close(together(image, other), whole(trunk)(image, other))


def test_heads_of_another_classifier_are_refused():
    with pytest.raises(ProblemError, match="these weights are for squeezenet1_1, got vgg16"):
        ours(heads("squeezenet1_1")).on(ours(PLAIN["vgg16"].state_dict()))


@pytest.mark.parametrize(
    ("channels", "trunk"),
    [
        ((64, 192, 384, 256, 256), "alexnet"),
        ((64, 128, 256, 512, 512), "vgg16"),
        ((64, 128, 256, 384, 384, 512, 512), "squeezenet1_1"),
    ],
)
def test_published_heads_tell_their_classifier_by_their_channels(channels, trunk):
    tensors = {f"lin{i}.model.1.weight": torch.ones(1, c, 1, 1) for i, c in enumerate(channels)}
    assert ours(tensors).config == LpipsSettings(trunk, channels)


@each_trunk
def test_the_state_of_the_authors_module_is_read(trunk):
    slices = {}
    for name, tensor in trunk_of(trunk).items():
        number = int(name.split(".")[1])
        place = sum(number >= cut for cut in CUTS[trunk]) + 1
        slices[name.replace("features.", f"net.slice{place}.")] = tensor
    doubled = {name.replace("lin", "lins.", 1): tensor for name, tensor in heads(trunk).items()}
    constants = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)}
    network = ours({**constants, **slices, **heads(trunk), **doubled})
    image, other = uniform(1, 3, 48, 48), uniform(1, 3, 48, 48, seed=1)
    assert torch.equal(network(image, other), whole(trunk)(image, other))


@each_trunk
@given(data=st.data())
def test_a_file_with_a_tensor_less_or_another_shape_is_refused(trunk, data):
    file = trunk_of(trunk) | heads(trunk)
    name = data.draw(st.sampled_from(sorted(file)))
    shape = data.draw(st.none() | st.lists(st.integers(0, 4), max_size=5).map(tuple))
    spoilt = {key: tensor for key, tensor in file.items() if key != name}
    if shape is not None:
        spoilt[name] = torch.zeros(shape)
    same = shape is not None and torch.zeros(shape).numel() == file[name].numel()
    found = Found(spoilt)
    layout = next((known for known in LAYOUTS if known.recognises(found)), None)
    if layout is not None and layout.name.startswith("LPIPS") and not same:
        with pytest.raises(CheckpointError):
            build_stored(layout.convert(found))


def test_a_stored_distance_comes_back_the_same(tmp_path: Path):
    network = whole("squeezenet1_1").float()
    network.save_pretrained(tmp_path / "lpips")
    again = Lpips.from_pretrained(tmp_path / "lpips")
    image, other = uniform(1, 3, 48, 48).float(), uniform(1, 3, 48, 48, seed=1).float()
    assert torch.equal(again(image, other), network(image, other))


@pytest.fixture(scope="module")
def published(shared: Path) -> Lpips:
    """The published heads on the published SqueezeNet, half of whose numbers are of 16 bits."""
    files = [shared / "weights" / n for n in ("squeezenet1_1_fp16.pth", "lpips_v0.1_squeeze.pth")]
    seen, weighed = (torch.load(file, map_location="cpu", weights_only=True) for file in files)
    network = ours({**seen, **weighed}).float()
    assert isinstance(network, Lpips)
    return network


@pytest.fixture(scope="module")
def photographs(shared: Path) -> Tensor:
    pictures = []
    for number in ("01", "05", "13", "03"):
        with PillowImage.open(shared / f"images/Kodak24/kodim{number}.png") as file:
            pictures.append(np.array(file.convert("RGB").resize((128, 128))))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def noisy(images: Tensor, std: float) -> Tensor:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images + std * noise).clamp(0, 1)


def blurred(images: Tensor, std: float) -> Tensor:
    return Blur(gaussian_psf(std), Border.REPLICATE)(images)


@pytest.mark.parametrize(
    ("damaged", "levels"), [(noisy, (0.02, 0.05, 0.1, 0.2)), (blurred, (0.5, 1.0, 2.0, 4.0))]
)
def test_the_more_damage_the_greater_the_distance(published, photographs, damaged, levels):
    rows = [lpips(damaged(photographs, level), photographs, published) for level in levels]
    assert (torch.stack(rows).diff(dim=0) > 0).all()
    assert torch.equal(lpips(photographs, photographs, published), torch.zeros(4))
    assert (rows[0] < 0.2).all()


def test_where_there_is_texture_blur_is_judged_worse_than_noise_of_more_error(
    published, photographs
):
    """What LPIPS was made for: squared error likes a blurred picture too well."""
    textured = photographs[:3]  # a wall, motorcycles, a torrent; the fourth is smooth
    noise, blur = noisy(textured, 0.15), blurred(textured, 2.0)
    assert (psnr(blur, textured) > psnr(noise, textured)).all()
    assert (lpips(blur, textured, published) > lpips(noise, textured, published)).all()


def test_another_scene_is_farther_than_a_damaged_one(published, photographs):
    others = lpips(photographs.roll(1, 0), photographs, published)
    assert (others > lpips(blurred(photographs, 1.0), photographs, published)).all()


def test_the_metric_wants_pictures_of_one_size(published, photographs):
    with pytest.raises(ProblemError, match="has the shape of the image"):
        lpips(photographs, photographs[..., 1:], published)
    assert lpips(photographs.double(), photographs.double(), published).shape == (4,)
