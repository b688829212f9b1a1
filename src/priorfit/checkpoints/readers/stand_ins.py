"""What stands for things that a pickle would make, and which names have a place in a checkpoint."""

import sys
from dataclasses import dataclass, field
from typing import Any

from priorfit.errors import CheckpointError


@dataclass(frozen=True)
class Named:
    """A class or function that a pickle names; it is never looked up."""

    module: str
    name: str


def is_named(value: Any, *names: Named) -> bool:
    """Whether a value is one of these names; comparing it as it is would ask what it is like."""
    return isinstance(value, Named) and value in names


@dataclass(eq=False)
class Made:
    """What a pickle would get by calling something.

    Args:
        callable: mostly a `Named`.
        args: its arguments.
        state: what `__setstate__` would get.
        items: entries that a mapping would get.
        values: what a sequence or set would get.
    """

    callable: Any
    args: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)


@dataclass(eq=False)
class Persistent:
    """What a pickle says lies outside of it."""

    id: Any


# The same modules under the names of Python 2 and of NumPy before version 2.
_RENAMED = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}
_OF_PYTHON_2 = {"commands", "cPickle", "popen2", "urllib2", "urlparse", "StringIO", "cStringIO"}
_KNOWN_TO_US = {*sys.stdlib_module_names, *_OF_PYTHON_2, "numpy", "torch", "priorfit"}

_DATA = {
    "builtins": {"bytearray", "bytes", "dict", "float", "frozenset", "int", "list", "object"}
    | {"bool", "complex", "long", "set", "slice", "str", "tuple", "unicode"},
    "collections": {"Counter", "OrderedDict", "defaultdict"},
    "copyreg": {"_reconstructor"},
    "_codecs": {"encode"},
    "argparse": {"Namespace"},
    "datetime": {"date", "datetime", "timedelta"},
    "types": {"SimpleNamespace"},
    "typing": {"Any"},
    "pathlib": {"Path", "PosixPath", "PurePath", "PurePosixPath", "WindowsPath"},
    "numpy": {"dtype", "ndarray", "bool", "bool_"}
    | {f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "torch": {
        "Size",
        "channels_last",
        "contiguous_format",
        "device",
        "preserve_format",
        "bool",
        "half",
        "float",
        "double",
        "long",
        "int",
    }
    | {f"{kind}{bits}" for kind in ("int", "uint", "float", "bfloat") for bits in (8, 16, 32, 64)},
    "torch.storage": {"_load_from_bytes", "TypedStorage", "UntypedStorage"},
    "torch._utils": {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"}
    | {"_rebuild_parameter", "_rebuild_parameter_with_state"},
    "torch._tensor": {"_rebuild_from_type_v2"},
}


def named(module: str, name: str) -> Named:
    """A name out of a pickle, in today's spelling.

    Names of Python's library, of NumPy and of PyTorch are refused but for those that hold data and
    the layers of `torch.nn`. What others have written exists nowhere here: such a name stands for
    nothing but itself.

    Raises:
        CheckpointError: the name has no place in a checkpoint.
    """
    module = _RENAMED.get(module, module)
    if module.partition(".")[0] not in _KNOWN_TO_US or _holds_data(module, name):
        return Named(module, name)
    raise CheckpointError(
        f"names {shown(f'{module}.{name}')}, which has no place in a checkpoint: do not trust it, "
        "no part of it was run"
    )


def _holds_data(module: str, name: str) -> bool:
    storage = module in ("torch", "torch.cuda") and name.endswith("Storage")
    layer = module.startswith("torch.nn.") and "." not in name
    return name in _DATA.get(module, ()) or storage or layer


def shown(text: str) -> str:
    """Text of a stranger for a message: short, and no control characters."""
    return ascii(text if len(text) <= 80 else text[:79] + "…")[1:-1]
