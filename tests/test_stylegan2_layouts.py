"""StyleGAN2 as others lay it out: one network, written in every dialect, is read back the same."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.checkpoints.layouts.rosinality import LAYOUTS as ROSINALITY
from priorfit.checkpoints.layouts.stylegan2 import GENFORCE, KARRAS, MGANPRIOR, NVLABS
from priorfit.errors import CheckpointError
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import build_stored
from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config

Tensors = dict[str, Tensor]

SMALL = StyleGan2Config(
    channels=(7, 6, 5), z_dim=4, w_dim=6, mapping_width=5, mapping_depth=3, truncation_psi=0.5
)
FORMS = {
    "skip": SMALL,
    "origin": replace(SMALL, architecture="origin"),
    "resnet": replace(SMALL, architecture="resnet"),
    "no noise": replace(SMALL, noise=False),
    "classes": replace(SMALL, classes=3, embedding=2),
    "classes joined": replace(SMALL, classes=3, embedding=4, joined=True),
    "one scale": replace(SMALL, channels=(7,)),
}
each_form = pytest.mark.parametrize("form", FORMS)
KERNEL = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def made(config: StyleGan2Config) -> StyleGan2:
    generator = torch.Generator().manual_seed(0)
    network = initialised(lambda: StyleGan2(config), generator)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            # Sixteenths, so that taking 1 from a bias and adding it again loses nothing.
            tensor.copy_((torch.randn(tensor.shape, generator=generator) * 16).round() / 16)
    return network.requires_grad_(False).eval()


def side(index: int) -> int:
    return 4 << (index + 1) // 2


def genforce_like(network: StyleGan2, *, mgan: bool) -> Tensors:
    """As mGANprior stores it, or genforce, which wraps fewer layers and keeps torch's axes."""
    state, fc = network.state_dict(), ".fc" if mgan else ""

    def kernel(tensor: Tensor, *, up: bool = False) -> Tensor:
        tensor = tensor.transpose(0, 1).flip(2, 3) if up else tensor
        return tensor.permute(2, 3, 1, 0) if mgan else tensor

    out = {
        "truncation.w_avg": state["mapping.w_avg"],
        "synthesis.early_layer.const": state["const"],
    }
    out["synthesis.upsample.kernel"] = KERNEL[None, None] * 4
    for name, tensor in state.items():
        head, *rest = name.split(".")
        if name.startswith("mapping.layers"):
            wrapped = f"{fc}.weight" if rest[2] == "weight" else ".bias"
            out[f"mapping.dense{rest[1]}{wrapped}"] = tensor
        if name == "mapping.embed.weight":
            out["mapping.label_weight"] = tensor.T
        if head == "shortcuts":
            out[f"synthesis.skip_layer{rest[0]}.weight"] = kernel(tensor)
        if head in ("synthesis", "outputs"):
            scale = len(network.config.channels) - len(network.outputs) + int(rest[0])
            place = f"layer{rest[0]}" if head == "synthesis" else f"output{scale}"
            up = head == "synthesis" and int(rest[0]) % 2 == 1
            ending = ".".join(rest[1:])
            changed = {
                "weight": lambda t, up=up: kernel(t, up=up),
                "style.bias": lambda t: t - 1,
            }.get(ending, lambda t: t)(tensor)
            ending = f"style{fc}.weight" if ending == "style.weight" else ending
            out[f"synthesis.{place}.{ending}"] = changed
            if up:
                out[f"synthesis.{place}.filter.kernel"] = KERNEL[None, None] * 4
    return out


def karras(network: StyleGan2) -> Tensors:
    """Variables of the network in TensorFlow."""
    state, g = network.state_dict(), "G_synthesis"
    out = {"dlatent_avg": state["mapping.w_avg"], f"{g}/4x4/Const/const": state["const"]}
    out["lod"] = torch.tensor(0.0)
    for name, tensor in state.items():
        head, *rest = name.split(".")
        number = int(rest[0]) if rest and rest[0].isdigit() else 0
        if name.startswith("mapping.layers"):
            out[f"G_mapping/Dense{rest[1]}/{rest[2]}"] = tensor.T if tensor.ndim == 2 else tensor
        if name.startswith("mapping.embed"):
            label = "LabelConcat" if network.config.joined else "LabelEmbed"
            out[f"G_mapping/{label}/{rest[1]}"] = tensor.T if tensor.ndim == 2 else tensor
        if head == "shortcuts":
            pixels = 8 << number
            out[f"{g}/{pixels}x{pixels}/Skip/weight"] = tensor.permute(2, 3, 1, 0)
        if head == "outputs":
            pixels = 4 << (len(network.config.channels) - len(network.outputs) + number)
            out |= variables(f"{g}/{pixels}x{pixels}/ToRGB", ".".join(rest[1:]), tensor, up=False)
        if head == "synthesis" and rest[1] == "noise":
            out[f"{g}/noise{number}"] = tensor
        elif head == "synthesis":
            layer = "Conv" if number == 0 else ("Conv1", "Conv0_up")[number % 2]
            place = f"{g}/{side(number)}x{side(number)}/{layer}"
            out |= variables(place, ".".join(rest[1:]), tensor, up=number % 2 == 1)
    return out


