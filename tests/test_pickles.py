"""The pickle machine: what it gives back, what it refuses, and that it runs nothing."""

import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from priorfit.checkpoints.readers import pickles
from priorfit.checkpoints.readers.source import Source
from priorfit.checkpoints.readers.stand_ins import Made, Named, Persistent, named
from priorfit.errors import CheckpointError
from tests.lookalikes import Call, Global, Outside, Raw, array, dtype, pickled

every_protocol = pytest.mark.parametrize("protocol", range(6))

ORDERED = Global("collections", "OrderedDict")
STRANGER = Global("somebody.networks", "Generator")


def loaded(value: Any, protocol: int = 2) -> Any:
    return pickles.load(Source.of(pickled(value, protocol)))


def whole(*codes: bytes) -> Any:
    return pickles.load(Source.of(b"\x80\x04" + b"".join(codes) + b"."))


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\r\x1a"), max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=9), inner, max_size=3)
    ),
    max_leaves=9,
)


@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_values_come_back_as_they_are(value: Any, protocol: int):
    assert loaded(value, protocol) == value


@every_protocol
@pytest.mark.parametrize("kind", ["?", "u1", "<i4", ">i4", "<i8", "<f2", "<f4", ">f4", ">f8"])
def test_arrays_of_numbers_come_back_as_they_are(protocol: int, kind: str):
    values = np.arange(-3, 9).reshape(3, 4).astype(kind)
    for given_ in (values, np.asfortranarray(values), values[:0], values[0, 0], np.array(1, kind)):
        got = loaded(given_, protocol)
        assert np.array_equal(got, given_)
        assert (got.shape, got.dtype.itemsize) == (given_.shape, given_.dtype.itemsize)


