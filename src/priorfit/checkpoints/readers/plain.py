"""Settings in what a pickle says: the plain values, and nothing else."""

from typing import Any

import numpy as np

from priorfit.checkpoints.readers.stand_ins import Made

_MOST_KEPT = 2_000
_MOST_SEEN = 200_000
_DEEPEST = 8
_LONGEST_TEXT = 1_000
_LONGEST_ARRAY = 64


class _Nothing(Exception):
    """This value is no plain one."""


class _TooMany(Exception):
    """There are more values than settings ever are."""


def plain(values: Any) -> dict[str, Any]:
    """Numbers, words, lists and mappings in a mapping; an empty one where there are too many.

    What is none of these is left out; tuples become lists.
    """
    try:
        made = _Plain().of(values, 0)
    except (_Nothing, _TooMany):
        return {}
    return made if isinstance(made, dict) else {}


class _Plain:
    def __init__(self) -> None:
        self._kept = self._seen = 0

    def of(self, value: Any, depth: int) -> Any:
        """The plain value; raises _Nothing if there is none."""
        self._seen += 1
        if self._seen > _MOST_SEEN:
            raise _TooMany
        if isinstance(value, np.generic | np.ndarray):
            value = _numbers(value)
        if isinstance(value, list | tuple) and depth < _DEEPEST:
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, dict | Made) and depth < _DEEPEST:
            return self._mapping(value, depth)
        if not _is_scalar(value):
            raise _Nothing
        self._kept += 1
        if self._kept > _MOST_KEPT:
            raise _TooMany
        return value

    def _mapping(self, value: Any, depth: int) -> dict[str, Any]:
        if isinstance(value, Made):  # an object's attributes, or a class made from dict
            value = value.items or value.state
        if not isinstance(value, dict) or "_parameters" in value:
            raise _Nothing
        kept = {}
        for key, item in value.items():
            if isinstance(key, str) and len(key) <= _LONGEST_TEXT:
                try:
                    kept[key] = self.of(item, depth + 1)
                except _Nothing:
                    continue
        return kept


def _numbers(value: np.generic | np.ndarray) -> Any:
    if value.dtype.kind not in "biuf" or value.size > _LONGEST_ARRAY:
        raise _Nothing
    return value.tolist()


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if isinstance(value, int):
        return value.bit_length() <= 64
    return value is None or isinstance(value, float)
