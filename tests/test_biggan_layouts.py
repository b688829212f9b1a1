"""The files in which BigGAN is published: told apart, read, and refused where they are wrong."""

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from priorfit.checkpoints.conversion import converted
from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.checkpoints.layouts.biggan import DISCRIMINATOR, GENERATOR
from priorfit.checkpoints.layouts.biggan_deep import GENERATOR as DEEP
from priorfit.errors import CheckpointError
from priorfit.networks.biggan import generator_channels
from priorfit.networks.biggan_discriminator import discriminator_channels
from priorfit.networks.pretrained import build_stored
from tests import plain_biggan, plain_biggan_deep

Tensors = dict[str, Tensor]
WIDTHS = {"z_dim": 8, "classes": 3, "embedding": 4}
FILES: dict[str, tuple[Tensors, object]] = {
    "generator": (
        plain_biggan.drawn(
            plain_biggan.generator_shapes(generator_channels(32, 1), (1,), **WIDTHS)
        ),
        GENERATOR,
    ),
    "tables": (
        plain_biggan.drawn(
            plain_biggan.generator_shapes((2, 2), (), hier=False, shared=False, **WIDTHS)
        ),
        GENERATOR,
    ),
    "discriminator": (
        plain_biggan.drawn(
            plain_biggan.discriminator_shapes((2, 4, 8), 2, (0,), classes=3, wide=False)
        ),
        DISCRIMINATOR,
    ),
    "deep": (
        plain_biggan_deep.drawn(plain_biggan_deep.shapes((16, 8, 8), 1, **WIDTHS)),
        DEEP,
    ),
}
each_file = pytest.mark.parametrize("name", FILES)


@each_file
def test_one_layout_knows_each_file(name: str):
    tensors, layout = FILES[name]
    assert [known for known in LAYOUTS if known.recognises(Found(tensors))] == [layout]


@each_file
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_file_of_any_precision_becomes_a_network(name: str, dtype: torch.dtype):
    tensors, _ = FILES[name]
    stored = converted([Found({key: tensor.to(dtype) for key, tensor in tensors.items()})])
    assert all(t.dtype == torch.float32 for t in build_stored(stored).state_dict().values())


def test_what_dgp_adds_to_a_generator_changes_nothing():
    tensors, _ = FILES["generator"]
    more = {}
    for block in range(3):
        for norm in ("in1", "in2"):
            more |= {
                f"blocks.{block}.0.{norm}.{part}": torch.ones(4) for part in ("weight", "bias")
            }
    more |= {key.replace(".u0", ".sv0"): torch.ones(1) for key in tensors if key.endswith(".u0")}
    plain, added = (GENERATOR.convert(Found(t)) for t in (tensors, {**tensors, **more}))
    assert plain.config == added.config
    assert plain.tensors.keys() == added.tensors.keys()


@pytest.mark.parametrize(
    ("mean", "var", "counter"),
    [
        ("bn.stored_mean", "bn.stored_var", "bn.accumulation_counter"),
        ("bn.running_mean", "bn.running_var", "bn.num_batches_tracked"),
    ],
)
def test_statistics_may_lie_in_a_norm_of_their_own(mean: str, var: str, counter: str):
    tensors, _ = FILES["generator"]
    moved: Tensors = {}
    for key, tensor in tensors.items():
        norm, _, last = key.rpartition(".")
        ending = {"stored_mean": mean, "stored_var": var}.get(last, last)
        moved[f"{norm}.{ending}"] = tensor
        if last == "stored_mean":
            moved[f"{norm}.{counter}"] = torch.tensor(7)
    expected, got = (GENERATOR.convert(Found(t)).tensors for t in (tensors, moved))
    assert expected.keys() == got.keys()
    assert all(torch.equal(tensor, got[name]) for name, tensor in expected.items())


def test_newer_names_of_the_spectral_norm_mean_the_same():
    tensors, _ = FILES["deep"]
    endings = {
        "weight_orig": "weight.original",
        "weight_u": "weight.0._u",
        "weight_v": "weight.0._v",
    }
    renamed: Tensors = {}
    for key, tensor in tensors.items():
        layer, _, last = key.rpartition(".")
        renamed[f"{layer}.parametrizations.{endings[last]}" if last in endings else key] = tensor
    expected, got = (DEEP.convert(Found(t)).tensors for t in (tensors, renamed))
    assert expected.keys() == got.keys()
    assert all(torch.equal(tensor, got[name]) for name, tensor in expected.items())


