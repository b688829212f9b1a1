"""ProGAN as it was before TensorFlow, in Theano: values in a row, without names."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from priorfit.checkpoints.readers.modules import mapping_of
from priorfit.errors import CheckpointError

_GENERATORS = ("G_paper", "G_progressive_8")
_RELU = math.sqrt(2)


def translated(state: dict[Any, Any]) -> dict[Any, Any]:
    """The state of a network, with `variables` as the TensorFlow version would name them.

    A generator of Theano has, for each layer, its filter, the factor that its learning rate was
    equalised with, and its bias. TensorFlow's version of 2018 computes that factor from the shape,
    so that here the quotient of both goes into the filter. Theano's filters are (out, in, k, k) and
    turned by 180°, for it convolves where others correlate.

    Raises:
        CheckpointError: the rows of values are no such generator.
    """
    spec = mapping_of(state.get("build_func_spec"))
    func = None if spec is None else spec.get("func")
    if "version" in state or spec is None or type(func) is not str or func not in _GENERATORS:
        return state
    values = state.get("param_values")
    resolution = spec.get("resolution", 32)
    lod = (mapping_of(state.get("toplevel_params")) or {}).get("cur_lod", 0.0)
    sound = type(resolution) is int and 4 <= resolution <= 4096
    if not sound or not isinstance(values, list) or not isinstance(lod, int | float | np.generic):
        raise CheckpointError("is damaged: a network of Theano has no values in a row")
    rest = iter(values)
    try:
        with np.errstate(all="ignore"):  # what is no number is refused later, by its name
            scales, scaled = resolution.bit_length() - 1, spec.get("use_wscale", True)
            named = list(_generator(rest, scales, scaled))
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError("is damaged: a network of Theano lacks values") from error
    if next(rest, None) is not None:
        raise CheckpointError("is damaged: a network of Theano has values to spare")
    return {
        "version": 2,
        "name": func,
        "build_func_name": "G_paper",
        "static_kwargs": {**spec, "fused_scale": False},
        "variables": [*named, ("lod", np.float32(lod))],
    }


def _generator(
    values: Iterator[np.ndarray], scales: int, scaled: bool
) -> Iterator[tuple[str, np.ndarray]]:
    def layer(name: str, gain: float, weight: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        if scaled:
            factor = _next(values) * math.sqrt(math.prod(weight.shape[:-1])) / gain
            weight = (weight * factor).astype(np.float32)
        yield f"{name}/weight", weight
        yield f"{name}/bias", _next(values)

    first = _next(values).transpose(1, 0, 2, 3)
    yield from layer("4x4/Dense", _RELU / 4, first.reshape(len(first), -1))
    yield from layer("4x4/Conv", _RELU, _turned(_next(values)))
    for scale in range(3, scales + 1):
        side = 1 << scale
        for index in (0, 1):
            yield from layer(f"{side}x{side}/Conv{index}", _RELU, _turned(_next(values)))
    for lod in range(scales - 1):
        yield from layer(f"ToRGB_lod{lod}", 1.0, _next(values)[None, None])


def _next(values: Iterator[np.ndarray]) -> np.ndarray:
    array = next(values, None)
    if not isinstance(array, np.ndarray | np.generic) or array.dtype.kind != "f":
        raise ValueError
    return array


def _turned(weight: np.ndarray) -> np.ndarray:
    """(out, in, k, k) turned by 180°, as (k, k, in, out)."""
    return np.ascontiguousarray(weight.transpose(2, 3, 1, 0)[::-1, ::-1])
