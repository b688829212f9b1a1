"""Published containers: what is found in honest ones, and that the others end in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from safetensors.torch import save
from torch import Tensor, nn

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers import read
from priorfit.errors import CheckpointError
from tests.lookalikes import (
    HONEST,
    MEMORY,
    STATE,
    Call,
    Global,
    Outside,
    npy,
    npy_of_object,
    nvlabs_module,
    outside,
    pickled,
    saved,
    tf_network,
    torch_zip,
    zipped,
)

many = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

WHERE = {"npz of objects": "all."}

each_honest = pytest.mark.parametrize("name", HONEST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def found(path: Path, data: bytes) -> list[Found]:
    path.write_bytes(data)
    return read(path)


def same(got: Found, expected: dict[str, Tensor], prefix: str = "") -> None:
    tensors = {name.removeprefix(prefix): value for name, value in got.tensors.items()}
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], value) for name, value in expected.items())


def refused(path: Path, data: bytes, match: str | None = None) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        found(path, data)
    assert str(caught.value).isprintable()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@each_honest
def test_every_container_gives_the_same_tensors(name: str, path: Path):
    (network,) = found(path, HONEST[name])
    same(network, STATE, WHERE.get(name, ""))


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.uint8]
DTYPES += [torch.int16, torch.int32, torch.int64, torch.bool]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", DTYPES, ids=str)
def test_what_torch_saves_is_read_as_torch_reads_it(old: bool, kind: torch.dtype, path: Path):
    base = (torch.arange(24.0) - 5).to(kind).reshape(4, 6)
    state = {"a": base, "b": base.t()[1:], "c": base[2], "d": base[:0], "e": base[1, 2]}
    state["f"] = base[:1].expand(3, 6)[:, ::2] if not old else base
    (network,) = found(path, saved(state, old))
    same(network, torch.load(path, weights_only=True))


@pytest.mark.parametrize("old", [False, True])
def test_a_module_saved_whole_gives_its_state_dict(old: bool, path: Path):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2)), nn.ReLU())
    module.register_buffer("fleeting", torch.ones(1), persistent=False)
    (network,) = found(path, saved(module, old))
    same(network, module.state_dict())


def test_the_published_weights_are_read_as_torch_reads_them(shared: Path):
    for file in sorted((shared / "weights").iterdir()):
        (network,) = read(file)
        same(network, torch.load(file, weights_only=True))


NESTED = {
    "bare": (STATE, [""]),
    "state_dict": ({"state_dict": STATE}, [""]),
    "parallel": ({"state_dict": {f"module.{n}": t for n, t in STATE.items()}}, [""]),
    "averaged": ({"g": STATE, "g_ema": STATE, "d": STATE, "g_optim": {}}, ["g", "g_ema", "d"]),
    "genforce": (
        {"models": {"generator": STATE, "generator_smooth": STATE}, "iter": 3},
        ["generator", "generator_smooth"],
    ),
    "deep": ({"G": {"state_dict": {"model": STATE}}}, ["G"]),
    "training": ({"model": STATE, "optimizer": {"state": {0: {"exp_avg": torch.ones(1)}}}}, [""]),
}


@pytest.mark.parametrize(("value", "parts"), NESTED.values(), ids=NESTED)
def test_networks_are_found_in_the_usual_nestings(value: Any, parts: list[str], path: Path):
    networks = found(path, saved(value))
    assert [network.part for network in networks] == parts
    for network in networks:
        same(network, STATE)


def test_a_mean_beside_the_networks_belongs_to_the_generators(path: Path):
    mean = torch.ones(4)
    networks = found(path, saved({"g_ema": STATE, "g": STATE, "d": STATE, "latent_avg": mean}))
    same(networks[0], {**STATE, "latent_avg": mean})
    same(networks[1], {**STATE, "latent_avg": mean})
    same(networks[2], STATE)


def test_plain_values_beside_the_networks_are_settings(path: Path):
    namespace = Call(Global("argparse", "Namespace"), state={"size": 64, "odd": Outside("x")})
    value = {
        "g": outside(),
        "args": namespace,
        "lr": 0.5,
        "names": ["a"],
        "who": Call(Global("a", "B")),
    }
    (network,) = found(path, torch_zip(value, MEMORY))
    assert network.settings == {"args": {"size": 64}, "lr": 0.5, "names": ["a"]}


def test_nvidia_networks_say_how_they_were_built(path: Path):
    module = nvlabs_module(STATE, z_dim=4, mapping_kwargs={"num_layers": 2})
    value = {"G": module, "D": module, "G_ema": module, "augment_pipe": module, "kwargs": None}
    networks = found(path, pickled(value, 4))
    assert [network.part for network in networks] == ["G", "D", "G_ema"]
    same(networks[2], STATE)
    settings = networks[0].settings
    assert (settings["z_dim"], settings["mapping_kwargs"]) == (4, {"num_layers": 2})
    assert settings["class_name"] == "Generator"


@pytest.mark.parametrize(
    "kind", [("tfutil", "Network"), ("network", "Network"), ("dnnlib.tflib.network", "Network")]
)
@pytest.mark.parametrize("protocol", range(6))
def test_tensorflow_networks_come_with_those_inside_them(
    kind: tuple[str, str], protocol: int, path: Path
):
    inner = {"mapping": tf_network("G_mapping", {"Dense0/weight": np.ones((2, 3), "f4")})}
    names = ["E", "G", "D", "Gs"]
    row = [
        tf_network(n, {"lod": np.float32(n == "D")}, inner, Global(*kind), size=np.int64(8))
        for n in names
    ]
    networks = found(path, pickled(tuple(row), protocol))
    assert [network.part for network in networks] == names
    expected = {"lod": torch.tensor(1.0), "G_mapping/Dense0/weight": torch.ones(2, 3)}
    same(networks[2], expected)
    assert networks[0].settings["size"] == 8
    three = found(path, pickled(tuple(row[1:]), protocol))
    assert [network.part for network in three] == names[1:]


def test_progan_of_theano_comes_with_the_names_of_tensorflow(path: Path):
    rng = np.random.default_rng(0)

    def layer(*shape: int) -> list[np.ndarray]:
        return [rng.normal(size=s).astype("f4") for s in (shape, (), shape[:1])]

    values = [layer(3, 2, 4, 4), layer(3, 3, 3, 3), layer(3, 3, 3, 3), layer(3, 3, 3, 3)]
    values += [layer(3, 2), layer(3, 2)]
    state = {
        "build_func_spec": {"func": "G_paper", "resolution": 8, "use_wscale": True},
        "param_values": [value for row in values for value in row],
        "toplevel_params": {"cur_lod": 0.0},
    }
    (network,) = found(path, pickled(Call(Global("network", "Network"), (), "NEWOBJ", state=state)))
    first, second, color = values[0], values[2], values[4]
    got = {name: tensor.numpy() for name, tensor in network.tensors.items()}
    assert network.settings["build_func_name"] == "G_paper"
    # The factor of the learning rate times √fan_in ÷ gain; the first layer's gain is a quarter.
    dense = first[0].transpose(1, 0, 2, 3).reshape(2, 48) * first[1] * np.sqrt(2) / (np.sqrt(2) / 4)
    assert np.allclose(got["4x4/Dense/weight"], dense)
    turned = second[0][:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
    assert np.allclose(got["8x8/Conv0/weight"], turned * second[1] * np.sqrt(27) / np.sqrt(2))
    assert np.allclose(got["ToRGB_lod0/weight"][0, 0], color[0] * color[1] * np.sqrt(3))
    assert np.array_equal(got["8x8/Conv0/bias"], second[2])
    assert len(got) == 13


def test_idinvert_directions_say_which_layers_they_move(path: Path):
    rows = np.ones((1, 14, 8), "f4")
    value = {"boundary": rows, "meta_data": {"manipulate_layers": [0, 1, 2]}}
    (direction,) = found(path, npy_of_object(value))
    same(direction, {"boundary": torch.ones(1, 14, 8)})
    assert direction.settings == {"meta_data": {"manipulate_layers": [0, 1, 2]}}


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2"])
def test_bare_arrays_are_read(kind: str, path: Path):
    values = np.linspace(-1, 1, 8).reshape(1, 8).astype(kind)
    (direction,) = found(path, npy((1, 8), kind, values.tobytes()))
    same(direction, {"array": torch.from_numpy(values.astype(kind.replace(">", "<")))})


def test_layers_as_lists_and_dictionaries_are_flattened(path: Path):
    value = {"conv1_1": [np.ones((3, 3), "f4"), np.zeros(3, "f4")], "fc": {"W": np.ones(2)}}
    (network,) = found(path, npy_of_object(value, 2))
    assert list(network.tensors) == ["conv1_1.0", "conv1_1.1", "fc.W"]


STRANGERS = {
    "": "is empty",
    "<!DOCTYPE html><html>": "is a web page",
    "\n \ufeff<HTML>": "is something else",
    "\ufeff\n<html>": "is a web page",
    "version https://git-lfs.github.com/spec/v1\noid sha256:1\n": "pointer of Git LFS",
    '{"error": "not found"}': "is something else",
    "\x7fELF": "is a program",
    "plain words": "is something else",
}


@pytest.mark.parametrize(("text", "said"), STRANGERS.items())
def test_what_is_no_checkpoint_is_named(text: str, said: str, path: Path):
    refused(path, text.encode(), said)


BINARY = {
    "a picture": (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    "Keras": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "gzip": (b"\x1f\x8b\x08", "unpack"),
    "tar": (bytes(257) + b"ustar\0", "tar archive"),
    "other files": (zipped({"weights/G_ema.pth": b"", "a.txt": b""}), "unpack it and import one"),
    "an archive": (zipped({"a.txt": b""}), "none that torch.save or NumPy"),
    "an empty archive": (zipped({}), "none that torch.save or NumPy"),
    "TorchScript": (zipped({"m/data.pkl": b"", "m/constants.pkl": b""}), "TorchScript"),
    "big endian": (zipped({"m/data.pkl": b"", "m/byteorder": b"big"}), "other order of bytes"),
    "no tensors": (pickled({"a": 1}), "holds no network"),
    "a number": (pickled(1), "holds no network"),
    "five networks": (pickled((tf_network("G", {}),) * 5), "5 networks in a row"),
    "a strange name": (save({"a\x1b[2J": torch.ones(1)}), "strange name"),
    "a long name": (save({"a" * 201: torch.ones(1)}), "strange name"),
    "names by number": (pickled({1: np.ones(1)}), "holds no network"),
}


@pytest.mark.parametrize(("data", "said"), BINARY.values(), ids=BINARY)
def test_other_files_are_named(data: bytes, said: str, path: Path):
    refused(path, data, said)
