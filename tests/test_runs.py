import json
import os
import signal
import struct
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from priorfit.errors import PriorfitError
from priorfit.records.state_file import _digest, load_about, load_state, save_state
from priorfit.signals import interruptions, terminating


def tensors():
    dtypes = [torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]
    shapes = st.lists(st.integers(0, 3), max_size=4)
    return st.builds(
        lambda shape, dtype, seed: torch.randint(
            2, shape, generator=torch.Generator().manual_seed(seed)
        ).to(dtype),
        shapes,
        st.sampled_from(dtypes),
        st.integers(0, 9),
    )


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves | tensors(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def alike(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and all(map(alike, a, b)) and len(a) == len(b)
    return type(a) is type(b) and a == b


@settings(max_examples=20)
@given(state=st.dictionaries(st.text(), values, max_size=3))
def test_a_state_comes_back_as_it_was(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("run") / "state.safetensors"
    save_state(path, state)
    assert alike(load_state(path), state)


def test_a_tensor_comes_back_with_the_order_of_its_memory(tmp_path):
    image = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    save_state(tmp_path / "s", {"image": image, "view": image[0, :, 1]})
    loaded = load_state(tmp_path / "s")
    assert loaded["image"].stride() == image.stride()
    assert torch.equal(loaded["view"], image[0, :, 1])


def test_a_tensor_that_is_in_a_state_twice_is_written_once(tmp_path):
    large = torch.rand(10_000)
    save_state(tmp_path / "once", {"a": large})
    save_state(tmp_path / "twice", {"a": large, "b": [large, {"c": large}]})
    loaded = load_state(tmp_path / "twice")
    assert torch.equal(loaded["b"][1]["c"], large)
    sizes = [(tmp_path / name).stat().st_size for name in ("once", "twice")]
    assert sizes[1] - sizes[0] < 1000


@given(words=st.text())
def test_words_about_a_state_are_read_without_it(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("run") / "s"
    save_state(path, {"a": torch.ones(3)}, words)
    assert load_about(path) == words
    assert alike(load_state(path), {"a": torch.ones(3)})


@pytest.mark.parametrize("number", [float("inf"), float("-inf")])
def test_infinity_survives(tmp_path, number):
    save_state(tmp_path / "s", {"lowest": number})
    assert load_state(tmp_path / "s") == {"lowest": number}


def test_a_state_of_other_things_is_refused(tmp_path):
    with pytest.raises(TypeError, match="set"):
        save_state(tmp_path / "s", {"a": {1, 2}})
    assert not (tmp_path / "s").exists()


def with_structure(structure, tensors=None):
    """A file of somebody who knows how the hash is made."""
    words = {"priorfit.loop.state": structure}
    tensors = {} if tensors is None else tensors
    return save(tensors, words | {"priorfit.sha256": _digest(words, tensors)})


HOSTILE = {
    "nothing": b"",
    "text": b"this is no state at all, only words",
    "a pickle": b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.",
    "a header longer than the file": struct.pack("<Q", 1 << 60) + b"{}",
    "no metadata": save({"a": torch.ones(2)}),
    "a header that is no JSON": struct.pack("<Q", 4) + b"oops",
    "deep JSON": with_structure("[" * 100_000),
    "deep lists": with_structure('["list",[' * 40 + "1" + "]]" * 40),
    "an object": with_structure(json.dumps({"a": 1})),
    "an unknown kind": with_structure('["call", "os.system", "true"]'),
    "a tensor that is not there": with_structure('["tensor", "7", [0], "cpu"]'),
    "a number": with_structure("1"),
    "no order": with_structure('["tensor"]'),
    "a list as a key": with_structure('["dict", [[["list", []], 1]]]'),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused(tmp_path, data):
    path = tmp_path / "s"
    path.write_bytes(data)
    for load in (load_state, load_about):
        with pytest.raises(PriorfitError, match="s"):
            load(path)


def test_whatever_bit_of_a_file_is_flipped_is_noticed(tmp_path):
    path, state = tmp_path / "s", {"a": torch.rand(2), "b": [1, 2.5, {"c": None}]}
    save_state(path, state, "words")
    data = path.read_bytes()
    for at in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            assert alike(load_state(path), state)  # nothing that is read has changed
        except PriorfitError as error:
            assert str(error).startswith(str(path))


JSON = st.recursive(
    leaves | st.sampled_from(["tensor", "dict", "list", "tuple", "float", "0", "cpu", "cuda:9"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=8,
)


@given(structure=JSON | st.tuples(st.sampled_from(["tensor", "dict", "list", "float"]), JSON))
def test_whatever_a_file_says_it_is_a_state_or_refused(tmp_path_factory, structure):
    path = tmp_path_factory.mktemp("run") / "s"
    path.write_bytes(with_structure(json.dumps(structure), {"0": torch.ones(2, 3)}))
    try:
        assert isinstance(load_state(path), dict)
    except PriorfitError as error:
        assert str(error).isprintable()


def test_a_file_without_a_hash_is_refused(tmp_path):
    (tmp_path / "s").write_bytes(save({}, {"priorfit.loop.state": '["dict", []]'}))
    with pytest.raises(PriorfitError, match="damaged"):
        load_state(tmp_path / "s")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(PriorfitError, match="cannot be read"):
        load_state(tmp_path / "none")


@pytest.mark.parametrize("cut", [1, 8, 60, 200])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = tmp_path / "s"
    save_state(path, {"a": torch.rand(100)})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(PriorfitError):
        load_state(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interruption_waits_and_the_second_does_not(number):
    with interruptions() as pressed:
        assert not pressed()
        os.kill(os.getpid(), number)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            threading.Event().wait(5)


def test_being_told_to_end_can_be_what_ctrl_c_is():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminating():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_interruptions_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with interruptions():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptions() as pressed:
            os.kill(os.getpid(), signal.SIGINT)
            assert not pressed()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone():
    seen = []

    def inside():
        with interruptions() as pressed:
            seen.append(pressed())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [False]