def variables(place: str, ending: str, tensor: Tensor, *, up: bool) -> Tensors:
    if ending == "weight":
        tensor = tensor.transpose(0, 1).flip(2, 3) if up else tensor
        return {f"{place}/weight": tensor.permute(2, 3, 1, 0)}
    if ending == "style.weight":
        return {f"{place}/mod_weight": tensor.T}
    if ending == "style.bias":
        return {f"{place}/mod_bias": tensor - 1}
    return {f"{place}/{ending}": tensor}


def nvlabs(network: StyleGan2) -> Tensors:
    """State of the module of stylegan2-ada-pytorch."""
    state = network.state_dict()
    out = {"mapping.w_avg": state["mapping.w_avg"], "synthesis.b4.const": state["const"][0]}
    for name, tensor in state.items():
        head, *rest = name.split(".")
        number = int(rest[0]) if rest and rest[0].isdigit() else 0
        ending = ".".join(rest[1:]).replace("style", "affine")
        if name.startswith("mapping.layers"):
            out[f"mapping.fc{rest[1]}.{rest[2]}"] = tensor
        if name.startswith("mapping.embed"):
            out[name] = tensor
        if head == "shortcuts":
            out[f"synthesis.b{8 << number}.skip.weight"] = tensor
        if head == "outputs":
            pixels = 4 << (len(network.config.channels) - len(network.outputs) + number)
            out[f"synthesis.b{pixels}.torgb.{ending}"] = tensor
        if head == "synthesis":
            place = f"synthesis.b{side(number)}.conv{1 - number % 2}"
            out[f"{place}.resample_filter"] = KERNEL
            if ending == "noise":
                out[f"{place}.noise_const"] = tensor[0, 0]
            else:
                up = ending == "weight" and number % 2 == 1
                out[f"{place}.{ending}"] = tensor.transpose(0, 1) if up else tensor
    return out


def rosinality(network: StyleGan2) -> Tensors:
    """State of rosinality's module, which leaves out the mean w."""
    out = {}
    for name, tensor in network.state_dict().items():
        head, *rest = name.split(".")
        number = int(rest[0]) if rest and rest[0].isdigit() else 0
        ending = ".".join(rest[1:]).replace("style", "conv.modulation")
        if name.startswith("mapping.layers"):
            out[f"style.{int(rest[1]) + 1}.{rest[2]}"] = tensor
        if head == "const":
            out["input.input"] = tensor
        if head in ("outputs", "synthesis"):
            one, more = ("to_rgb1", "to_rgbs") if head == "outputs" else ("conv1", "convs")
            place = one if number == 0 else f"{more}.{number - 1}"
            up = head == "synthesis" and number % 2 == 1
            if ending == "weight":
                weight = tensor.transpose(0, 1) if up else tensor
                out[f"{place}.conv.weight"] = weight[None]
            elif ending == "bias":
                bias = {f"{place}.activate.bias": tensor}
                out |= (
                    bias if head == "synthesis" else {f"{place}.bias": tensor[None, :, None, None]}
                )
            elif ending == "noise":
                out[f"noises.noise_{number}"] = tensor
            elif ending == "noise_strength":
                out[f"{place}.noise.weight"] = tensor[None]
            else:
                out[f"{place}.{ending}"] = tensor
            if up:
                out[f"{place}.conv.blur.kernel"] = KERNEL * 4
    return out


WRITERS = {
    MGANPRIOR: lambda network: genforce_like(network, mgan=True),
    GENFORCE: lambda network: genforce_like(network, mgan=False),
    KARRAS: karras,
    NVLABS: nvlabs,
}
each_layout = pytest.mark.parametrize("layout", WRITERS, ids=lambda layout: layout.name)


