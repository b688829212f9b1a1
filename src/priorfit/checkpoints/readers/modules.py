"""Modules of PyTorch that were pickled whole, NVIDIA's with their source among them."""

import itertools
from typing import Any

from torch import Tensor

from priorfit.checkpoints.readers.plain import plain
from priorfit.checkpoints.readers.stand_ins import Made, Named, is_named
from priorfit.checkpoints.readers.tensors import Tensors
from priorfit.errors import CheckpointError

_MOST = 30_000
_DEEPEST = 32

# In stylegan2-ada-pytorch and stylegan3 a network pickles as a call of this with one mapping:
# class_name, state, and the source of its module, which is never looked at here.
_PERSISTENT = Named("torch_utils.persistence", "_reconstruct_persistent_obj")


def mapping_of(value: Any) -> dict[Any, Any] | None:
    """A mapping, be it a dict or an object of a class made from one."""
    if isinstance(value, Made):
        return value.items or None
    return value if isinstance(value, dict) else None


def state_of(value: Any) -> dict[Any, Any] | None:
    """What a module keeps in itself, if the value stands for one."""
    if not isinstance(value, Made):
        return None
    state = _meta(value).get("state") if is_named(value.callable, _PERSISTENT) else value.state
    state = mapping_of(state)
    return state if state is not None and "_parameters" in state else None


def state_dict(module: Any, tensors: Tensors) -> dict[str, Tensor]:
    """Parameters and buffers of a module and those inside it, without those it does not save.

    Raises:
        CheckpointError: the modules are nested as no network is.
    """
    collected: dict[str, Tensor] = {}
    waiting = [("", module, 0)]
    for seen in itertools.count():
        if not waiting:
            return collected
        prefix, module, depth = waiting.pop()
        state = state_of(module) or {}
        collected |= {f"{prefix}{name}": t for name, t in _own(state, tensors).items()}
        inside = [(f"{prefix}{n}.", inner, depth + 1) for n, inner in _inner(state).items()]
        waiting += reversed(inside)
        if seen + len(collected) + len(waiting) > _MOST or depth > _DEEPEST:
            break
    raise CheckpointError("holds modules nested in a way that no network is")


def built_with(module: Any) -> dict[str, Any]:
    """How a module says it was built, in plain values.

    Returns:
        NVIDIA's `init_kwargs` one by one, `class_name`, `init_args`, and as `attributes` the plain
        ones of the module and, after their names and a dot, of those right inside it.
    """
    state = state_of(module) or {}
    named = {"": module, **{f"{name}.": inner for name, inner in _inner(state).items()}}
    attributes = {
        f"{prefix}{name}": item
        for prefix, inner in named.items()
        for name, item in (state_of(inner) or {}).items()
        if isinstance(name, str) and not name.startswith("_")
    }
    callee = module.callable
    name = _meta(module).get("class_name") if is_named(callee, _PERSISTENT) else None
    about = {
        "class_name": callee.name if name is None and isinstance(callee, Named) else name,
        "init_args": state.get("_init_args", []),
        "attributes": attributes,
    }
    return {**plain(state.get("_init_kwargs")), **plain(about)}


def _meta(module: Made) -> dict[Any, Any]:
    return mapping_of(module.args[0] if module.args else None) or {}


def _own(state: dict[Any, Any], tensors: Tensors) -> dict[str, Tensor]:
    fleeting = state.get("_non_persistent_buffers_set")
    left_out = fleeting if isinstance(fleeting, set | frozenset) else ()
    parameters = mapping_of(state.get("_parameters")) or {}
    buffers = mapping_of(state.get("_buffers")) or {}
    saved = {name: item for name, item in buffers.items() if name not in left_out}
    pairs = ((name, tensors.tensor(item)) for name, item in {**parameters, **saved}.items())
    return {name: t for name, t in pairs if isinstance(name, str) and t is not None}


def _inner(state: dict[Any, Any]) -> dict[str, Any]:
    modules = mapping_of(state.get("_modules")) or {}
    return {name: module for name, module in modules.items() if isinstance(name, str)}
