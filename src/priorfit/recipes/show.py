"""Settings as rows that people read."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from types import FunctionType
from typing import Any

from priorfit.priors.moves import STILL
from priorfit.recipes.method import Cited, Row


def rows_of(setting: Any) -> list[Row]:
    """Every cited value of a setting, a dataclass, with its source."""
    values = {field.name: getattr(setting, field.name) for field in fields(setting)}
    return [
        (name.replace("_", " "), describe(value.value), value.source)
        for name, value in values.items()
        if isinstance(value, Cited)
    ]


def describe(value: Any) -> str:
    """One line for a value as settings hold them: numbers, functions, partials and dataclasses.

    What stands at its default is left out if it is no number.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "none", False: "no", True: "yes"}[value]
    if value == STILL:
        return "not at all"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, partial):
        return _called(value.func, value.args, value.keywords)
    if isinstance(value, type | FunctionType):
        return "computed" if value.__name__ == "<lambda>" else _called(value, (), {})
    if isinstance(value, Mapping):
        return ", ".join(f"{describe(key)}: {describe(item)}" for key, item in value.items())
    if isinstance(value, Sequence):
        return ", ".join(_runs(value)) or "none"
    if is_dataclass(value):
        shown = {f.name: getattr(value, f.name) for f in fields(value) if f.repr}
        defaults = {f.name: f.default for f in fields(value)}
        return _called(type(value), (), {n: v for n, v in shown.items() if v is not defaults[n]})
    return " ".join(repr(value).split())


def _called(function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """A call as it would be written, with the numbers that it leaves at their defaults."""
    known = inspect.signature(function).parameters if _ours(function) else {}
    given = {**dict(zip(known, arguments, strict=False)), **named}
    numbers = {
        name: parameter.default
        for name, parameter in known.items()
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool)
    }
    order = list(known) or list(given)
    whole = {**numbers, **given}
    parts = [f"{name}={_inside(whole[name])}" for name in order if name in whole]
    name = function.__name__.lstrip("_")
    return f"{name}({', '.join(parts)})" if parts else name


def _ours(function: Any) -> bool:
    return function.__module__.partition(".")[0] == "priorfit"


def _inside(value: Any) -> str:
    """A value in the middle of a call, where a list needs its brackets."""
    text = describe(value)
    return f"[{text}]" if isinstance(value, list | tuple) else text


def _runs(values: Sequence[Any]) -> list[str]:
    """Each value, and how many times where it repeats itself."""
    runs: list[tuple[str, int]] = []
    for text in map(describe, values):
        again = bool(runs) and runs[-1][0] == text
        runs[-1:] = [(text, runs[-1][1] + 1)] if again else [*runs[-1:], (text, 1)]
    return [text if count == 1 else f"{text} × {count}" for text, count in runs]
