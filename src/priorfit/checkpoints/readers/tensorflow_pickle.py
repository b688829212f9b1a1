"""Networks of Karras's TensorFlow code: ProGAN, StyleGAN, StyleGAN2, in-domain inversion.

There a network pickles as a mapping of its own name, the settings and the source it was built
with, and the values of its variables. The source is never looked at.
"""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers import theano
from priorfit.checkpoints.readers.modules import mapping_of
from priorfit.checkpoints.readers.parts import with_sound_names
from priorfit.checkpoints.readers.plain import plain
from priorfit.checkpoints.readers.stand_ins import Made, Named, shown
from priorfit.checkpoints.readers.tensors import of_value
from priorfit.errors import CheckpointError

# Files hold tuples: generator, discriminator, averaged generator, and before them the encoder.
_PARTS = {1: ("Gs",), 3: ("G", "D", "Gs"), 4: ("E", "G", "D", "Gs")}
_DEEPEST = 4


def found(value: Any) -> list[Found] | None:
    """Networks of a TensorFlow pickle; None if the value is something else.

    Raises:
        CheckpointError: they are damaged.
    """
    networks = list(value) if isinstance(value, list | tuple) else [value]
    if not networks or not all(_is_network(network) for network in networks):
        return None
    if len(networks) not in _PARTS:
        raise CheckpointError(f"holds {len(networks)} networks in a row, expected 1, 3 or 4")
    pairs = zip(_PARTS[len(networks)], networks, strict=True)
    return [_found(part, _state(network)) for part, network in pairs]


def _found(part: str, state: dict[Any, Any]) -> Found:
    state = theano.translated(state)
    tensors: dict[str, Tensor] = {}
    for name, tensor in _variables(state, "", 0):
        if name in tensors:
            raise CheckpointError(f"is damaged: variable {shown(name)} occurs twice")
        tensors[name] = tensor
    about = {key: state.get(key) for key in ("version", "name", "build_func_name")}
    settings = {**plain(state.get("static_kwargs")), **plain(about)}
    return Found(with_sound_names(tensors), part, settings)


def _variables(state: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Variables of a network and of those in it, each after the name of its own network."""
    if depth > _DEEPEST:
        raise CheckpointError("is damaged: its networks are nested too deeply")
    variables = state.get("variables")
    for pair in variables if isinstance(variables, list) else ():
        name, value = pair if isinstance(pair, list | tuple) and len(pair) == 2 else (None, None)
        tensor = of_value(value)
        if not isinstance(name, str) or tensor is None:
            raise CheckpointError(f"is damaged: variable {_word(name)} is no array of numbers")
        yield f"{prefix}{name}", tensor
    for key, network in (mapping_of(state.get("components")) or {}).items():
        if not isinstance(key, str) or not _is_network(network):
            raise CheckpointError(f"is damaged: part {_word(key)} is no network")
        inner = _state(network)
        own = inner.get("name")
        yield from _variables(inner, f"{prefix}{own if isinstance(own, str) else key}/", depth + 1)


def _is_network(value: Any) -> bool:
    named = isinstance(value, Made) and isinstance(value.callable, Named)
    return named and value.callable.name == "Network" and isinstance(value.state, dict)


def _state(network: Made) -> dict[Any, Any]:
    return network.state


def _word(name: Any) -> str:
    return shown(name) if isinstance(name, str) else "without a name"