def knows(layout: Any, config: StyleGan2Config) -> bool:
    """Whether this release had such a thing."""
    if layout in (MGANPRIOR, GENFORCE):
        return config.joined or not config.classes
    return layout is KARRAS or not config.joined


def settings_of(layout: Any) -> Mapping[str, Any]:
    return {"truncation_psi": 0.5} if layout is KARRAS else {}


PAIRS = [(layout, form) for layout in WRITERS for form in FORMS if knows(layout, FORMS[form])]


@pytest.mark.parametrize(("layout", "form"), PAIRS, ids=lambda p: p if isinstance(p, str) else p[0])
def test_every_dialect_tells_of_the_same_network(layout: Any, form: str):
    network = made(FORMS[form])
    found = Found(WRITERS[layout](network), settings=settings_of(layout))
    assert [known for known in LAYOUTS if known.recognises(found)] == [layout]
    stored = layout.convert(found)
    for name, tensor in network.state_dict().items():
        assert torch.equal(stored.tensors[name], tensor), name
    again = build_stored(stored)
    ada = layout is NVLABS
    expected = replace(network.config, scaled=not ada, truncation_psi=1.0 if ada else 0.5)
    assert again.config == expected
    w = torch.randn(1, network.layers, 6, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(again.draw(w), network.draw(w), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("told", [True, False])
def test_rosinality_tells_of_the_same_network_but_for_the_mean_w(told: bool):
    network = made(SMALL)
    tensors = rosinality(network) | ({"latent_avg": network.mapping.w_avg[None]} if told else {})
    found = Found(tensors)
    assert [known for known in LAYOUTS if known.recognises(found)] == [*ROSINALITY]
    stored = ROSINALITY[0].convert(found)
    z = torch.randn(4096, 4, generator=torch.Generator().manual_seed(0))
    mean = network.mapping.w_avg if told else network.map(z)[:, 0].mean(0)
    expected = {**network.state_dict(), "mapping.w_avg": mean}
    assert {name: tensor.tolist() for name, tensor in stored.tensors.items()} == {
        name: tensor.tolist() for name, tensor in expected.items()
    }
    assert build_stored(stored).config == replace(SMALL, truncation_psi=1.0)


@given(data=st.data())
def test_a_file_of_rosinality_with_an_entry_missing_or_changed_is_refused(data: st.DataObject):
    tensors = rosinality(made(SMALL))
    name = data.draw(st.sampled_from([n for n in sorted(tensors) if not n.endswith("kernel")]))
    tensor = tensors.pop(name)
    how = data.draw(st.sampled_from(["missing", "renamed", "shape", "type", "empty"]))
    changed = {
        "renamed": lambda: {f"{name}x": tensor},
        "shape": lambda: {name: torch.cat([tensor, tensor])},
        "type": lambda: {name: tensor.to(torch.int64)},
        "empty": lambda: {name: tensor.flatten()[:0]},
    }
    with pytest.raises(CheckpointError):
        ROSINALITY[0].convert(Found(tensors | changed.get(how, dict)()))


@pytest.mark.parametrize("nested", [True, False])
def test_settings_of_nvlabs_are_read_wherever_they_stand(nested: bool):
    synthesis: dict[str, Any] = {"conv_clamp": 256, "num_fp16_res": 4}
    mapping = {"mapping_kwargs": {"num_layers": 3, "lr_multiplier": 0.02}}
    settings = {**mapping, **({"synthesis_kwargs": synthesis} if nested else synthesis)}
    config = NVLABS.convert(Found(nvlabs(made(SMALL)), settings=settings)).config
    assert (config["clamp"], config["mapping_rate"]) == (256.0, 0.02)


def test_settings_of_karras_are_read():
    settings = {"truncation_psi": 0.7, "truncation_cutoff": 4, "mapping_lrmul": 0.02}
    config = KARRAS.convert(Found(karras(made(SMALL)), settings=settings)).config
    got = [config[name] for name in ("truncation_psi", "truncation_layers", "mapping_rate")]
    assert got == [0.7, 4, 0.02]


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([0.5] * 6, (0.5, None)),
        ([0.5] * 4 + [1.0] * 2, (0.5, 4)),
        ([1.0] * 6, (1.0, None)),
    ],
)
def test_factors_for_each_layer_are_a_psi_and_a_number(factors: list[float], expected: tuple):
    tensors = genforce_like(made(SMALL), mgan=True)
    tensors["truncation.truncation"] = torch.tensor(factors).reshape(1, -1, 1)
    config = MGANPRIOR.convert(Found(tensors)).config
    assert (config["truncation_psi"], config["truncation_layers"]) == expected


