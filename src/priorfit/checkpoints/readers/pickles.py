"""A machine that reads pickles and makes nothing but values: it calls and imports nothing.

Plain values come out as they are, arrays of numbers as NumPy's, and whatever would be called as
`Made`, a note of what would have been called with what. Lengths are bounded by the file's size.
"""

import pickletools
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from priorfit.checkpoints.readers import arrays
from priorfit.checkpoints.readers.source import Source
from priorfit.checkpoints.readers.stand_ins import Made, Named, Persistent, named
from priorfit.errors import CheckpointError

_MOST_STEPS = 1_000_000
_DEEPEST = 1_000
_LONGEST_INT = 128
_LONGEST_KEY = 16

# What reading damaged bytes raises, in pickletools and here.
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

_SCALARS = (str, int, float, bool, bytes, type(None))


def load(source: Source, persistent: list[Persistent] | None = None) -> Any:
    """The value of the pickle that begins here; the source then stands behind its end.

    Args:
        source: the bytes.
        persistent: gets whatever the pickle says lies outside of it.

    Raises:
        CheckpointError: it is damaged, too long, or names what has no place in a checkpoint.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes that Python no longer knows
            machine = _Machine(source.size)
            value = machine.run(source)
    except _DAMAGE as error:
        raise CheckpointError("is cut short or damaged: its pickle makes no sense") from error
    if persistent is not None:
        persistent.extend(machine.outside)
    return value


class _Machine:
    def __init__(self, size: int) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.outside: list[Persistent] = []
        # What is copied out of the file, or within memory, cannot honestly be more than twice it.
        self.budget = arrays.Budget(2 * size + 65_536)
        self.arrays = arrays.Workbench(self.budget)

    def run(self, source: Source) -> Any:
        for step, (opcode, arg, _) in enumerate(pickletools.genops(cast(BinaryIO, source))):
            if step > _MOST_STEPS:
                raise CheckpointError(f"holds a pickle of more than {_MOST_STEPS:,} steps")
            if opcode.name == "STOP":
                break
            if opcode.arg is not None and opcode.name in _VALUES:
                self.stack.append(_sized(arg))
            elif opcode.arg is not None:
                _WITH_ARGUMENT[opcode.name](self, arg)
            else:
                _ALONE[opcode.name](self)
        return self.stack.pop()

    def mark(self) -> None:
        if len(self.below) >= _DEEPEST:
            raise CheckpointError(f"holds a pickle nested more than {_DEEPEST:,} deep")
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def drop(self) -> None:
        self.since_mark()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def tuple_of(self, length: int) -> None:
        items = tuple(self.stack[len(self.stack) - length :])
        if len(items) != length:
            raise IndexError
        del self.stack[len(self.stack) - length :]
        self.push(items)

    def duplicate(self) -> None:
        self.push(self.stack[-1])

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.drop()

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.push(self.memo[place])

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Made):
            target.values.extend(values)
        elif type(target) is list:
            target.extend(values)
        else:
            raise TypeError

    def add(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Made):
            target.values.extend(values)
        elif type(target) is set:
            target.update(map(_key, values))
        else:
            raise TypeError

    def set_items(self, flat: list[Any]) -> None:
        target, pairs = self.stack[-1], _pairs(flat)
        if isinstance(target, Made):
            target.items.update(pairs)
        elif type(target) is dict:
            target.update(pairs)
        else:
            raise TypeError

    def persistent(self, said: Any) -> None:
        self.outside.append(Persistent(said))
        self.push(self.outside[-1])

    def name(self, both: str) -> None:
        module, _, name = both.partition(" ")
        self.push(named(module, name))

    def name_from_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError
        self.push(named(module, name))

    def reduce(self) -> None:
        args, callee = self.stack.pop(), self.stack.pop()
        if type(args) is not tuple:
            raise TypeError
        self.push(self.made(callee, args))

    def instance(self, both: str) -> None:
        args = tuple(self.since_mark())
        self.name(both)
        self.push(self.made(self.stack.pop(), args))

    def object(self) -> None:
        callee, *args = self.since_mark()
        self.push(self.made(callee, tuple(args)))

    def new_object(self, extended: bool = False) -> None:
        kwargs = self.stack.pop() if extended else {}
        args, callee = self.stack.pop(), self.stack.pop()
        if type(args) is not tuple or type(kwargs) is not dict:
            raise TypeError
        self.push(self.made(callee, (*args, kwargs) if kwargs else args))

    def made(self, callee: Any, args: tuple[Any, ...]) -> Any:
        if not isinstance(callee, Named):
            return Made(callee, args)
        key = (callee.module, callee.name)
        if key in _MADE_HERE:
            return _MADE_HERE[key](self, *args)
        if key in arrays.MADE:
            return arrays.MADE[key](self.arrays, *args)
        return Made(callee, args)

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Made):
            if target.state is not None:
                raise TypeError
            target.state = state
        elif type(target) is not dict:  # attributes of an OrderedDict say nothing about numbers
            self.arrays.fill(target, state)

    def copied(self, make: Callable[[Any], Any], args: tuple[Any, ...]) -> Any:
        values = args[0] if args else ()
        if len(args) > 1 or type(values) not in (list, tuple, set, frozenset):
            raise TypeError
        self.budget.spend(8 * len(values))
        return make(values)

    def mapping(self, *args: Any) -> dict[Any, Any]:
        return self.copied(lambda pairs: {_key(key): value for key, value in pairs}, args)

    def mapping_with_default(self, _default: Any = None) -> dict[Any, Any]:
        return {}

    def reconstructed(self, kind: Any, _base: Any, state: Any) -> Made:
        items = dict(state) if type(state) is dict else {}
        self.budget.spend(8 * len(items))
        return Made(kind, (), None, items)

    def refuse(self, what: str) -> None:
        raise CheckpointError(f"holds a pickle with {what}, which has no place in a checkpoint")


def _sized(value: Any) -> Any:
    if type(value) is int and value.bit_length() > _LONGEST_INT:
        raise ValueError
    return value


def _key(value: Any) -> Any:
    """A value that may be a key: hashing deeply nested ones would overflow the stack."""
    plain = _SCALARS if type(value) is tuple else (*_SCALARS, Named, Made, Persistent)
    parts = value if type(value) is tuple else (value,)
    if len(parts) > _LONGEST_KEY or not all(isinstance(part, plain) for part in parts):
        raise TypeError
    return value


def _pairs(flat: list[Any]) -> list[tuple[Any, Any]]:
    if len(flat) % 2:
        raise ValueError
    return [(_key(key), value) for key, value in zip(flat[::2], flat[1::2], strict=True)]


_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BYTEARRAY8"),
}

_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    "GLOBAL": _Machine.name,
    "INST": _Machine.instance,
    "PERSID": _Machine.persistent,
    "PROTO": lambda machine, version: None,
    "FRAME": lambda machine, length: None,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), lambda machine, code: machine.refuse("an extension")),
}

_ALONE: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "NONE": lambda machine: machine.push(None),
    "NEWTRUE": lambda machine: machine.push(True),
    "NEWFALSE": lambda machine: machine.push(False),
    "EMPTY_LIST": lambda machine: machine.push([]),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "EMPTY_DICT": lambda machine: machine.push({}),
    "EMPTY_SET": lambda machine: machine.push(set()),
    "LIST": lambda machine: machine.push(machine.since_mark()),
    "TUPLE": lambda machine: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "DICT": lambda machine: machine.push(dict(_pairs(machine.since_mark()))),
    "FROZENSET": lambda machine: machine.push(frozenset(map(_key, machine.since_mark()))),
    "APPEND": lambda machine: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine: machine.append(machine.since_mark()),
    "ADDITEMS": lambda machine: machine.add(machine.since_mark()),
    "SETITEM": lambda machine: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine: machine.set_items(machine.since_mark()),
    "POP": _Machine.pop,
    "POP_MARK": _Machine.drop,
    "DUP": _Machine.duplicate,
    "MEMOIZE": lambda machine: machine.put(len(machine.memo)),
    "STACK_GLOBAL": _Machine.name_from_stack,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "OBJ": _Machine.object,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": lambda machine: machine.new_object(extended=True),
    "BINPERSID": lambda machine: machine.persistent(machine.stack.pop()),
    "NEXT_BUFFER": lambda machine: machine.refuse("buffers outside of it"),
    "READONLY_BUFFER": lambda machine: machine.refuse("buffers outside of it"),
}

_MADE_HERE: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _Machine.mapping,
    ("collections", "defaultdict"): _Machine.mapping_with_default,
    ("builtins", "dict"): _Machine.mapping,
    ("copyreg", "_reconstructor"): _Machine.reconstructed,
    ("builtins", "list"): lambda machine, *args: machine.copied(list, args),
    ("builtins", "tuple"): lambda machine, *args: machine.copied(tuple, args),
    ("builtins", "set"): lambda machine, *args: machine.copied(
        lambda values: set(map(_key, values)), args
    ),
    ("builtins", "frozenset"): lambda machine, *args: machine.copied(
        lambda values: frozenset(map(_key, values)), args
    ),
}