def test_the_numbers_of_a_large_array_are_not_copied():
    data = pickled(np.ones(1 << 20, "<f4"), 4)
    tracemalloc.start()
    array = pickles.load(Source.of(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert array.sum() == 1 << 20
    assert peak < 1.1 * len(data)


def test_python_2_wrote_bytes_as_text():
    text = b"U\x08" + struct.pack("<2f", 1.5, -2)
    got = loaded(array((2,), dtype("<f4"), Raw(text)))
    assert np.array_equal(got, np.array([1.5, -2], "f4"))


def test_protocol_5_has_arrays_by_their_bytes():
    call = Global("numpy._core.numeric", "_frombuffer")
    data = bytearray(np.arange(6, dtype="<f4").tobytes())
    got = loaded(Call(call, (data, dtype("<f4"), (2, 3), "F")), 5)
    assert np.array_equal(got, np.arange(6).reshape(3, 2).T)


def test_what_is_shared_stays_shared():
    shared = whole(b"]\x94", b"h\x00", b"\x86")
    assert shared[0] is shared[1]


def test_a_value_may_hold_itself():
    endless = whole(b"]\x94", b"h\x00", b"a")
    assert endless[0] is endless


@pytest.mark.parametrize("way", ["REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"])
def test_a_call_is_noted_and_not_done(way: str):
    made = loaded(Call(STRANGER, (1, "a"), way, state={"b": 2}, items={"c": 3}))
    assert isinstance(made, Made)
    assert made.callable == Named("somebody.networks", "Generator")
    assert (made.args, made.state, made.items) == ((1, "a"), {"b": 2}, {"c": 3})


def test_sequences_of_strangers_keep_their_values():
    made = loaded(Raw(b"csomebody\nList\n)\x81(K\x01K\x02eK\x03a"))
    assert made.values == [1, 2, 3]


@every_protocol
def test_mappings_and_sets_of_python_become_plain(protocol: int):
    calls = {
        "ordered": Call(ORDERED, items={"a": 1}),
        "of pairs": Call(ORDERED, ([("a", 1)],)),
        "default": Call(Global("collections", "defaultdict"), (Global("builtins", "list"),)),
        "set": Call(Global("__builtin__", "set"), ([1, 1],)),
        "frozen": Call(Global("builtins", "frozenset"), ((1,),)),
    }
    got = loaded(calls, protocol)
    expected = {"ordered": {"a": 1}, "of pairs": {"a": 1}, "default": {}, "set": {1}}
    assert got == {**expected, "frozen": frozenset({1})}


def test_objects_of_protocol_0_are_noted():
    call = Call(
        Global("copy_reg", "_reconstructor"), (STRANGER, Global("__builtin__", "dict"), {"a": 1})
    )
    made = loaded(call, 0)
    assert (made.callable, made.items) == (Named("somebody.networks", "Generator"), {"a": 1})


@pytest.mark.parametrize("protocol", [0, 2])
def test_what_lies_outside_is_noted(protocol: int):
    outside: list[Persistent] = []
    value = pickles.load(Source.of(pickled([Outside("a")], protocol)), outside)
    assert isinstance(value[0], Persistent)
    assert [value[0].id] == [stored.id for stored in outside] == ["a"]


def test_the_source_stands_behind_the_pickle():
    source = Source.of(pickled(1) + pickled(2) + b"rest")
    assert [pickles.load(source), pickles.load(source), source.read()] == [1, 2, b"rest"]


HOSTILE = [
    ("posix", "system"),
    ("nt", "system"),
    ("os", "popen"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("__builtin__", "execfile"),
    ("commands", "getoutput"),
    ("sys", "exit"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("shutil", "rmtree"),
    ("socket", "socket"),
    ("pickle", "loads"),
    ("_pickle", "Unpickler"),
    ("functools", "partial"),
    ("operator", "methodcaller"),
    ("collections", "OrderedDict.__init__"),
    ("types", "CodeType"),
    ("copyreg", "__newobj__"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.storage", "_load_from_bytes.__globals__"),
    ("torch.nn.modules.module", "Module.__setstate__"),
    ("torch.utils.cpp_extension", "load_inline"),
    ("torch._utils", "_rebuild_device_tensor_from_numpy"),
    ("torch.jit._script", "unpackage_script_module"),
    ("numpy", "load"),
    ("numpy.f2py", "compile"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy.core.multiarray", "fromfile"),
    ("priorfit.checkpoints.importing", "import_file"),
    ("asyncio.unix_events", "_UnixSelectorEventLoop"),
]


@pytest.mark.parametrize(("module", "name"), HOSTILE, ids=".".join)
@pytest.mark.parametrize("way", ["REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"])
def test_names_that_hold_no_data_are_refused(module: str, name: str, way: str, tmp_path: Path):
    marker = tmp_path / "marker"
    for protocol in range(6):
        call = Call(Global(module, name), (f"touch {marker}",), way)
        with pytest.raises(CheckpointError, match=rf"^names \S+{name}, which has no place"):
            loaded([call], protocol)
    assert not marker.exists()


CODES = {
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "NEXT_BUFFER": b"\x97",
    "READONLY_BUFFER": b"\x98",
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_orders_that_reach_outside_are_refused(code: bytes):
    with pytest.raises(CheckpointError, match="has no place in a checkpoint"):
        whole(code)


class Watched:
    """Python's own reports of what is executed, opened, imported."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.on = False
        sys.addaudithook(self.noted)

    def noted(self, event: str, _args: tuple) -> None:
        if self.on and event.partition(".")[0] in {"os", "subprocess", "exec", "import", "open"}:
            self.events.append(event)


WATCHED = Watched()


def test_reading_opens_imports_and_executes_nothing():
    call = Call(Global("xml.sax", "make_parser"), ())
    strangers = [Call(Global("wave_of_strangers", "run"), ("ls",)), Call(STRANGER, state={"a": 1})]
    loaded(strangers)
    WATCHED.on = True
    loaded(strangers)
    with pytest.raises(CheckpointError):
        loaded(call)
    WATCHED.on = False
    assert not WATCHED.events


NONSENSE = {
    "nothing": b"",
    "no end": b"\x80\x02]",
    "an unknown order": b"\xff.",
    "nothing on the stack": b".",
    "a mark missing": b"t.",
    "a memo missing": b"h\x07.",
    "a call without arguments": b"csomebody\nThing\nR.",
    "a call with a list": b"csomebody\nThing\n]R.",
    "entries of a number": b"K\x01(K\x02K\x03u.",
    "an odd number of entries": b"}(K\x01u.",
    "values of a tuple": b")K\x01a.",
    "values of a number in a set": b"K\x01(K\x02\x90.",
    "attributes of a list": b"]}b.",
    "attributes twice": b"csomebody\nThing\n)R}b}b.",
    "a list as a key": b"}]K\x01s.",
    "a list in a set": b"\x8f(]\x90.",
    "a tuple of tuples as a key": b"})\x85K\x01s.",
    "a name that is no text": b"K\x01K\x02\x93.",
    "a number of a thousand digits": b"I" + b"9" * 1000 + b"\n.",
    "a number of ten thousand digits": b"L" + b"9" * 10_000 + b"L\n.",
    "a number of a thousand bytes": b"\x8b\xe8\x03\x00\x00" + b"\x01" * 1000 + b".",
    "text that is not UTF-8": b"X\x02\x00\x00\x00\xff\xff.",
    "an escape that is none": b"S'\\q\\x'\n.",
    "a line without an end": b"S'abc",
    "too few for a tuple": b"K\x01\x86.",
    "bytes of two": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.",
    "a set of one": b"cbuiltins\nset\n(K\x01tR.",
    "a class of NumPy's": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nNNtR.",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_in_a_line(data: bytes):
    with pytest.raises(CheckpointError, match=r"^is cut short or damaged.*$"):
        pickles.load(Source.of(data))


DATA = np.arange(6, dtype="<f4").tobytes()
NO_ARRAYS = {
    "fewer bytes than its shape": array((7,), dtype("<f4"), DATA),
    "more bytes than its shape": array((5,), dtype("<f4"), DATA),
    "a huge shape": array((1 << 40, 1 << 40), dtype("<f4"), DATA),
    "a huge shape of nothing": array((1 << 62, 0), dtype("<f4"), b""),
    "a negative shape": array((-2, -3), dtype("<f4"), DATA),
    "a shape of floats": array((6.0,), dtype("<f4"), DATA),
    "a shape of truths": array((True, 6), dtype("<f4"), DATA),
    "a list for a shape": array([6], dtype("<f4"), DATA),
    "40 axes": array((1,) * 40, dtype("<f4"), DATA[:4]),
    "objects for numbers": array((1,), dtype("<f4"), [Call(STRANGER)]),
    "numbers for objects": array((3,), dtype("O"), DATA),
    "too few objects": array((3,), dtype("O"), [1]),
    "records": array((6,), Call(Global("numpy", "dtype"), ("V4", False, True)), DATA),
    "dates": array((3,), Call(Global("numpy", "dtype"), ("M8", False, True)), DATA),
    "text": array((6,), dtype("<U1"), DATA),
    "complex numbers": array((3,), dtype("<c8"), DATA),
    "wide numbers": array((1,), Call(Global("numpy", "dtype"), ("f16",)), DATA[:16]),
    "a kind by a name": array((6,), Global("somebody", "float32"), DATA),
    "an order that is none": array(
        (6,), Call(Global("numpy", "dtype"), ("f4",), state=(3, "{", None)), DATA
    ),
    "state of another length": Call(
        Global("numpy.core.multiarray", "_reconstruct"),
        (Global("numpy", "ndarray"), (0,), b"b"),
        state=(1, (6,)),
    ),
    "another class": Call(
        Global("numpy.core.multiarray", "_reconstruct"), (Global("somebody", "array"), (0,), b"b")
    ),
    "a scalar of two": Call(Global("numpy.core.multiarray", "scalar"), (dtype("<f4"), DATA[:8])),
    "a scalar object": Call(Global("numpy.core.multiarray", "scalar"), (dtype("O"), b"12345678")),
}


@pytest.mark.parametrize("value", NO_ARRAYS.values(), ids=NO_ARRAYS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_arrays_that_lie_are_refused(value: Any, protocol: int):
    with pytest.raises(CheckpointError):
        loaded(value, protocol)


def test_an_array_is_filled_once():
    codes = pickled(np.ones(2, "<f4"), 4)
    state = pickled(array((1,), dtype("<f4"), b"1234").state, 4)
    with pytest.raises(CheckpointError, match="damaged"):
        pickles.load(Source.of(codes[:-1] + state[2:-1] + b"b."))


BOMBS = {
    "a tuple of tuples": b")" + b"\x85" * 100_000,
    "lists in lists": b"]" * 100_000 + b"a" * 99_999,
    "marks": b"(" * 100_000,
    "numbers": b"K\x01" * 300_000,
    "text copied": b"c_codecs\nencode\n\x94"
    + b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"\x94"
    + b"X\x06\x00\x00\x00latin1\x94"
    + b"h\x00h\x01h\x02\x86R" * 10_000,
    "lists copied": b"cbuiltins\nlist\n\x94](" + b"K\x01" * 10_000 + b"e\x94"
    + b"h\x00h\x01\x85R" * 100_000,
    "a length of two gigabytes": b"B" + struct.pack("<I", (1 << 31) - 1),
    "a length of many terabytes": b"\x8e" + struct.pack("<Q", 1 << 62),
    "a text of many terabytes": b"\x8d" + struct.pack("<Q", 1 << 62),
    "a frame of many terabytes": b"\x95" + struct.pack("<Q", 1 << 62),
}  # fmt: skip


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_short_orders_take_no_long_memory(data: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pickles, "_MOST_STEPS", 250_000)
    tracemalloc.start()
    try:
        pickles.load(Source.of(b"\x80\x04" + data + b"."))
    except CheckpointError as error:
        assert "\n" not in str(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000


@given(st.lists(st.sampled_from([bytes([n]) for n in range(256)]) | st.binary(max_size=5)))
def test_no_bytes_do_more_than_fail(pieces: list[bytes]):
    try:
        whole(*pieces)
    except CheckpointError as error:
        assert "\n" not in str(error)


ORDERS = [
    bytes([byte]) for byte in b"]}()NKlt0125aesubRo\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94qhcQ"
]
PUSHES = [b"K\x01", b"U\x01a", b"h\x00", b"q\x00", b"csomebody\nThing\n", b"cbuiltins\nset\n"]
PUSHES += [b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"c_codecs\nencode\n"]


@given(st.lists(st.sampled_from(ORDERS + PUSHES), max_size=40))
def test_no_orders_do_more_than_fail(pieces: list[bytes]):
    try:
        whole(*pieces)
    except CheckpointError as error:
        assert "\n" not in str(error)


@given(cut=st.integers(0, 2000), protocol=st.integers(0, 5))
def test_a_pickle_cut_anywhere_is_refused(cut: int, protocol: int):
    data = pickled({"a": np.ones((3, 4)), "b": Call(ORDERED), "c": [1, 2.5, "x"]}, protocol)
    with pytest.raises(CheckpointError, match="cut short"):
        pickles.load(Source.of(data[: min(cut, len(data) - 1)]))


@pytest.mark.parametrize("module", ["builtins", "numpy", "torch", "os"])
def test_messages_show_names_without_control_characters(module: str):
    with pytest.raises(CheckpointError) as caught:
        named(module, "a\x1b[2J\n" + "b" * 10_000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
