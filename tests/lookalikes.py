"""Files that look like published checkpoints, written opcode by opcode, honest and hostile ones.

No pickle module has a part in it: a value is turned into bytes here, and what pickles would call
stands as `Call` and its like. So the files may say what no honest pickler would.
"""

import io
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

STOP = b"."


@dataclass(frozen=True)
class Global:
    """A class or function by its name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What comes of a call: by REDUCE, or as `way` says NEWOBJ, NEWOBJ_EX, OBJ, INST."""

    what: Any
    args: tuple = ()
    way: str = "REDUCE"
    state: Any = None
    items: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Outside:
    """Something with a persistent id."""

    id: Any


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are; they leave one value on the stack."""

    code: bytes


def pickled(value: Any, protocol: int = 2) -> bytes:
    """A whole pickle."""
    head = b"" if protocol < 2 else b"\x80" + bytes([protocol])
    return head + code(value, protocol) + STOP


def code(value: Any, protocol: int) -> bytes:
    """Opcodes that leave a value on the stack."""
    if isinstance(value, np.ndarray | np.generic):
        return code(_array(value, protocol), protocol)
    for kind, coded in _CODED.items():
        if isinstance(value, kind):
            return coded(value, protocol)
    raise TypeError(value)


def _many(values: Any, protocol: int) -> bytes:
    return b"".join(code(value, protocol) for value in values)


def _bool(value: bool, protocol: int) -> bytes:
    return (b"\x88" if value else b"\x89") if protocol > 1 else b"I0%d\n" % value


def _int(value: int, protocol: int) -> bytes:
    if protocol == 0 or not 0 <= value < 1 << 31:
        return b"L%dL\n" % value
    return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)


def _float(value: float, protocol: int) -> bytes:
    return b"G" + struct.pack(">d", value) if protocol else b"F%r\n" % value


def _str(value: str, protocol: int) -> bytes:
    if protocol == 0:
        escaped = value.replace("\\", "\\u005c").replace("\n", "\\u000a").replace("\0", "\\u0000")
        return b"V" + escaped.encode("raw-unicode-escape") + b"\n"
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data if protocol > 3 and len(data) < 256 else _long(data)


def _long(data: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(data)) + data


def _bytes(value: bytes, protocol: int) -> bytes:
    if protocol < 3:  # as Python 3 writes them for Python 2
        return code(
            Call(Global("_codecs", "encode"), (value.decode("latin-1"), "latin1")), protocol
        )
    if protocol > 3:
        return b"\x8e" + struct.pack("<Q", len(value)) + value
    return b"B" + struct.pack("<I", len(value)) + value


def _bytearray(value: bytearray, _protocol: int) -> bytes:
    return b"\x96" + struct.pack("<Q", len(value)) + bytes(value)


def _tuple(value: tuple, protocol: int) -> bytes:
    return b"(" + _many(value, protocol) + b"t"


def _list(value: list, protocol: int) -> bytes:
    return (b"]" if protocol else b"(l") + b"(" + _many(value, protocol) + b"e"


def _dict(value: Mapping, protocol: int) -> bytes:
    flat = [both for pair in value.items() for both in pair]
    return (b"}" if protocol else b"(d") + b"(" + _many(flat, protocol) + b"u"


def _global(value: Global, protocol: int) -> bytes:
    if protocol > 3:
        return code(value.module, protocol) + code(value.name, protocol) + b"\x93"
    return b"c" + f"{value.module}\n{value.name}\n".encode()


def _call(value: Call, protocol: int) -> bytes:
    what, args = value.what, _tuple(value.args, protocol)
    if value.way == "INST":
        inner = f"i{what.module}\n{what.name}\n".encode()
        made = b"(" + _many(value.args, protocol) + inner
    elif value.way == "OBJ":
        made = b"(" + code(what, protocol) + _many(value.args, protocol) + b"o"
    elif value.way == "NEWOBJ_EX":
        made = code(what, protocol) + args + code({}, protocol) + b"\x92"
    else:
        made = code(what, protocol) + args + {"REDUCE": b"R", "NEWOBJ": b"\x81"}[value.way]
    if value.items:
        made += _dict(value.items, protocol)[1 if protocol else 2 :]
    return made if value.state is None else made + code(value.state, protocol) + b"b"


def _outside(value: Outside, protocol: int) -> bytes:
    return code(value.id, protocol) + b"Q" if protocol else b"P%s\n" % str(value.id).encode()


_CODED: dict[Any, Any] = {
    bool: _bool,
    type(None): lambda value, protocol: b"N",
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    bytearray: _bytearray,
    tuple: _tuple,
    list: _list,
    Mapping: _dict,
    Global: _global,
    Call: _call,
    Outside: _outside,
    Raw: lambda value, protocol: value.code,
}


def dtype(described: str | np.dtype) -> Call:
    """NumPy's kind of number."""
    text = np.dtype(described).str
    state = (3, text[0], None, None, None, -1, -1, 63 if text[1:] == "O" else 0)
    return Call(Global("numpy", "dtype"), (text[1:], False, True), state=state)


