"""Hostile files in every container: each ends in one sentence, runs nothing, takes no memory."""

import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers import read, source
from priorfit.errors import CheckpointError
from tests.lookalikes import (
    CONTAINERS,
    HONEST,
    MEMORY,
    Call,
    Global,
    Outside,
    Raw,
    legacy,
    npy,
    npy_of_object,
    npz,
    pickled,
    storage,
    tensor,
    torch_legacy,
    torch_zip,
    zipped,
)

many = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

each_container = pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
each_honest = pytest.mark.parametrize("name", HONEST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def found(path: Path, data: bytes) -> list[Found]:
    path.write_bytes(data)
    return read(path)


def refused(path: Path, data: bytes, match: str | None = None) -> None:
    """The file ends in one sentence, and nothing else has come into its folder."""
    with pytest.raises(CheckpointError, match=match) as caught:
        found(path, data)
    assert str(caught.value).isprintable()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("way", ["REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"])
@pytest.mark.parametrize("what", [("posix", "system"), ("builtins", "eval"), ("os", "system")])
@each_container
def test_hostile_calls_are_refused_in_every_container(
    make: Callable[[Any], bytes], what: tuple[str, str], way: str, path: Path
):
    order = f"touch {path.parent / 'marker'}" if what[1] == "system" else "open('marker', 'w')"
    refused(path, make(Call(Global(*what), (order,), way)), "has no place in a checkpoint")
    refused(
        path, make(Call(Global("a", "B"), state=Call(Global(*what), (order,), way))), "no place"
    )


@each_container
def test_strangers_beside_a_network_are_left_alone(make: Callable[[Any], bytes], path: Path):
    setting = Call(Global("no.such.module", "run"), ("touch marker",), state={"a": 1})
    (network,) = found(path, make(setting))
    assert len(network.tensors) == 3
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_memory_of_a_tensor_may_hold_no_pickle_of_its_own(path: Path):
    blob = torch_legacy(Call(Global("posix", "system"), ("touch marker",)))
    memory = Call(Global("torch.storage", "_load_from_bytes"), (blob,))
    refused(path, pickled({"a": tensor(memory, (1,), (1,))}), "posix.system")
    nested = Call(Global("torch.storage", "_load_from_bytes"), (torch_legacy(memory),))
    refused(path, pickled({"a": tensor(nested, (1,), (1,))}))


FLOATS = Global("torch", "FloatStorage")
LIES = {
    "a huge size": tensor(storage("0", 12), (1 << 40, 1 << 40), (1, 1)),
    "a huge size in no steps": tensor(storage("0", 12), (1 << 40,), (0,)),
    "more than its memory": tensor(storage("0", 12), (13,), (1,)),
    "a thousand times its memory": tensor(storage("0", 12), (1 << 25,), (0,)),
    "beyond its memory": tensor(storage("0", 12), (4,), (4,)),
    "a place beyond its memory": tensor(storage("0", 12), (1,), (1,), 12),
    "a place before its memory": tensor(storage("0", 12), (1,), (1,), -1),
    "backwards": tensor(storage("0", 12), (2,), (-1,)),
    "more sizes than steps": tensor(storage("0", 12), (1, 1), (1,)),
    "sizes of floats": tensor(storage("0", 12), (1.0,), (1,)),
    "sizes of truths": tensor(storage("0", 12), (True,), (1,)),
    "too many axes": tensor(storage("0", 12), (1,) * 70, (1,) * 70),
    "a size for a mapping": tensor(storage("0", 12), {}, (1,)),
    "memory of another length": tensor(storage("0", 11), (1,), (1,)),
    "huge memory": tensor(storage("0", 1 << 45), (1,), (1,)),
    "negative memory": tensor(storage("0", -1), (1,), (1,)),
    "no such memory": tensor(storage("9", 12), (1,), (1,)),
    "memory elsewhere": tensor(storage("../../etc/passwd", 12), (1,), (1,)),
    "memory with a number": tensor(storage(0, 12), (1,), (1,)),
    "memory of no kind": tensor(storage("0", 12, kind=Global("a", "B")), (1,), (1,)),
    "memory of a word": tensor(storage("0", 12, kind="FloatStorage"), (1,), (1,)),
    "something else outside": tensor(Outside(("module", FLOATS, "0", 12)), (1,), (1,)),
    "a text outside": tensor(Outside("storage"), (1,), (1,)),
    "no memory": tensor(None, (1,), (1,)),
    "bytes that are none": tensor(
        Call(Global("torch.storage", "_load_from_bytes"), ("text",)), (1,), (1,)
    ),
    "a call of an array": Call(np.ones(3), (), state={"_parameters": {}}),
    "memory of an array's": tensor(Call(np.ones(3)), (1,), (1,)),
    "no arguments": Call(Global("torch._utils", "_rebuild_tensor_v2")),
    "a parameter of nothing": Call(Global("torch._utils", "_rebuild_parameter"), (1, True, None)),
    "a kind that is none": Call(
        Global("torch._utils", "_rebuild_tensor_v3"),
        (storage("0", 12), 0, (1,), (1,), False, {}, Global("torch", "device")),
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.parametrize("old", [False, True])
def test_tensors_that_lie_are_refused(lie: Call, old: bool, path: Path):
    refused(path, legacy({"a": lie}) if old else torch_zip({"a": lie}, MEMORY))


ZIP = torch_zip({"a": tensor(storage("0", 12), (12,), (1,))}, MEMORY)


def bomb(ratio: int) -> bytes:
    return zipped({"archive/data.pkl": bytes(ratio << 20)}, zipfile.ZIP_DEFLATED)


def listed_twice() -> bytes:
    """An archive whose directory names the same bytes under two names."""
    data = zipped({"a/data.pkl": pickled({}), "a/data/0": b"1234"})
    end = data.index(b"PK\5\6")
    start = data.index(b"PK\1\2")
    entry = data[start : data.index(b"PK\1\2", start + 1)].replace(b"data.pkl", b"data.pk2")
    directory = data[start:end] + entry
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 3, 3, len(directory), start, 0)
    return data[:start] + directory + tail


def many_entries() -> bytes:
    return zipped({f"a/{n}": b"" for n in range(30_001)})


def with_header(**changes: int) -> bytes:
    """The first entry of a directory, changed: sizes, flags, method, where its data lie."""
    data = bytearray(ZIP)
    start = data.index(b"PK\1\2")
    places = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "packed": (20, "<I")}
    places |= {"size": (24, "<I"), "offset": (42, "<I")}
    for name, value in changes.items():
        struct.pack_into(places[name][1], data, start + places[name][0], value)
    return bytes(data)


ARCHIVES = {
    "a bomb": (bomb(200), "would unpack to"),
    "a bomb in layers": (zipped({"a/data.pkl": bomb(200)}), "pickle makes no sense"),
    "an entry of four gigabytes": (with_header(size=0xFFFFFFF0), "would unpack to"),
    "an entry longer than the file": (with_header(packed=1 << 20, size=1 << 20), "damaged"),
    "an entry beyond the end": (with_header(offset=1 << 20), "damaged"),
    "another sum": (with_header(crc=1), "not what was packed"),
    "another size": (with_header(size=3, packed=3), "not what was packed"),
    "a password": (with_header(flags=1), "password"),
    "an unknown packing": (with_header(method=97), "not what was packed"),
    "overlapping entries": (listed_twice(), "overlapping"),
    "too many entries": (many_entries(), "too many"),
    "a way up": (zipped({"../a/data.pkl": b""}), "do not trust it"),
    "a way up inside": (zipped({"a/../../data.pkl": b""}), "do not trust it"),
    "an absolute way": (zipped({"/etc/data.pkl": b""}), "do not trust it"),
    "no name": (zipped({"aaaa": b""}).replace(b"aaaa", b"\0aaa"), "do not trust it"),
    "a drive": (zipped({"C:/data.pkl": b""}), "do not trust it"),
    "a name of control characters": (zipped({"\x1b[2J/../data.pkl": b""}), "do not trust it"),
    "two networks": (zipped({"a/data.pkl": b"", "b/data.pkl": b""}), "none that torch.save"),
    "an array that is none": (zipped({"a.npy": b"PK"}), "among its arrays"),
}


@pytest.mark.parametrize(("data", "said"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives_that_lie_are_refused(data: bytes, said: str, path: Path):
    refused(path, data, said)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_a_name_twice_is_refused(path: Path):
    with zipfile.ZipFile(path, "w") as archive:
        for data in (pickled({}), pickled({"a": 1})):
            archive.writestr("a/data.pkl", data)
    refused(path, path.read_bytes(), "two entries of one name")


def safetensors(header: bytes, data: bytes = bytes(36)) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def described(**changes: object) -> bytes:
    entry = {"dtype": "F32", "shape": [9], "data_offsets": [0, 36], **changes}
    return str({"a": entry}).replace("'", '"').encode()


SAFETENSORS = {
    "an absurd header": struct.pack("<Q", (1 << 63) - 1) + b"{}",
    "a header beyond the end": struct.pack("<Q", 40) + b"{}",
    "no JSON": safetensors(b"{a"),
    "a huge shape": safetensors(described(shape=[1 << 40])),
    "a shape that overflows": safetensors(described(shape=[1 << 62, 1 << 62])),
    "a negative shape": safetensors(described(shape=[-9])),
    "another kind": safetensors(described(dtype="F64")),
    "no kind": safetensors(described(dtype="PICKLE")),
    "beyond its data": safetensors(described(data_offsets=[0, 40])),
    "backwards": safetensors(described(data_offsets=[36, 0])),
    "with a hole": safetensors(described(), bytes(72)),
    "overlapping": safetensors(described()[:-1] + b"," + described().replace(b'"a"', b'"b"')[1:]),
    "nested deeply": safetensors(b"{" + b'"a":{' * 100_000),
}


@pytest.mark.parametrize("data", SAFETENSORS.values(), ids=SAFETENSORS)
def test_safetensors_that_lie_are_refused(data: bytes, path: Path):
    refused(path, data)


ONE = np.ones(1, "<f4").tobytes()
NPY = {
    "a huge shape": npy((1 << 40, 1 << 40)),
    "a shape beyond the end": npy((2,), data=ONE),
    "a negative shape": npy((-1,), data=ONE),
    "a shape of truths": npy((True,), data=ONE),
    "objects without a pickle": npy((), "|O"),
    "objects of something else": npy((), "|O", b"<html>"),
    "a formula for a shape": npy("__import__('os').getpid()"),
    "brackets for a shape": npy("(" * 5000),
    "records": npy((1,), [("a", "<f4")], ONE),
    "text": npy((1,), "<U1", ONE),
    "complex numbers": npy((1,), "<c8", ONE * 2),
    "wide numbers": npy((1,), "<f16", ONE * 4),
    "a version of tomorrow": npy((1,), data=ONE, version=b"\x09\0"),
    "a header of four gigabytes": b"\x93NUMPY\2\0" + struct.pack("<I", (1 << 32) - 1) + b"{}",
    "nothing": npy_of_object({}),
    "a call": npy_of_object(Call(Global("posix", "system"), ("touch marker",))),
}


@pytest.mark.parametrize("data", NPY.values(), ids=NPY)
@pytest.mark.parametrize("packed", [False, True])
def test_arrays_that_lie_are_refused(data: bytes, packed: bool, path: Path):
    refused(path, npz({"a": data}) if packed else data)


NETWORKS = {
    "a variable of text": {"variables": [("a", "text")]},
    "a variable without a name": {"variables": [(1, np.ones(1))]},
    "a variable whose name is nested": {"variables": [(Raw(b")" + b"\x85" * 100_000), 1)]},
    "a variable of three": {"variables": [("a", np.ones(1), 1)]},
    "a variable twice": {"variables": [("a", np.ones(1))] * 2},
    "a part that is none": {"variables": [], "components": {"mapping": 1}},
    "a part without a name": {"variables": [], "components": {1: Call(Global("a", "Network"))}},
    "Theano without values": {"build_func_spec": {"func": "G_paper"}, "param_values": []},
    "Theano with text": {"build_func_spec": {"func": "G_paper"}, "param_values": ["a"] * 99},
    "Theano without a lod": {
        "build_func_spec": {"func": "G_paper"},
        "param_values": [],
        "toplevel_params": {"cur_lod": "a"},
    },
    "Theano of no size": {"build_func_spec": {"func": "G_paper", "resolution": "1"}},
}


@pytest.mark.parametrize("state", NETWORKS.values(), ids=NETWORKS)
def test_tensorflow_networks_that_lie_are_refused(state: dict[str, Any], path: Path):
    call = Call(Global("network", "Network"), (), "NEWOBJ", state=state)
    refused(path, pickled((call, call, call)), "is damaged")


@each_honest
def test_a_file_cut_anywhere_is_refused(name: str, tmp_path: Path):
    data = HONEST[name]
    for cut in range(1, len(data), max(1, len(data) // 60)):
        refused(tmp_path / "file", data[:cut])


@each_honest
@given(cut=st.floats(0, 1, exclude_max=True))
@many
def test_a_file_cut_wherever_one_likes_is_refused(name: str, cut: float, path: Path):
    refused(path, HONEST[name][: int(cut * len(HONEST[name]))])


@each_honest
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@many
def test_a_flipped_bit_does_no_more_than_harm_numbers(
    name: str, place: float, bit: int, path: Path
):
    data = bytearray(HONEST[name])
    data[int(place * len(data))] ^= 1 << bit
    try:
        networks = found(path, bytes(data))
    except CheckpointError as error:
        assert str(error).isprintable()
    else:
        assert all(isinstance(t, torch.Tensor) for one in networks for t in one.tensors.values())


@pytest.mark.parametrize("lie", [*LIES.values(), *(Call(Global("a", "B")),)])
def test_lies_take_no_memory(lie: Call, path: Path):
    tracemalloc.start()
    for data in (torch_zip({"a": lie}, MEMORY), legacy({"a": lie}), npy((1 << 40,))):
        with pytest.raises(CheckpointError):
            found(path, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def shared(innermost: bytes, around: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A mapping of ten times the same mapping of ten times the same … thirty times."""
    codes = innermost + b"q\0"
    for level in range(30):
        before = b"h" + bytes([level])
        entries = b"".join(b"U\x01%d" % n + before for n in range(10))
        codes += b"0" + around[0] + b"}(" + entries + b"u" + around[1] + b"q" + bytes([level + 1])
    return b"\x80\x02" + codes + b"."


MODULE = (b"csomebody\nModule\n)R}(U\x0b_parameters}U\x08_modules", b"ub")


@pytest.mark.parametrize("around", [(b"", b""), MODULE], ids=["mappings", "modules"])
def test_what_is_shared_over_and_over_is_not_walked_forever(
    around: tuple[bytes, bytes], path: Path
):
    refused(path, shared(b"}", around), "nested in a way|holds no network")
    refused(path, npy((), "|O", shared(b"}", around)), "too many other things|no arrays")


def test_folders_pipes_and_loops_are_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "way").symlink_to(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    names = {"pipe": "a named pipe", "way": "a named pipe", "loop": "cannot be read"}
    names |= {"lost": "cannot be read", "": "a folder", "missing": "cannot be read"}
    for name, said in names.items():
        with pytest.raises(CheckpointError, match=said):
            read(tmp_path / name)
    with pytest.raises(CheckpointError, match="is a device"):
        read(Path("/dev/zero"))


def test_a_link_stands_for_its_file(tmp_path: Path):
    (tmp_path / "file").write_bytes(HONEST["safetensors"])
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert len(read(tmp_path / "link")) == 1


def test_a_file_that_grows_is_refused(path: Path):
    path.write_bytes(HONEST["npz"])
    with pytest.raises(CheckpointError, match="changed while it was read"):
        with source.opened(path) as opened:
            path.write_bytes(HONEST["npz"] * 2)
            assert len(opened.read()) == opened.size == len(HONEST["npz"])


def test_a_file_beyond_all_sizes_is_refused(path: Path):
    with path.open("wb") as file:
        file.truncate(source.LARGEST + 1)
    with pytest.raises(CheckpointError, match="at most"):
        read(path)