@pytest.mark.parametrize("factors", [[0.5, 0.7, 1.0], [0.5, 1.0, 0.5], [math.nan] * 3, [math.inf]])
def test_other_factors_are_refused(factors: list[float]):
    tensors = genforce_like(made(SMALL), mgan=True)
    tensors["truncation.truncation"] = torch.tensor(factors).reshape(1, -1, 1)
    with pytest.raises(CheckpointError):
        MGANPRIOR.convert(Found(tensors))


@pytest.mark.parametrize(
    ("layout", "settings", "message"),
    [
        (KARRAS, {"truncation_psi": "0.5"}, "truncation_psi"),
        (KARRAS, {"truncation_psi": True}, "truncation_psi"),
        (KARRAS, {"truncation_psi": math.nan}, "truncation_psi"),
        (KARRAS, {"truncation_cutoff": 1.5}, "truncation_cutoff"),
        (KARRAS, {"mapping_nonlinearity": "relu"}, "mapping_nonlinearity"),
        (NVLABS, {"synthesis_kwargs": [1]}, "synthesis_kwargs"),
        (NVLABS, {"conv_clamp": "256"}, "conv_clamp"),
        (NVLABS, {"synthesis_kwargs": {"activation": "relu"}}, "activation"),
    ],
)
def test_settings_that_mean_nothing_are_refused(layout: Any, settings: Any, message: str):
    with pytest.raises(CheckpointError, match=message):
        layout.convert(Found(WRITERS[layout](made(SMALL)), settings=settings))


def test_another_smoothing_is_refused():
    tensors = nvlabs(made(SMALL))
    tensors["synthesis.b8.conv0.resample_filter"] = torch.ones(4, 4) / 16
    with pytest.raises(CheckpointError, match=r"does not smooth with \(1 3 3 1\)"):
        NVLABS.convert(Found(tensors))


def test_images_of_some_scales_are_no_architecture():
    tensors = nvlabs(made(SMALL))
    kept = {name: t for name, t in tensors.items() if not name.startswith("synthesis.b4.torgb")}
    with pytest.raises(CheckpointError, match="neither all its scales nor of the last one alone"):
        NVLABS.convert(Found(kept))


WRITTEN = {
    layout: [WRITERS[layout](made(FORMS[form])) for form in FORMS if knows(layout, FORMS[form])]
    for layout in WRITERS
}
SETTINGS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@given(data=st.data(), layout=st.sampled_from([*WRITERS]))
def test_a_file_with_an_entry_missing_or_changed_is_refused(data: st.DataObject, layout: Any):
    tensors = dict(data.draw(st.sampled_from(WRITTEN[layout])))
    harmless = ("lod", "resample_filter", "kernel")  # a file may come without them
    names = [name for name in sorted(tensors) if not name.endswith(harmless)]
    name = data.draw(st.sampled_from(names))
    how = data.draw(st.sampled_from(["missing", "renamed", "shape", "axes", "type", "empty"]))
    tensor = tensors.pop(name)
    changed = {
        "renamed": lambda: {f"{name}x": tensor},
        "shape": lambda: {name: torch.cat([tensor, tensor]) if tensor.ndim else tensor[None]},
        "axes": lambda: {name: tensor[None, None]},
        "type": lambda: {name: tensor.to(torch.int64)},
        "empty": lambda: {name: tensor.flatten()[:0]},
    }
    tensors |= changed.get(how, dict)()
    with pytest.raises(CheckpointError):
        layout.convert(Found(tensors, settings=settings_of(layout)))


@given(data=st.data(), layout=st.sampled_from([*WRITERS]))
def test_no_settings_do_more_than_fail(data: st.DataObject, layout: Any):
    keys = ["truncation_psi", "truncation_cutoff", "mapping_lrmul", "conv_clamp", "activation"]
    inner = st.dictionaries(st.sampled_from([*keys, "lr_multiplier"]), SETTINGS)
    names = st.sampled_from([*keys, "mapping_kwargs", "synthesis_kwargs"])
    settings = data.draw(st.dictionaries(names, SETTINGS | inner))
    found = Found(WRITTEN[layout][0], settings=settings)
    try:
        stored = layout.convert(found)
    except CheckpointError:
        return
    assert set(stored.config) <= set(asdict(SMALL))