def test_settings_say_what_shapes_cannot():
    tensors, _ = FILES["discriminator"]
    told = {"resolution": 64, "D_nl": "inplace_relu", "SN_eps": 1e-8}
    config = DISCRIMINATOR.convert(Found(tensors, settings=told)).config
    assert (config["side"], config["overwrites"], config["sn_eps"]) == (64, True, 1e-8)
    config = DISCRIMINATOR.convert(Found(tensors)).config
    assert (config["side"], config["overwrites"], config["wide"]) == (16, False, False)


@pytest.mark.parametrize("layers", ["alternating", [[True, 1, 1]], [[1, 2, 3], [0, 1, 2]], [7, 8]])
def test_settings_that_do_not_say_which_blocks_double_are_refused(layers: object):
    tensors, _ = FILES["deep"]
    with pytest.raises(CheckpointError, match="layers"):
        DEEP.convert(Found(tensors, settings={"layers": layers}))


@each_file
@given(data=st.data())
def test_a_missing_entry_is_said(name: str, data: st.DataObject):
    tensors, layout = FILES[name]
    gone = data.draw(st.sampled_from(sorted(tensors)))
    with pytest.raises(CheckpointError):
        layout.convert(Found({key: tensor for key, tensor in tensors.items() if key != gone}))


@each_file
@given(data=st.data())
def test_an_entry_of_another_shape_is_said(name: str, data: st.DataObject):
    tensors, layout = FILES[name]
    changed = data.draw(st.sampled_from(sorted(tensors)))
    shape = data.draw(st.lists(st.integers(0, 9), max_size=5).map(tuple))
    if shape == tuple(tensors[changed].shape):
        shape = (*shape, 1)
    with pytest.raises(CheckpointError):
        layout.convert(Found({**tensors, changed: torch.ones(shape)}))


@each_file
@given(data=st.data())
def test_an_entry_too_many_is_said(name: str, data: st.DataObject):
    tensors, layout = FILES[name]
    beside = data.draw(st.sampled_from(sorted(tensors)))
    with pytest.raises(CheckpointError):
        layout.convert(Found({**tensors, f"{beside}x": tensors[beside]}))


@each_file
def test_whole_numbers_are_no_weights(name: str):
    tensors, layout = FILES[name]
    whole = {key: tensor.to(torch.int64) for key, tensor in tensors.items()}
    with pytest.raises(CheckpointError, match="real numbers"):
        layout.convert(Found(whole))


@pytest.mark.parametrize(("side", "width"), [(128, 96), (256, 96), (256, 64)])
def test_published_shapes_become_the_published_networks(shared: Path, side: int, width: int):
    generator, discriminator = listed(shared / f"spec/layout_biggan{side}_ch{width}.txt")
    stored = GENERATOR.convert(Found(generator))
    assert tuple(stored.config["channels"]) == generator_channels(side, width)
    assert build_stored(stored).size == (side, side)
    assert stored.config["attention"] == [3]
    assert stored.config["z_dim"] == {128: 120, 256: 119}[side]
    stored = DISCRIMINATOR.convert(Found(discriminator))
    assert tuple(stored.config["channels"]) == discriminator_channels(side, width)
    assert stored.config["side"] == side
    assert stored.config["attention"] == [{128: 0, 256: 1}[side]]


def listed(path: Path) -> tuple[Tensors, Tensors]:
    """Generator and discriminator of a list of names and shapes, without memory."""
    networks: list[Tensors] = []
    for line in path.read_text().splitlines():
        if line.startswith("--"):
            networks.append({})
        entry = re.fullmatch(r" +(\S+) \(([\d, ]*)\)", line)
        if entry:
            shape = [int(side) for side in re.findall(r"\d+", entry[2])]
            networks[-1][entry[1]] = torch.zeros(()).expand(shape)
    return networks[0], networks[1]
