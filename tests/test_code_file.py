"""Code files: what is written comes back, and whatever a stranger changes is refused in a line."""

import json
import os
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from priorfit.errors import CodeError, ImageFileError
from priorfit.priors.framing import padded
from priorfit.records import code_file
from priorfit.records.code_file import CodeFile, read_code, write_code
from priorfit.records.sidecar import Checkpoint
from tests.pictures import uniform

HASH = "0123456789abcdef" * 4
CHECKPOINT = Checkpoint(name="scenes", sha256=HASH)


def code(**parts: torch.Tensor) -> CodeFile:
    frame = padded((3, 9, 7), (3, 8, 8)).to_json()
    parts = parts or {"z": uniform(2, 5).float(), "generator.linear.weight": uniform(2, 3, 4)}
    return CodeFile("latent", "z", parts, CHECKPOINT, frame, seed=7, versions={"torch": "2.13.0"})


def written(path: Path, **parts: torch.Tensor) -> bytes:
    write_code(path, code(**parts))
    return path.read_bytes()


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(CodeError) as caught:
        read_code(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.from_regex(r"[a-z]{1,5}(\.[a-z0-9_]{1,4}){0,2}", fullmatch=True), min_size=1),
    count=st.integers(1, 4),
    shape=st.lists(st.integers(1, 3), max_size=4),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_a_code_comes_back_as_it_was(tmp_path_factory, names, count, shape, dtype):
    path = tmp_path_factory.mktemp("codes") / "a.safetensors"
    parts = {name: uniform(count, *shape, seed=len(name)).to(dtype) for name in names}
    write_code(path, code(**parts))
    found, sent = read_code(path), code(**parts)
    assert found.parts.keys() == parts.keys()
    assert all(torch.equal(found.parts[n], t) and found.parts[n].dtype == dtype
               for n, t in parts.items())  # fmt: skip
    for name in ("family", "space", "checkpoint", "framing", "seed", "versions"):
        assert getattr(found, name) == getattr(sent, name)


def test_the_same_code_is_the_same_bytes(tmp_path):
    one, two = (written(tmp_path / name) for name in ("a.safetensors", "b.safetensors"))
    assert one == two


def test_a_file_that_is_there_is_not_replaced_unless_asked(tmp_path):
    path = tmp_path / "a.safetensors"
    before = written(path)
    with pytest.raises(ImageFileError, match="exists already"):
        write_code(path, code(z=torch.zeros(1, 2)))
    assert path.read_bytes() == before
    write_code(path, code(z=torch.zeros(1, 2)), overwrite=True)
    assert read_code(path).parts["z"].shape == (1, 2)


