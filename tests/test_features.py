"""Feature networks against the same ones written down plainly, and the files they come in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.features import FeatureNetwork, Settings
from priorfit.networks.preparation import (
    CAFFE,
    CAFFE_RGB,
    RAW,
    SIGNED,
    TORCHVISION,
    Preparation,
)
from priorfit.networks.pretrained import built
from tests.pictures import uniform
from tests.seeing import PLAIN, ours

each_trunk = pytest.mark.parametrize("trunk", PLAIN)
NAMES = {
    "vgg16": {"conv1_1": 1, "relu2_2": 9, "relu3_3": 16, "relu4_2": 21, "relu4_3": 23, "pool5": 31},
    "vgg19": {"relu1_1": 2, "relu3_4": 18, "relu4_1": 21, "conv5_4": 35, "relu5_4": 36},
    "alexnet": {"relu1": 2, "pool1": 3, "relu3": 8, "relu5": 12, "pool5": 13},
    "squeezenet1_1": {"relu1": 2, "fire3": 5, "pool3": 6, "fire5": 8, "fire6": 10, "fire9": 13},
}
PLACES = [(trunk, name, count) for trunk, named in NAMES.items() for name, count in named.items()]


def classifier(trunk: str) -> FeatureNetwork:
    network = ours(PLAIN[trunk].state_dict())
    assert isinstance(network, FeatureNetwork)
    return network


def normalised(image: Tensor) -> Tensor:
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
    return (image - mean) / torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]


@each_trunk
def test_a_network_cut_anywhere_gives_what_torchvisions_modules_give(trunk):
    image, plain = uniform(2, 3, 67, 70), PLAIN[trunk]
    network = classifier(trunk)
    for count in range(1, len(plain.features) + 1):
        name = f"features[:{count}]"
        expected = plain.features[:count](normalised(image))
        torch.testing.assert_close(network(image, [name])[name], expected, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize(("trunk", "name", "count"), PLACES)
def test_layers_have_the_names_of_the_literature(trunk, name, count):
    image, network = uniform(1, 3, 64, 64), classifier(trunk)
    found = network(image, [name, f"features[:{count}]"])
    assert torch.equal(found[name], found[f"features[:{count}]"])
    assert found[name].shape[1] == network.width(name)


@each_trunk
def test_the_head_decides_as_torchvisions(trunk):
    image, network = uniform(2, 3, 70, 66), classifier(trunk)
    assert network.classes == 5
    torch.testing.assert_close(
        network.logits(image), PLAIN[trunk](normalised(image)), atol=1e-9, rtol=1e-6
    )


@each_trunk
def test_no_layer_that_was_asked_for_is_overwritten_by_the_next(trunk):
    image, network = uniform(1, 3, 64, 64), classifier(trunk)
    together = network(image, network.names)
    assert list(together) == network.names
    for name, features in together.items():
        assert torch.equal(features, network(image, [name])[name])


@each_trunk
def test_nothing_deeper_than_asked_for_is_computed(trunk):
    network = classifier(trunk)
    deep = list(network.layers)[3:]
    for name in deep:
        network.layers[name].register_forward_pre_hook(lambda *_: pytest.fail("computed"))
    early = network.names[network.names.index(deep[0]) - 1]
    assert list(network(uniform(1, 3, 64, 64), [early])) == [early]


@each_trunk
def test_gradients_reach_the_picture_and_stop_at_the_weights(trunk):
    network, image = classifier(trunk), uniform(1, 3, 64, 64).requires_grad_()
    plain = PLAIN[trunk].features(normalised(image)).square().sum()
    (expected,) = torch.autograd.grad(plain, image)
    name = f"features[:{len(PLAIN[trunk].features)}]"
    loss = network(image, [name])[name].square().sum()
    (gradient,) = torch.autograd.grad(loss, image)
    torch.testing.assert_close(gradient, expected, atol=1e-9, rtol=1e-5)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_picture_is_seen_the_same_alone_and_in_a_batch():
    network, images = classifier("vgg16"), uniform(3, 3, 32, 32)
    batch, alone = network(images, ["relu3_3"]), network(images[1:2], ["relu3_3"])
    torch.testing.assert_close(batch["relu3_3"][1:2], alone["relu3_3"])


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    network = classifier("vgg16")
    for name in ("relu9_1", "features[:0]", "features[:32]", "full1_1", "fire2"):
        with pytest.raises(ProblemError, match=r"has no layer .* only conv1_1, relu1_1"):
            network(uniform(1, 3, 32, 32), [name])


@each_trunk
@pytest.mark.parametrize("side", [1, 2, 3, 5, 7, 12])
def test_a_picture_is_large_enough_or_refused_with_the_layer_that_is_too_large(trunk, side):
    network, image = classifier(trunk), uniform(1, 3, side, side)
    try:
        found = network(image, network.names)
    except ProblemError as error:
        assert "the picture is too small: layer" in str(error)
    else:
        assert all(features.numel() for features in found.values())


def test_what_is_no_picture_is_refused():
    for shape in ((3, 32, 32), (1, 2, 32, 32)):
        with pytest.raises(ProblemError, match="expected a picture"):
            classifier("vgg16")(uniform(*shape), ["relu1_1"])


def test_preparations_are_those_of_the_trainers():
    image = uniform(1, 3, 4, 5)
    torch.testing.assert_close(TORCHVISION(image), normalised(image))
    blue_green_red = (255 * image).flip(1) - torch.tensor([103.939, 116.779, 123.68]).double()[
        :, None, None
    ]
    torch.testing.assert_close(CAFFE(image), blue_green_red, atol=1e-5, rtol=0)
    torch.testing.assert_close(SIGNED(image), 2 * image - 1)
    torch.testing.assert_close(RAW(image), image)
    grey = image[:, :1]
    assert torch.equal(TORCHVISION(grey), TORCHVISION(grey.repeat(1, 3, 1, 1)))


@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
def test_pictures_are_resized_before_they_are_seen(resize):
    image = uniform(1, 3, 10, 14)
    prepared = Preparation(RAW.mean, RAW.std, size=8, resize=resize)(image)
    torch.testing.assert_close(prepared, F.interpolate(image, (8, 8), mode=resize))
    same = Preparation(RAW.mean, RAW.std, size=10, resize=resize)(image[..., :10])
    assert torch.equal(same, image[..., :10])


def test_another_preparation_can_be_asked_for():
    network, image = classifier("vgg16"), uniform(1, 3, 16, 16)
    raw = network(image, ["relu1_1"], SIGNED)["relu1_1"]
    torch.testing.assert_close(raw, PLAIN["vgg16"].features[:2](2 * image - 1))


def convolutions(trunk: str) -> dict[str, Tensor]:
    state = PLAIN[trunk].state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith("features")}


def named_as_caffe(
    trunk: str, name: Callable[[str, str], str], *, out_first: bool, by_pixel: bool = False
) -> dict[str, Tensor]:
    """A VGG with other names and, if the outputs come last, axes as TensorFlow has them."""
    network, tensors = classifier(trunk), {}
    for key, tensor in network.state_dict().items():
        _, layer, parameter = key.split(".")
        if not out_first and tensor.ndim == 4:
            tensor = tensor.permute(2, 3, 1, 0)
        elif not out_first and tensor.ndim == 2:
            if layer == "fc6" and by_pixel:
                tensor = tensor.unflatten(1, (-1, 49)).transpose(1, 2).flatten(1)
            tensor = tensor.T
        tensors[name(layer, parameter)] = tensor
    return tensors


def keras(layer: str, parameter: str) -> str:
    block, place = layer.removeprefix("conv").split("_")
    return f"block{block}_conv{place}/{ {'weight': 'kernel', 'bias': 'bias'}[parameter] }:0"


SPELLINGS = {
    "vgg19-caffe-py3.pth": lambda layer, parameter: f"{layer}.{parameter}",
    "arrays": lambda layer, parameter: f"{layer}_{'W' if parameter == 'weight' else 'b'}",
    "lists": lambda layer, parameter: f"{layer}.{0 if parameter == 'weight' else 1}",
    "slim": lambda layer, parameter: f"vgg_16/{layer}/{parameter}{'es' * (parameter == 'bias')}",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("out_first", [True, False])
@pytest.mark.parametrize("trunk", ["vgg16", "vgg19"])
def test_caffes_networks_come_in_many_spellings(trunk, spelling, out_first):
    tensors = named_as_caffe(trunk, spelling, out_first=out_first, by_pixel=True)
    network, image = ours(tensors), uniform(1, 3, 40, 36)
    assert network.config.trunk == trunk
    assert network.preparation == CAFFE
    expected = PLAIN[trunk](CAFFE(image))
    torch.testing.assert_close(network.logits(image), expected, atol=1e-6, rtol=1e-6)


def test_keras_networks_without_a_head_are_read():
    named = named_as_caffe("vgg16", lambda *key: "/".join(key), out_first=False)
    named = {keras(*k.split("/")): t for k, t in named.items() if k.startswith("conv")}
    network, image = ours(named), uniform(1, 3, 32, 32)
    expected = PLAIN["vgg16"].features[:16](CAFFE(image))
    torch.testing.assert_close(network(image, ["relu3_3"])["relu3_3"], expected)
    assert not network.classes
    with pytest.raises(ProblemError, match="has no head"):
        network.logits(image)


def idinvert() -> dict[str, Tensor]:
    pairs = convolutions("vgg16").items()
    return {name.replace("features.", "layer"): tensor for name, tensor in pairs}


def test_idinverts_network_is_numbered_as_torchvisions_and_prepared_as_caffes():
    network, image = ours(idinvert()), uniform(1, 3, 32, 32)
    expected = PLAIN["vgg16"].features[:23](CAFFE(image))
    torch.testing.assert_close(network(image, ["relu4_3"])["relu4_3"], expected)


def test_the_preparation_can_be_told_where_the_file_cannot():
    for word, preparation in (("caffe", CAFFE), ("signed", SIGNED), ("caffe-rgb", CAFFE_RGB)):
        assert ours(convolutions("vgg19"), preparation=word).preparation == preparation
    with pytest.raises(CheckpointError, match="a preparation is one of torchvision, caffe"):
        ours(convolutions("vgg19"), preparation="other")


def test_a_head_that_is_no_number_is_left_out():
    state = PLAIN["vgg16"].state_dict()
    spoilt = {n: t * torch.nan if n.startswith("cl") else t for n, t in state.items()}
    network = ours(spoilt)
    assert not network.classes
    assert network.preparation == CAFFE_RGB


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_trunk_that_was_cut_short_serves_as_far_as_it_goes(count):
    names = sorted(convolutions("vgg16"), key=lambda name: int(name.split(".")[1]))[: 2 * count]
    network = ours({name: convolutions("vgg16")[name] for name in names})
    image = uniform(1, 3, 32, 32)
    expected = PLAIN["vgg16"].features[: network.cuts](normalised(image))
    last = network.names[-1]
    torch.testing.assert_close(network(image, [last])[last], expected)


def distilled(levels: int = 3) -> dict[str, Tensor]:
    widths = {"0": 3, "11": 3, "12": 4, "21": 5, "22": 4, "31": 6}
    tensors, inside = {}, 3
    for index, (place, width) in enumerate(widths.items()):
        side = 1 if place == "0" else 3
        tensors[f"conv{place}.weight"] = uniform(width, inside, side, side, seed=index) - 0.4
        tensors[f"conv{place}.bias"] = uniform(width, seed=index) - 0.5
        inside = width
    for level in range(1, levels + 1):
        thin = widths[f"{level}1"]
        tensors[f"conv{level}1_aux.weight"] = uniform(4 * thin, thin, 1, 1, seed=level) - 0.4
        tensors[f"conv{level}1_aux.bias"] = uniform(4 * thin, seed=level)
    return tensors


def test_a_distilled_encoder_reflects_the_picture_and_widens_its_features():
    tensors, image = distilled(), uniform(1, 3, 16, 20)

    def conv(x: Tensor, name: str, margin: int = 1) -> Tensor:
        padded = F.pad(x, [margin] * 4, mode="reflect") if margin else x
        return F.conv2d(padded, tensors[f"conv{name}.weight"], tensors[f"conv{name}.bias"])

    x = conv(image, "0", 0)
    first = torch.relu(conv(x, "11"))
    x = F.max_pool2d(torch.relu(conv(first, "12")), 2)
    second = torch.relu(conv(x, "21"))
    found = ours(tensors)(image, ["relu1_1", "full1_1", "relu2_1", "full2_1"])
    expected = (first, torch.relu(conv(first, "11_aux", 0)), second)
    for features, wanted in zip(found.values(), expected, strict=False):
        torch.testing.assert_close(features, wanted)
    torch.testing.assert_close(found["full2_1"], torch.relu(conv(second, "21_aux", 0)))
    assert ours(tensors).width("full2_1") == 20


FILES = {
    **{trunk: PLAIN[trunk].state_dict() for trunk in PLAIN},
    "idinvert": idinvert(),
    "distilled": distilled(),
    "caffe": named_as_caffe("vgg16", SPELLINGS["arrays"], out_first=False),
}
each_file = pytest.mark.parametrize("file", FILES.values(), ids=FILES)


def convert(tensors: dict[str, Tensor]) -> None:
    layout = next(known for known in LAYOUTS if known.recognises(Found(tensors)))
    built(layout.convert(Found(tensors)))


def refused(tensors: dict[str, Tensor]) -> None:
    """Nobody knows the layout, or it says what is wrong."""
    found = Found(tensors)
    for layout in [known for known in LAYOUTS if known.recognises(found)][:1]:
        with pytest.raises(CheckpointError):
            built(layout.convert(found))


@each_file
@given(data=st.data())
def test_a_file_that_lacks_one_tensor_is_refused(file, data):
    dropped = data.draw(st.sampled_from(sorted(file)))
    convert(file)
    refused({name: tensor for name, tensor in file.items() if name != dropped})


@each_file
@given(data=st.data())
def test_a_file_with_a_tensor_of_another_shape_is_refused(file, data):
    name = data.draw(st.sampled_from(sorted(file)))
    shape = data.draw(st.lists(st.integers(0, 4), max_size=5).map(tuple))
    if shape != tuple(file[name].shape):
        refused({**file, name: torch.zeros(shape)})


@each_file
def test_a_file_with_one_tensor_more_is_refused(file):
    refused({**file, "features.99.weight": torch.zeros(1), "conv9_9.weight": torch.zeros(1)})


def test_settings_without_a_network_are_refused():
    for settings in (
        Settings("vgg16", ()),
        Settings("vgg16", (4, 0)),
        Settings("vgg16", (4,) * 17),
        Settings("squeezenet1_1", (4, 2)),
        Settings("vgg16", (4,), mean=(0.5,)),
        Settings("vgg16", (4,), std=(1.0, 0.0, 1.0)),
        Settings("vgg19_reflected", (3, 4), full=(8, 8)),
    ):
        with pytest.raises(CheckpointError):
            FeatureNetwork(settings)


def test_a_stored_network_comes_back_the_same(tmp_path: Path):
    network, image = classifier("squeezenet1_1").float(), uniform(1, 3, 48, 48).float()
    network.save_pretrained(tmp_path / "seen")
    again = FeatureNetwork.from_pretrained(tmp_path / "seen")
    assert again.config == network.config
    assert torch.equal(again.logits(image), network.logits(image))


def published(shared: Path, name: str) -> FeatureNetwork:
    tensors = torch.load(shared / "weights" / name, map_location="cpu", weights_only=True)
    network = ours(tensors).float()
    assert isinstance(network, FeatureNetwork)
    return network


def photograph(path: Path) -> Tensor:
    """As classifiers of ImageNet are tested: the middle 224 of 256 pixels."""
    with PillowImage.open(path) as file:
        picture = file.convert("RGB")
    scale = 256 / min(picture.size)
    picture = picture.resize([round(side * scale) for side in picture.size])
    left, top = ((side - 224) // 2 for side in picture.size)
    picture = picture.crop((left, top, left + 224, top + 224))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


# Classes of the examples of [pan2020]_ that are not on their list.
CHOSEN = {
    "ILSVRC2012_val_00001172.JPEG": 269,
    "ILSVRC2012_val_00004291.JPEG": 442,
    "ILSVRC2012_val_00008229.JPEG": 174,
    "ILSVRC2012_val_00020814.JPEG": 185,
    "ILSVRC2012_val_00022130.JPEG": 511,
    "ILSVRC2012_val_00042095.JPEG": 260,
    "ILSVRC2012_val_00044065.JPEG": 425,
    "ILSVRC2012_val_00044640.JPEG": 425,
}


def test_the_published_squeezenet_knows_what_is_on_photographs(shared: Path):
    network = published(shared, "squeezenet1_1_fp16.pth")
    lines = (shared / "images/lists/imagenet_val_1k.txt").read_text().splitlines()
    labels = {name: int(label) for name, label in map(str.split, lines)} | CHOSEN
    files = (shared / "images/DGP_imagenet_val").glob("*.JPEG")
    known = sorted(file for file in files if file.name in labels)
    best = [network.logits(photograph(file)).topk(5).indices[0].tolist() for file in known]
    right = [labels[file.name] for file in known]
    assert len(known) == 11
    assert sum(label in five for label, five in zip(right, best, strict=True)) >= len(known) - 1
    assert sum(label == five[0] for label, five in zip(right, best, strict=True)) >= len(known) / 2


def test_two_distilled_encoders_estimate_the_same_network(shared: Path):
    networks = [published(shared, f"vgg19_cd16x_SE{depth}.pth") for depth in (4, 5)]
    image = photograph(shared / "images/Kodak24/kodim05.png")
    for name, allowed in (("full1_1", 0.01), ("full2_1", 0.1), ("full3_1", 0.2), ("full4_1", 0.2)):
        one, other = (network(image, [name])[name] for network in networks)
        assert (one - other).square().mean() < allowed * other.square().mean()
