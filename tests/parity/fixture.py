"""One folder of recorded arrays, and how near to them a result must come."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Arrays = Mapping[str, np.ndarray]


class Result(NamedTuple):
    """How far one array is from the recorded one."""

    name: str
    key: str
    error: float  # largest absolute difference; infinite where the shapes differ
    allowed: float  # the same for the recorded tolerance, at the entry that is nearest to failing
    passed: bool

    @property
    def share(self) -> float:
        """Of the allowed error, how much is used."""
        return self.error / self.allowed if self.allowed else (math.inf if self.error else 0.0)


@dataclass(frozen=True)
class Fixture:
    """Arrays recorded from the released code: meta.json, inputs, expected and weights as .npz."""

    folder: Path

    @cached_property
    def meta(self) -> dict[str, Any]:
        """Everything said about the arrays."""
        return json.loads((self.folder / "meta.json").read_text())

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def kind(self) -> str:
        """What was recorded; the runner dispatches on it."""
        return self.meta["kind"]

    @property
    def config(self) -> dict[str, Any]:
        """Settings of the recorded run."""
        return self.meta.get("config") or {}

    @cached_property
    def inputs(self) -> dict[str, np.ndarray]:
        """What went in."""
        return _load(self.folder / "inputs.npz")

    @cached_property
    def expected(self) -> dict[str, np.ndarray]:
        """What came out in float32, and in float64 under `key__f64`."""
        return _load(self.folder / "expected.npz")

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """State of the released network, its own or its siblings'."""
        siblings = self.meta.get("weights_ref") or []
        siblings = [siblings] if isinstance(siblings, str) else siblings
        arrays = _load(self.folder / "weights.npz")
        for sibling in siblings:
            arrays |= _load(self.folder.parent / sibling / "weights.npz")
        return arrays

    def input(self, key: str, dtype: torch.dtype) -> Tensor:
        """An input as a tensor of this type."""
        return torch.from_numpy(self.inputs[key]).to(dtype)

    def has(self, key: str, *, f64: bool) -> bool:
        """Whether this array was recorded in this precision."""
        return (f"{key}__f64" if f64 else key) in self.expected


def compare(fixture: Fixture, key: str, got: Tensor | np.ndarray, *, f64: bool) -> Result | None:
    """Compare with one recorded array; None where the fixture says nothing in this precision.

    The float32 array says nothing where its tolerance is more than half of its range.

    Args:
        fixture: the recorded arrays.
        key: which of them, without `__f64`.
        got: our result.
        f64: whether it was computed in float64.
    """
    if not fixture.has(key, f64=f64):
        return None
    name = f"{key}__f64" if f64 else key
    expected = fixture.expected[name]
    values = got if isinstance(got, np.ndarray) else got.detach().cpu().numpy()
    suggestion = fixture.meta["expected"][key]
    tolerance = suggestion.get("suggest_f64" if f64 else "suggest_f32") or _steps(suggestion)
    if not f64 and tolerance["atol"] > np.ptp(expected) / 2 and fixture.has(key, f64=True):
        return None
    return _measured(fixture.name, name, values, expected, tolerance)


def compare_all(
    fixture: Fixture, got: Mapping[str, Tensor | np.ndarray], *, f64: bool
) -> Iterator[Result]:
    """Compare with every recorded array that says something in this precision."""
    for key, value in got.items():
        result = compare(fixture, key, value, f64=f64)
        if result is not None:
            yield result


def _steps(suggestion: Mapping[str, Any]) -> dict[str, float]:
    grey = "grey" in str(suggestion.get("suggest", "exact"))
    return {"rtol": 0.0, "atol": 1.0 if grey else 0.0}


def _measured(
    name: str, key: str, got: np.ndarray, expected: np.ndarray, tolerance: Mapping[str, float]
) -> Result:
    if got.shape != expected.shape:
        return Result(name, key, math.inf, tolerance["atol"], False)
    if expected.size == 0:
        return Result(name, key, 0.0, tolerance["atol"], True)
    reference = expected.astype(np.float64)
    allowed = np.asarray(tolerance["atol"] + tolerance["rtol"] * np.abs(reference))
    errors = np.abs(got.astype(np.float64) - reference)
    errors = np.where(np.isnan(errors), math.inf, errors)
    worst = np.argmax(errors - allowed)
    passed = bool((errors <= allowed).all())
    return Result(name, key, float(errors.flat[worst]), float(allowed.flat[worst]), passed)


def _load(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
