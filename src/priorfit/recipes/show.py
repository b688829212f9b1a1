"""Settings as rows that people read."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from types import FunctionType
from typing import Any

from priorfit.recipes.setting import Cited, Setting

Row = tuple[str, str, str]
"""Name, value, source."""


def rows(setting: Setting) -> list[Row]:
    """Every number of a setting, with its source where it has one."""
    described = []
    for field in fields(setting):
        value = getattr(setting, field.name)
        cited = isinstance(value, Cited)
        text = describe(value.value) if cited else describe(value)
        described.append((field.name, text, value.source if cited else ""))
    return described


def describe(value: Any) -> str:
    """One line for a value as settings hold them: numbers, functions, partials and dataclasses."""
    if isinstance(value, str):
        return value
    if isinstance(value, partial):
        return _called(value.func, value.args, value.keywords)
    if isinstance(value, type | FunctionType):
        return "computed" if value.__name__ == "<lambda>" else value.__name__
    if isinstance(value, Sequence):
        return f"[{', '.join(_runs(value))}]"
    if is_dataclass(value):
        changed = {f.name: getattr(value, f.name) for f in fields(value) if f.repr}
        defaults = {f.name: f.default for f in fields(value)}
        shown = {name: v for name, v in changed.items() if v is not defaults[name]}
        return _called(type(value), (), {n: v for n, v in shown.items() if v != defaults[n]})
    return " ".join(repr(value).split())


def _called(function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """A call as it would be written."""
    parts = [describe(value) for value in arguments]
    parts += [f"{name}={describe(value)}" for name, value in named.items()]
    return f"{describe(function)}({', '.join(parts)})"


def _runs(values: Sequence[Any]) -> list[str]:
    """Each value, and how many times where it repeats itself."""
    runs: list[tuple[str, int]] = []
    for text in map(describe, values):
        again = bool(runs) and runs[-1][0] == text
        runs[-1:] = [(text, runs[-1][1] + 1)] if again else [*runs[-1:], (text, 1)]
    return [text if count == 1 else f"{text} × {count}" for text, count in runs]
