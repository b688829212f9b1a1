"""Feature networks against the same ones written down plainly, and the files they come in."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.features import FeatureNetwork, FeatureSettings
from priorfit.networks.preparation import (
    CAFFE,
    RAW,
    SIGNED,
    TORCHVISION,
    Preparation,
)
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


def test_settings_without_a_network_are_refused():
    for settings in (
        FeatureSettings("vgg16", ()),
        FeatureSettings("vgg16", (4, 0)),
        FeatureSettings("vgg16", (4,) * 17),
        FeatureSettings("squeezenet1_1", (4, 2)),
        FeatureSettings("vgg16", (4,), mean=(0.5,)),
        FeatureSettings("vgg16", (4,), std=(1.0, 0.0, 1.0)),
        FeatureSettings("vgg19_reflected", (3, 4), full=(8, 8)),
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