@pytest.mark.parametrize(
    "parts",
    [
        {"z": torch.tensor([[float("nan")]])},
        {"z": torch.tensor([[1.0], [float("inf")]])},
        {"z": torch.zeros(1, 2), "w": torch.zeros(2, 2)},
        {"z": torch.zeros(1, 2, dtype=torch.int64)},
        {"z": torch.zeros(0, 2)},
        {"z": torch.zeros(1, 0)},
        {"z": torch.tensor(1.0)},
        {"z/../x": torch.zeros(1, 2)},
        {"z" * 300: torch.zeros(1, 2)},
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path, parts):
    with pytest.raises(CodeError, match="cannot be stored"):
        write_code(tmp_path / "a.safetensors", code(**parts))
    assert not list(tmp_path.iterdir())


def test_another_family_or_another_network_is_refused():
    other = Checkpoint(name="scenes", sha256="f" * 64)
    code().check("latent", Checkpoint(name="a copy of it", sha256=HASH))
    with pytest.raises(CodeError, match="of the family 'latent', expected 'dgp'"):
        code().check("dgp", CHECKPOINT)
    with pytest.raises(
        CodeError, match=r"made with scenes \(sha256 0123456789ab…\), which scenes "
    ):
        code().check("latent", other)


def test_a_file_cut_short_or_lengthened_anywhere_is_refused(tmp_path):
    whole = written(tmp_path / "a.safetensors")
    for end in [*range(16), *range(16, len(whole), 7), *range(len(whole) - 8, len(whole))]:
        refused(tmp_path / "b.safetensors", whole[:end])
    refused(tmp_path / "b.safetensors", whole + b"\0")


def parts_of(data: bytes) -> tuple[dict, bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header: object, body: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


HOSTILE = [None, True, -1, 0, 1, 1 << 70, 1.5, 1e308, "", "x\n", "z" * 500, [], [1], {}, {"a": 1}]
SENSIBLE = [("seed", 0), ("seed", 1), ("format", 1), ("framing", None), ("framing", {})]
SENSIBLE += [("framing", {"a": 1}), ("versions", {})]
ABOUT = ["format", "family", "space", "checkpoint", "seed", "versions"]


@pytest.mark.parametrize("name", [*ABOUT, "framing"])
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_stands_in_a_field_is_refused_or_makes_sense(tmp_path, name, value):
    header, body = parts_of(written(tmp_path / "a.safetensors"))
    about = json.loads(header["__metadata__"][code_file.ABOUT]) | {name: value}
    header["__metadata__"][code_file.ABOUT] = json.dumps(about)
    path = tmp_path / "b.safetensors"
    path.write_bytes(joined(header, body))
    try:
        found = read_code(path)
    except CodeError as error:
        assert str(error).startswith(f"{path}: ") and name in str(error)
    else:
        assert (name, value) in SENSIBLE
        assert getattr(found, name, 1) == value


@pytest.mark.parametrize("name", [*ABOUT, "framing"])
def test_a_field_that_is_missing_or_too_many_is_refused(tmp_path, name):
    header, body = parts_of(written(tmp_path / "a.safetensors"))
    about = json.loads(header["__metadata__"][code_file.ABOUT])
    for changed in ({k: v for k, v in about.items() if k != name}, about | {f"{name}2": 1}):
        header["__metadata__"][code_file.ABOUT] = json.dumps(changed)
        assert name in refused(tmp_path / "b.safetensors", joined(header, body))


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["dtype", "shape", "data_offsets"])
def test_whatever_is_said_of_a_tensor_is_checked(tmp_path, name, value):
    header, body = parts_of(written(tmp_path / "a.safetensors"))
    header["z"][name] = value
    refused(tmp_path / "b.safetensors", joined(header, body))
    for inside in (value, *([value, value],) * 2):
        header["z"][name] = [inside, inside]
        refused(tmp_path / "b.safetensors", joined(header, body))


def test_huge_claims_take_no_memory(tmp_path):
    header, body = parts_of(written(tmp_path / "a.safetensors"))
    huge = 1 << 33
    for claim in ([huge], [1 << 17, 1 << 16], [2, 1 << 32]):
        header["z"]["shape"] = claim
        refused(tmp_path / "b.safetensors", joined(header, body))
    refused(tmp_path / "b.safetensors", struct.pack("<Q", 1 << 40) + b"{}")
    refused(tmp_path / "b.safetensors", struct.pack("<Q", 1 << 23) + b" " * 64)
    many = {f"a{i}": header["z"] for i in range(20_000)} | {"__metadata__": {}}
    refused(tmp_path / "b.safetensors", joined(many, body))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"z": NaN, "__metadata__": {}}',
        b'{"__metadata__": {"priorfit.code": "{}"}}',
        b'{"__metadata__": {}, "z": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"__metadata__": {"format": "pt"}, "z": {"dtype": "F32", "shape": [1], '
        b'"data_offsets": [0, 4]}}',
        b'{"__metadata__": {"priorfit.code": "[[[["}, "z": {"dtype": "F32", "shape": [1], '
        b'"data_offsets": [0, 4]}}',
        b'{"__metadata__": {"priorfit.code": "NaN"}, "z": {"dtype": "F32", "shape": [1], '
        b'"data_offsets": [0, 4]}}',
    ],
)
def test_other_headers_are_refused(tmp_path, header):
    refused(tmp_path / "b.safetensors", joined(header, b"\0\0\0\0"))


def test_names_that_stand_twice_are_refused(tmp_path):
    header, body = parts_of(written(tmp_path / "a.safetensors", z=torch.zeros(1, 1)))
    text = json.dumps(header)[:-1] + f', "z": {json.dumps(header["z"])}' + "}"
    assert "twice" in refused(tmp_path / "b.safetensors", joined(text.encode(), body))


def test_numbers_that_are_none_are_refused(tmp_path):
    header, _ = parts_of(written(tmp_path / "a.safetensors", z=torch.zeros(1, 1)))
    for bits in (0x7FC00000, 0x7F800000, 0xFF800000):
        message = refused(tmp_path / "b.safetensors", joined(header, struct.pack("<I", bits)))
        assert "'z' holds what is no number" in message


def test_tensors_that_overlap_or_leave_gaps_are_refused(tmp_path):
    header, body = parts_of(written(tmp_path / "a.safetensors"))
    place = header["z"]["data_offsets"]
    for move in (-4, 4, -place[0]):
        moved = {**header, "z": header["z"] | {"data_offsets": [at + move for at in place]}}
        if move:
            refused(tmp_path / "b.safetensors", joined(moved, body))


@pytest.mark.parametrize("kind", ["folder", "nothing", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    path = tmp_path / "b.safetensors"
    {"folder": path.mkdir, "nothing": lambda: None, "pipe": lambda: os.mkfifo(path)}[kind]()
    with pytest.raises(CodeError, match=r"b\.safetensors: "):
        read_code(path)
