"""Networks in what a file holds: mappings and modules walked, names put in order."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.readers.modules import built_with, mapping_of, state_dict, state_of
from priorfit.checkpoints.readers.plain import plain
from priorfit.checkpoints.readers.stand_ins import shown
from priorfit.checkpoints.readers.tensors import Tensors
from priorfit.errors import CheckpointError

_MOST_PARTS = 64
_MOST_MAPPINGS = 10_000
_MOST_TENSORS = 30_000
_LONGEST_NAME = 200
_NESTED = 4

# Words around a network that do not tell which one it is.
_WRAPPERS = {"state_dict", "model_state_dict", "model", "models", "net", "network", "networks"}
_WRAPPERS |= {"weights", "module", "modules", "state", "params"}
# Stored beside the generators that they belong to.
_OF_GENERATORS = {"latent_avg"}
# Of no use without the training they come from.
_ASIDE = {"augment_pipe", "optimizer", "optimizers", "scheduler"}


def found(value: Any, tensors: Tensors) -> list[Found]:
    """Every network in a value: a mapping of tensors, a module, or mappings of such.

    Raises:
        CheckpointError: there is none, or it is not sound.
    """
    parts = []
    for part in _Walk(tensors, _beside(value)).through(value, ()):
        parts.append(part)
        if len(parts) > _MOST_PARTS:
            raise CheckpointError(f"holds more than {_MOST_PARTS} networks")
    if not parts:
        raise CheckpointError("holds no network: there are no tensors with names in it")
    return parts


def with_sound_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, without the `module.` that parallel training puts before their names.

    Raises:
        CheckpointError: a name is none that a person would give.
    """
    if len(tensors) > _MOST_TENSORS:
        raise CheckpointError(f"holds {len(tensors):,} tensors, too many")
    for name in tensors:
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise CheckpointError(f"holds a tensor with a strange name, '{shown(name)}'")
    while tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return dict(tensors)


class _Walk:
    def __init__(self, tensors: Tensors, settings: Mapping[str, Any]) -> None:
        self._tensors, self._settings = tensors, settings
        self._seen = 0

    def through(self, value: Any, path: tuple[str, ...]) -> Iterator[Found]:
        """Networks in a value that is reached by these keys."""
        self._seen += 1
        if self._seen > _MOST_MAPPINGS:
            raise CheckpointError("holds mappings nested in a way that no checkpoint is")
        if state_of(value) is not None:
            own = {**self._settings, **built_with(value)}
            yield from self._found(state_dict(value, self._tensors), path, own)
            return
        entries = {k: v for k, v in (mapping_of(value) or {}).items() if isinstance(k, str)}
        inside = False
        for part in self._inside(entries, path):
            inside = True
            yield part
        if not inside:
            pairs = ((key, self._tensors.tensor(item)) for key, item in entries.items())
            named = {key: tensor for key, tensor in pairs if tensor is not None}
            yield from self._found(named, path, self._settings)

    def _inside(self, entries: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Found]:
        beside = {key: self._tensors.tensor(entries[key]) for key in _OF_GENERATORS & {*entries}}
        shared = {key: tensor for key, tensor in beside.items() if tensor is not None}
        for key, item in entries.items():
            nested = state_of(item) is not None or mapping_of(item) is not None
            if nested and key not in _ASIDE and len(path) < _NESTED:
                for part in self.through(item, (*path, key)):
                    own = shared if key.lower().startswith("g") else {}
                    yield replace(part, tensors={**part.tensors, **own})

    def _found(
        self, tensors: Mapping[str, Tensor], path: tuple[str, ...], settings: Mapping[str, Any]
    ) -> Iterator[Found]:
        if tensors:
            words = [shown(word) for word in path if word not in _WRAPPERS]
            yield Found(with_sound_names(tensors), "/".join(words), settings)


def _beside(value: Any) -> dict[str, Any]:
    """What stands beside the networks, as plain values."""
    entries = {} if state_of(value) is not None else mapping_of(value) or {}
    besides = {k: v for k, v in entries.items() if k not in _ASIDE}
    values = plain({k: v for k, v in besides.items() if not isinstance(v, np.ndarray)})
    return {key: item for key, item in values.items() if item not in ({}, [])}
