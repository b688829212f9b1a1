"""The untrained networks of Deep Image Prior against the authors' own."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from priorfit.networks import doubling, layers, pools
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.layers import Style
from priorfit.networks.resnet import ResNet
from priorfit.networks.unet import UNet
from tests.parity.fixture import Fixture, Result, compare_all

Config = Mapping[str, Any]

ACTIVATIONS = {
    "LeakyReLU": layers.leaky_relu,
    "Swish": layers.swish,
    "ELU": layers.elu,
    "none": layers.linear,
    None: layers.linear,
}
PADDINGS = {
    "reflection": layers.REFLECTION,
    "replication": layers.ZEROS,  # the released conv() knows reflection and takes the rest for zero
    "zero": layers.ZEROS,
}
UPSAMPLE = {"nearest": layers.nearest, "bilinear": layers.bilinear}
DOWNSAMPLING = {
    "stride": pools.STRIDED,
    "avg": pools.AVERAGE,
    "max": pools.MAXIMUM,
    "lanczos2": pools.TRAINED_LANCZOS2,
    "lanczos3": pools.TRAINED_LANCZOS3,
}
DOUBLING = {
    "deconv": doubling.biased_transposed,
    "nearest": doubling.resized_nearest,
    "bilinear": doubling.resized_bilinear,
}
NORMS = {
    "BatchNorm2d": layers.batch_norm,
    "InstanceNorm2d": layers.instance_norm,
    "batch": layers.batch_norm,
    "instance": layers.instance_norm,
    "none": layers.no_norm,
    None: layers.no_norm,
}
ROLES = {
    "down.conv1(stride2).fixed_kernel": "shrink.pool",
    "down.conv1(stride2)": "shrink.conv",
    "down.bn1": "shrink.norm",
    "down.conv2": "refine.conv",
    "down.bn2": "refine.norm",
    "skip.conv": "skip.conv",
    "skip.bn": "skip.norm",
    "bn_cat": "joined",
    "up.conv": "expand.conv",
    "up.bn": "expand.norm",
    "up.conv1x1": "mix.conv",
    "up.bn1x1": "mix.norm",
}


def hourglass(config: Config, *, keep_size: bool = False) -> Hourglass:
    """Our network for the settings of the released `skip()`."""
    count = len(config["num_channels_down"])

    def each(key: str, default: Any = None) -> list[Any]:
        value = config.get(key, default)
        return list(value) if isinstance(value, list | tuple) else [value] * count

    columns = zip(
        each("num_channels_down"),
        each("num_channels_up"),
        each("num_channels_skip"),
        each("filter_size_down", 3),
        each("filter_size_up", 3),
        each("filter_skip_size", 1),
        [DOWNSAMPLING[mode] for mode in each("downsample_mode", "stride")],
        [UPSAMPLE[mode] for mode in each("upsample_mode", "nearest")],
        each("need1x1_up", True),
        strict=True,
    )
    style = _style(config, norm=layers.batch_norm, activation="LeakyReLU", padding="zero")
    scales = [Scale(*column) for column in columns]
    return Hourglass(config["input_depth"], config["out"], scales, style=style, keep_size=keep_size)


def unet(config: Config) -> UNet:
    """Our network for the settings of the released `UNet`."""
    norm = NORMS[config.get("norm_layer", "InstanceNorm2d")]
    style = _style(config, norm=norm, activation="LeakyReLU", padding="zero")
    return UNet(
        config["num_input_channels"],
        config["num_output_channels"],
        feature_scale=config.get("feature_scale", 4),
        more_layers=config.get("more_layers", 0),
        concat_input=config.get("concat_x", False),
        doubling=DOUBLING[config.get("upsample_mode", "deconv")],
        style=Style(style.padding, norm, layers.relu, style.bias, style.sigmoid),
        keep_size=False,
    )


def resnet(config: Config) -> ResNet:
    """Our network for the settings of the released `ResNet`, which always ends in a sigmoid."""
    batch = config.get("norm_layer", "BatchNorm2d") == "BatchNorm2d"
    norm = layers.batch_norm if batch else layers.affine_instance_norm
    style = _style(config, norm=norm, activation="LeakyReLU", padding="reflection")
    return ResNet(
        config["num_input_channels"],
        config["num_output_channels"],
        blocks=config["num_blocks"],
        width=config["num_channels"],
        residual=config.get("need_residual", True),
        style=Style(style.padding, norm, style.activation),
    )


def _style(config: Config, *, norm: layers.Norm, activation: str, padding: str) -> Style:
    return Style(
        PADDINGS[config.get("pad", padding)],
        norm,
        ACTIVATIONS[config.get("act_fun", activation)],
        config.get("need_bias", True),
        config.get("need_sigmoid", True),
    )


def hourglass_key(role: str) -> str:
    """Our name for a role that meta.json gives to a released key: `scale2.down.bn1.weight`."""
    scale, rest = role.split(".", 1)
    layer, parameter = rest.rsplit(".", 1)
    if layer == "out.conv1x1":
        return f"output.{parameter}"
    return f"levels.{scale.removeprefix('scale')}.{ROLES[layer]}.{parameter}"


def unet_key(key: str) -> str:
    """Our name for a key of the released U-Net: `more_downs.0.conv.conv1.0.0.weight`."""
    path, parameter = key.rsplit(".", 1)
    if path.startswith("final"):
        return f"output.{parameter}"
    place = re.match(r"(start|down|up|more_downs\.|more_ups\.)(\d*)", path)
    assert place is not None, key
    where, number = place[1], int(place[2] or 0)
    first = {"start": 0, "down": 0, "up": -1, "more_downs.": 5, "more_ups.": 4}[where]
    level = f"{'up' if 'up' in where else 'down'}.{first + number}"
    if re.search(r"\.up(\.1\.\d)?$", path):
        return f"{level}.enlarge.{'conv.' if '.up.1.' in path else ''}{parameter}"
    pair = re.search(r"conv(\d)\.(\d)", path)
    assert pair is not None, key
    level += ".pair" if level.startswith("up") else ""
    turn, layer = {"1": "first", "2": "second"}[pair[1]], {"0": "conv", "1": "norm"}[pair[2]]
    return f"{level}.{turn}.{layer}.{parameter}"


def resnet_key(key: str, blocks: int) -> str:
    """Our name for a key of the released residual network: `model.2.3.weight`."""
    _, number, *inner, parameter = key.split(".")
    index = int(number) - 2
    if index < 0:
        return f"input.{parameter}"
    if index < blocks:
        layer = {"0": "first", "1": "first_norm", "3": "second", "4": "second_norm"}[inner[0]]
        return f"blocks.{index}.{layer}.{parameter}"
    return f"{('last', 'norm', 'output')[index - blocks]}.{parameter}"


def dip_skip(fixture: Fixture) -> Iterator[Result]:
    """The hourglass."""
    names = {key: hourglass_key(role) for key, role in fixture.meta["key_roles"].items()}
    yield from _network(fixture, lambda: hourglass(fixture.config), names)


def dip_unet(fixture: Fixture) -> Iterator[Result]:
    """The U-Net of the large-hole study."""
    names = {key: unet_key(key) for key in fixture.weights}
    yield from _network(fixture, lambda: unet(fixture.config), names)


def dip_resnet(fixture: Fixture) -> Iterator[Result]:
    """The residual network of the large-hole study."""
    names = {key: resnet_key(key, fixture.config["num_blocks"]) for key in fixture.weights}
    yield from _network(fixture, lambda: resnet(fixture.config), names)


def load(network: nn.Module, names: Mapping[str, str], fixture: Fixture) -> None:
    """Fill a network with the recorded weights: all of them, and nothing of its own is left."""
    network.load_state_dict(
        {names[key]: torch.from_numpy(array) for key, array in fixture.weights.items()}
    )


def _network(
    fixture: Fixture, build: Callable[[], nn.Module], names: Mapping[str, str]
) -> Iterator[Result]:
    """Forward in both modes, gradients and running statistics, in both precisions."""
    for dtype in (torch.float32, torch.float64):
        network = build().to(dtype)
        load(network, names, fixture)
        got = _recorded(fixture, network, names, dtype)
        yield from compare_all(fixture, got, f64=dtype == torch.float64)


def _recorded(
    fixture: Fixture, network: nn.Module, names: Mapping[str, str], dtype: torch.dtype
) -> dict[str, Tensor]:
    z = fixture.input("z", dtype).requires_grad_()
    with torch.no_grad():
        got = {"out_eval_mode": network.eval()(z)}
    got["out_train_mode"] = image = network.train()(z)
    (100 * (image * fixture.input("cotangent", dtype)).mean()).backward()
    assert z.grad is not None
    # The recorder thinned large gradients out to every fourth channel.
    thinned = fixture.expected["grad_z"].shape != z.grad.shape
    got["grad_z"] = z.grad[:, ::4] if thinned else z.grad
    return got | _statistics(fixture, network, names) | _norms(fixture, network, names)


def _statistics(
    fixture: Fixture, network: nn.Module, names: Mapping[str, str]
) -> dict[str, Tensor]:
    state = network.state_dict()
    got: dict[str, Tensor] = {}
    for statistic in ("running_mean", "running_var"):
        tensors = [state[names[key]] for key in fixture.weights if key.endswith(statistic)]
        got[f"after_step_{statistic}"] = torch.cat(tensors) if tensors else torch.empty(0)
    return got


def _norms(fixture: Fixture, network: nn.Module, names: Mapping[str, str]) -> dict[str, Tensor]:
    parameters = dict(network.named_parameters())
    filters = [key for key, array in fixture.weights.items() if array.ndim == 4]
    gradients = [parameters[names[key]].grad for key in filters if "downsampler" not in key]
    return {"conv_weight_grad_norms": torch.stack([g.norm() for g in gradients if g is not None])}


KINDS = {"dip_skip": dip_skip, "dip_unet": dip_unet, "dip_resnet": dip_resnet}