def _array(value: np.ndarray | np.generic, protocol: int) -> Call:
    core = "numpy._core" if protocol > 3 else "numpy.core"
    if isinstance(value, np.generic):
        return Call(Global(f"{core}.multiarray", "scalar"), (dtype(value.dtype), value.tobytes()))
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    data = (
        value.ravel().tolist() if value.dtype.hasobject else value.tobytes("F" if fortran else "C")
    )
    return array(value.shape, dtype(value.dtype), data, fortran, core=core)


def array(shape: Any, kind: Any, data: Any, fortran: Any = False, core: str = "numpy.core") -> Call:
    """An array of NumPy's, whatever is said of it."""
    empty = (Global("numpy", "ndarray"), (0,), b"b")
    state = (1, shape, kind, fortran, data)
    return Call(Global(f"{core}.multiarray", "_reconstruct"), empty, state=state)


def npy(shape: object, descr: object = "<f4", data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """An .npy file with a header that may lie."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(header))
    return b"\x93NUMPY" + version + length + header + data


def npy_of_object(value: Any, protocol: int = 4) -> bytes:
    """An .npy file of one Python object, as np.save writes it."""
    core = "numpy._core" if protocol > 3 else "numpy.core"
    return npy((), "|O", pickled(array((), dtype("O"), [value], core=core), protocol))


def npz(arrays: Mapping[str, bytes]) -> bytes:
    """An .npz file out of whole .npy files."""
    return zipped({f"{name}.npy": data for name, data in arrays.items()})


def zipped(entries: Mapping[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


_STORAGES = {
    torch.float32: "FloatStorage",
    torch.float16: "HalfStorage",
    torch.int64: "LongStorage",
}


def torch_zip(value: Any, storages: Mapping[str, bytes] | None = None, protocol: int = 2) -> bytes:
    """A file of torch.save's present form."""
    pieces = {f"archive/data/{key}": data for key, data in (storages or {}).items()}
    return zipped(
        {"archive/data.pkl": pickled(value, protocol), **pieces, "archive/version": b"3\n"}
    )


def torch_legacy(value: Any, storages: Mapping[str, tuple[int, bytes]] | None = None) -> bytes:
    """A file of torch.save's first form; storages by key: number of elements, and bytes."""
    pieces = storages or {}
    number = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    head = number + pickled(1001) + pickled(system) + pickled(value) + pickled([*pieces])
    return head + b"".join(struct.pack("<q", n) + data for n, data in pieces.values())


def saved(value: Any, legacy: bool = False) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def storage(
    key: Any, count: Any, *view: Any, kind: Any = Global("torch", "FloatStorage")
) -> Outside:
    """The memory of a tensor, outside of the pickle; torch.save's first form has a `view`."""
    return Outside(("storage", kind, key, "cpu", count, *view))


def tensor(memory: Any, size: Any, stride: Any, offset: Any = 0) -> Call:
    """A tensor, whatever is said of it."""
    args = (memory, offset, size, stride, False, Call(Global("collections", "OrderedDict")))
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), args)


def inside(values: Tensor) -> Call:
    """A tensor whose memory lies in the pickle, as in NVIDIA's files."""
    kind = Global("torch", _STORAGES[values.dtype])
    data = values.contiguous().numpy().tobytes()
    blob = torch_legacy(
        storage("0", values.numel(), None, kind=kind), {"0": (values.numel(), data)}
    )
    memory = Call(Global("torch.storage", "_load_from_bytes"), (blob,))
    return tensor(memory, tuple(values.shape), values.contiguous().stride())


