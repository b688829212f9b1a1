"""The files that feature networks come in: how they are told, read, and refused."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.preparation import CAFFE, CAFFE_RGB, SIGNED, TORCHVISION
from priorfit.networks.pretrained import build_stored
from tests.pictures import uniform
from tests.seeing import PLAIN, ours


def convolutions(trunk: str) -> dict[str, Tensor]:
    state = PLAIN[trunk].state_dict()
    return {name: tensor for name, tensor in state.items() if name.startswith("features")}


def named_as_caffe(
    trunk: str, name: Callable[[str, str], str], *, out_first: bool, by_pixel: bool = False
) -> dict[str, Tensor]:
    """A VGG with other names and, if the outputs come last, axes as TensorFlow has them."""
    network, tensors = ours(PLAIN[trunk].state_dict()), {}
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


@pytest.mark.parametrize("trunk", ["vgg16", "vgg19"])
def test_a_head_numbered_as_in_the_first_torchvision_gives_caffes_weights_away(trunk):
    new = {"classifier.0": "classifier.1", "classifier.3": "classifier.4"}
    state = PLAIN[trunk].state_dict()
    network = ours({new.get(n[:12], n[:12]) + n[12:]: tensor for n, tensor in state.items()})
    image = uniform(1, 3, 32, 32)
    torch.testing.assert_close(network.logits(image), PLAIN[trunk](CAFFE(image)))


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
    expected = PLAIN["vgg16"].features[: network.cuts](TORCHVISION(image))
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
    build_stored(layout.convert(Found(tensors)))


def refused(tensors: dict[str, Tensor]) -> None:
    """Nobody knows the layout, or it says what is wrong."""
    found = Found(tensors)
    for layout in [known for known in LAYOUTS if known.recognises(found)][:1]:
        with pytest.raises(CheckpointError):
            build_stored(layout.convert(found))


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
