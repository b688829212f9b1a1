"""StyleGAN3 as NVlabs lays it out: a network that is written like that is read back the same."""

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.checkpoints.layouts import stylegan3 as layouts
from priorfit.errors import CheckpointError
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import build_stored
from priorfit.networks.stylegan3 import StyleGan3, StyleGan3Config
from priorfit.networks.stylegan3_layers import LayerPlan

(NVLABS,) = layouts.LAYOUTS

SMALL = StyleGan3Config(
    resolution=32,
    channels=(6, 5, 4, 4, 3, 3),
    z_dim=4,
    w_dim=6,
    mapping_width=6,
)
FORMS = {
    "config-t": SMALL,
    "config-r": replace(SMALL, filter_side=1, radial=True),
    "classes": replace(SMALL, classes=3, embedding=2),
}
OTHER = replace(
    SMALL, critical=1, first_cutoff=1.0, first_stopband=3.0, margin=4, clamp=128.0, taps=4
)
SAID = {
    "num_critical": 1,
    "first_cutoff": 1.0,
    "first_stopband": 3,
    "margin_size": 4,
    "conv_clamp": 128,
    "filter_size": 4,
}


def made(config: StyleGan3Config) -> StyleGan3:
    network = initialised(lambda: StyleGan3(config), torch.Generator().manual_seed(0))
    return network.requires_grad_(False).eval()


def written(network: StyleGan3) -> dict[str, Tensor]:
    """State of the released module."""
    config, out = network.config, {}
    plan = LayerPlan(
        config.resolution,
        len(config.channels) - 1,
        config.critical,
        config.first_cutoff,
        config.first_stopband,
        config.last_stopband,
        config.margin,
    )
    named = [
        f"L{index}_{band.side}_{width}"
        for index, (band, width) in enumerate(zip(plan.bands(), config.channels, strict=True))
    ]
    endings = {"magnitude": "magnitude_ema", "style": "affine"}
    for name, tensor in network.state_dict().items():
        head, *rest = name.split(".")
        if name.startswith("mapping.layers"):
            out[f"mapping.fc{rest[1]}.{rest[2]}"] = tensor
        elif head == "mapping":
            out[name] = tensor
        elif head == "input":
            out[f"synthesis.input.{rest[0].replace('style_', 'affine.')}"] = tensor
        else:
            place = named[-1] if head == "output" else named[int(rest.pop(0))]
            path = [endings.get(word, word) for word in rest if word != "activation"]
            out[f"synthesis.{place}.{'.'.join(path)}"] = tensor
    return out


@pytest.mark.parametrize("form", FORMS)
def test_a_network_in_the_released_layout_is_the_same_network(form: str):
    network = made(FORMS[form])
    found = Found(written(network))
    assert [known for known in LAYOUTS if known.recognises(found)] == [NVLABS]
    again = build_stored(NVLABS.convert(found))
    assert again.config == network.config
    w = torch.randn(1, network.layers, 6, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again.draw(w), network.draw(w))


@pytest.mark.parametrize("nested", [True, False])
def test_settings_are_read_wherever_they_stand(nested: bool):
    network = made(OTHER)
    settings: dict[str, Any] = {"synthesis_kwargs": SAID} if nested else dict(SAID)
    assert build_stored(NVLABS.convert(Found(written(network), settings=settings))).config == OTHER


def test_a_setting_of_none_is_no_clamp():
    found = Found(WRITTEN["config-t"], settings={"conv_clamp": None})
    assert NVLABS.convert(found).config["clamp"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"margin_size": 9}, "should be"),
        ({"num_critical": 5}, "planned"),
        ({"num_critical": 0}, "shape|should be|is"),
        ({"filter_size": 4}, "filter is"),
        ({"first_cutoff": 0}, "planned"),
        ({"conv_clamp": "256"}, "conv_clamp"),
        ({"margin_size": 1.5}, "whole number"),
        ({"first_cutoff": math.inf}, "first_cutoff"),
        ({"activation": "relu"}, "activation"),
        ({"mapping_kwargs": 3}, "mapping_kwargs"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(CheckpointError, match=message):
        NVLABS.convert(Found(written(made(FORMS["config-r"])), settings=settings))


WRITTEN = {form: written(made(config)) for form, config in FORMS.items()}


@given(data=st.data(), form=st.sampled_from([*FORMS]))
def test_a_file_with_an_entry_missing_or_changed_is_refused(data: st.DataObject, form: str):
    tensors = dict(WRITTEN[form])
    name = data.draw(st.sampled_from(sorted(tensors)))
    how = data.draw(st.sampled_from(["missing", "renamed", "shape", "axes", "type", "empty"]))
    tensor = tensors.pop(name)
    changed = {
        "renamed": lambda: {f"{name}x": tensor},
        "shape": lambda: {name: torch.cat([tensor, tensor]) if tensor.ndim else tensor[None]},
        "axes": lambda: {name: tensor[None, None, None]},
        "type": lambda: {name: tensor.to(torch.int64)},
        "empty": lambda: {name: tensor.flatten()[:0]},
    }
    with pytest.raises(CheckpointError):
        NVLABS.convert(Found(tensors | changed.get(how, dict)()))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@given(
    settings=st.dictionaries(
        st.sampled_from([*SAID, "last_stopband_rel", "output_scale", "lrelu_upsampling"]), VALUES
    )
)
def test_no_settings_do_more_than_fail(settings: dict[str, Any]):
    try:
        stored = NVLABS.convert(Found(WRITTEN["config-t"], settings=settings))
    except CheckpointError:
        return
    assert set(stored.config) <= set(asdict(SMALL))