def nvlabs_module(state: Mapping[str, Tensor], name: str = "Generator", **kwargs: Any) -> Call:
    """A module of stylegan2-ada-pytorch or stylegan3, with those inside it."""
    nested: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        first, _, rest = key.rpartition(".") if key.count(".") == 0 else key.partition(".")
        nested.setdefault(first, {})[rest] = value
    own = {key: inside(value) for key, value in nested.pop("", {}).items()}
    attributes = {
        "training": False,
        "_parameters": Call(Global("collections", "OrderedDict")),
        "_buffers": Call(Global("collections", "OrderedDict"), items={**own, "none": None}),
        "_modules": {key: nvlabs_module(inner, "Layer") for key, inner in nested.items()},
        "_init_args": (),
        "_init_kwargs": Call(Global("dnnlib.util", "EasyDict"), (), "NEWOBJ", items=kwargs),
    }
    meta = {"type": "class", "version": 6, "module_src": "raise SystemExit", "class_name": name}
    call = Global("torch_utils.persistence", "_reconstruct_persistent_obj")
    return Call(call, ({**meta, "state": attributes},))


def tf_network(
    name: str,
    variables: Mapping[str, Any],
    components: Mapping[str, Any] | None = None,
    kind: Global = Global("dnnlib.tflib.network", "Network"),
    **kwargs: Any,
) -> Call:
    """A network of Karras's TensorFlow code."""
    state = {
        "version": 3,
        "name": name,
        "static_kwargs": kwargs,
        "components": components or {},
        "build_module_src": "raise SystemExit",
        "build_func_name": "G_style",
        "variables": [(key, value) for key, value in variables.items()],
    }
    return Call(kind, (), "NEWOBJ", state=state)


STATE = {
    "mapping.weight": torch.linspace(-1, 1, 12).reshape(3, 4),
    "synthesis.b4.const": torch.arange(8.0).reshape(2, 2, 2),
    "w_avg": torch.tensor(0.5),
}
ARRAYS = {name: value.numpy() for name, value in STATE.items()}
MEMORY = {str(n): value.numpy().tobytes() for n, value in enumerate(STATE.values())}


def outside(*more: None) -> dict[str, Call]:
    """The state, its memory outside of the pickle."""
    pieces = zip(MEMORY, STATE.items(), strict=True)
    return {
        name: tensor(storage(key, value.numel(), *more), tuple(value.shape), value.stride())
        for key, (name, value) in pieces
    }


def legacy(value: Any) -> bytes:
    return torch_legacy(value, {key: (len(data) // 4, data) for key, data in MEMORY.items()})


# Each container with a place for something that has nothing to do with the network.
CONTAINERS: dict[str, Callable[[Any], bytes]] = {
    "torch zip": lambda extra: torch_zip({"g": outside(), "extra": extra}, MEMORY),
    "torch legacy": lambda extra: legacy({"g": outside(None), "extra": extra}),
    "torch module": lambda extra: torch_zip(
        Call(
            Global("torch.nn.modules.container", "Sequential"),
            state={"_parameters": outside(), "_buffers": {}, "_modules": {}, "extra": extra},
        ),
        MEMORY,
    ),
    "nvlabs": lambda extra: pickled({"G_ema": nvlabs_module(STATE, extra=extra)}),
    "tensorflow": lambda extra: pickled(tf_network("Gs", ARRAYS, extra=extra)),
    "arrays in a pickle": lambda extra: pickled({**ARRAYS, "extra": extra}),
    "npy of objects": lambda extra: npy_of_object({**ARRAYS, "extra": extra}),
    "npz of objects": lambda extra: npz({"all": npy_of_object({**ARRAYS, "extra": extra}, 2)}),
}

HONEST = {
    **{name: make(None) for name, make in CONTAINERS.items()},
    "safetensors": save(STATE),
    "torch zip by torch": saved(OrderedDict(STATE)),
    "torch legacy by torch": saved(OrderedDict(STATE), legacy=True),
    "npz": npz({n: npy(a.shape, "<f4", a.tobytes()) for n, a in ARRAYS.items()}),
}
