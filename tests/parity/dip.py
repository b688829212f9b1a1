"""The untrained networks of Deep Image Prior against the authors' own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from priorfit.networks import layers
from priorfit.networks.hourglass import Hourglass, Scale
from tests.parity.fixture import Fixture, Result, compare

ACTIVATIONS = {
    "LeakyReLU": layers.leaky_relu,
    "Swish": layers.swish,
    "ELU": layers.elu,
    "none": layers.linear,
}
PADDINGS = {"reflection": layers.REFLECTION, "zero": layers.ZEROS}
UPSAMPLE = {"nearest": layers.nearest, "bilinear": layers.bilinear}
DOWNSAMPLING = {
    "stride": layers.STRIDED,
    "avg": layers.AVERAGE,
    "max": layers.MAXIMUM,
    "lanczos2": layers.lanczos_pool(2, trained=True),
    "lanczos3": layers.lanczos_pool(3, trained=True),
}
OURS = {
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


def hourglass(config: Mapping[str, Any], *, keep_size: bool = False) -> Hourglass:
    """Our network for the settings of the released `skip()`."""
    count = len(config["num_channels_down"])

    def each(key: str, default: Any) -> list[Any]:
        value = config.get(key, default)
        return list(value) if isinstance(value, list | tuple) else [value] * count

    columns = zip(
        each("num_channels_down", None),
        each("num_channels_up", None),
        each("num_channels_skip", None),
        each("filter_size_down", 3),
        each("filter_size_up", 3),
        each("filter_skip_size", 1),
        (DOWNSAMPLING[mode] for mode in each("downsample_mode", "stride")),
        (UPSAMPLE[mode] for mode in each("upsample_mode", "nearest")),
        each("need1x1_up", True),
        strict=True,
    )
    return Hourglass(
        config["input_depth"],
        config["out"],
        [Scale(*column) for column in columns],
        padding=PADDINGS[config.get("pad", "zero")],
        activation=ACTIVATIONS[config.get("act_fun") or "none"],
        bias=config.get("need_bias", True),
        sigmoid=config.get("need_sigmoid", True),
        keep_size=keep_size,
    )


def hourglass_key(role: str) -> str:
    """Our name for a key of the released network, from its role: `scale2.down.bn1.weight`."""
    scale, rest = role.split(".", 1)
    layer, parameter = rest.rsplit(".", 1)
    if layer == "out.conv1x1":
        return f"output.{parameter}"
    return f"levels.{scale.removeprefix('scale')}.{OURS[layer]}.{parameter}"


def load(network: nn.Module, names: Mapping[str, str], fixture: Fixture) -> None:
    """Fill a network with the recorded weights, all of them, every one of its own."""
    state = {names[key]: torch.from_numpy(array) for key, array in fixture.weights.items()}
    network.load_state_dict(state)


def dip_skip(fixture: Fixture) -> Iterator[Result]:
    """Forward in both modes, gradients and running statistics of the hourglass."""
    names = {key: hourglass_key(role) for key, role in fixture.meta["key_roles"].items()}
    for dtype in (torch.float32, torch.float64):
        network = hourglass(fixture.config).to(dtype)
        load(network, names, fixture)
        z = fixture.input("z", dtype).requires_grad_()
        with torch.no_grad():
            got = {"out_eval_mode": network.eval()(z)}
        got["out_train_mode"] = image = network.train()(z)
        (100 * (image * fixture.input("cotangent", dtype)).mean()).backward()
        assert z.grad is not None
        state, parameters = network.state_dict(), dict(network.named_parameters())
        thinned = z.grad.numel() > 60000  # the recorder kept every fourth channel then
        got["grad_z"] = z.grad[:, ::4] if thinned else z.grad
        for statistic in ("running_mean", "running_var"):
            keys = [key for key in fixture.weights if key.endswith(statistic)]
            got[f"after_step_{statistic}"] = torch.cat([state[names[key]] for key in keys])
        got["conv_weight_grad_norms"] = torch.stack(
            [
                _gradient(parameters[names[key]]).norm()
                for key, array in fixture.weights.items()
                if array.ndim == 4 and "downsampler" not in key
            ]
        )
        yield from _compared(fixture, got, f64=dtype == torch.float64)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _compared(fixture: Fixture, got: Mapping[str, Tensor], *, f64: bool) -> Iterator[Result]:
    for key, value in got.items():
        result = compare(fixture, key, value, f64=f64)
        if result is not None:
            yield result
