"""StyleGAN2 of mGANprior and genforce, and that of NVlabs with ADA."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found
from priorfit.checkpoints.layouts.stylegan2 import GENFORCE, MGANPRIOR, NVLABS
from priorfit.errors import PriorfitError
from priorfit.networks.pretrained import build_stored
from priorfit.networks.stylegan2 import StyleGan2
from priorfit.store.files import Stored
from tests.parity.fixture import Fixture, Result, compare_all

Answer = Callable[[Fixture, Callable[..., StyleGan2], str], Tensor | None]


def stylegan2(fixture: Fixture) -> Iterator[Result]:
    """The first form, as mGANprior and genforce write it."""
    config = fixture.config
    changes: dict[str, Any] = {"fused": config.get("fused_modulate", True)}
    if "truncation.truncation" not in fixture.weights:
        changes["truncation_psi"] = config.get("truncation_psi", 0.5)
        changes["truncation_layers"] = config.get("truncation_layers")
    yield from _compared(fixture, changes, _first)


def stylegan2_ada(fixture: Fixture) -> Iterator[Result]:
    """The second form, of NVlabs."""
    clamp = fixture.config.get("clamp", fixture.config.get("conv_clamp"))
    yield from _compared(fixture, {"clamp": clamp, "fused": True}, _second)


def _compared(fixture: Fixture, changes: dict[str, Any], answer: Answer) -> Iterator[Result]:
    for dtype in (torch.float32, torch.float64):
        stored = _stored(fixture, changes, dtype)

        def network(stored: Stored = stored, **more: Any) -> StyleGan2:
            return _built(replace(stored, config={**stored.config, **more}))

        keys = {key.removesuffix("__f64") for key in fixture.expected}
        answers = {key: answer(fixture, network, key) for key in keys}
        got = {k: _thinned(fixture, k, a) for k, a in answers.items() if a is not None}
        yield from compare_all(fixture, got, f64=dtype == torch.float64)


def _stored(fixture: Fixture, changes: dict[str, Any], dtype: torch.dtype) -> Stored:
    """The recorded weights by our names, converted in this precision."""
    found = Found({key: torch.from_numpy(a).to(dtype) for key, a in fixture.weights.items()})
    layout = next(layout for layout in (MGANPRIOR, GENFORCE, NVLABS) if layout.recognises(found))
    stored = layout.convert(found)
    return replace(stored, config={**stored.config, **changes})


def _built(stored: Stored) -> StyleGan2:
    """A network in the precision of what was stored; `build_stored` knows only one."""
    network = build_stored(stored)
    assert isinstance(network, StyleGan2)
    network.load_state_dict(stored.tensors, assign=True)
    return network.requires_grad_(False)


def _first(fixture: Fixture, network: Callable[..., StyleGan2], key: str) -> Tensor | None:
    generator = network()
    w = _mapped(fixture, generator)
    wp = _input(fixture, generator, "wp")
    style = re.fullmatch(r"(output_)?style(\d+)", key)
    if style and wp is not None:
        number = int(style[2])
        if style[1]:
            return generator.outputs[number].style(wp[:, 2 * number + 1])
        layers = [*generator.synthesis, generator.outputs[-1]]
        return layers[number].style(wp[:, number])
    if key == "w" and w is not None:
        return w[:, 0]
    if key.startswith(("wp_truncated", "image_from_z")) and w is not None:
        w = generator.truncated(w)
        return w if key.startswith("wp") else generator.draw(w)
    if key.startswith("image_from_w_") and w is not None:
        given = _input(fixture, generator, "w")
        return generator.draw(w if given is None else given[:, None])
    return _drawn(generator, wp, gradient=key == "grad_wp") if "wp" in key else None


def _second(fixture: Fixture, network: Callable[..., StyleGan2], key: str) -> Tensor | None:
    words = key.split("_")
    generator = network(fused="nonfused" not in words)
    if words[0] not in ("ws", "image", "grad"):
        return None
    if words[1:] == ["ws"]:
        w = _input(fixture, generator, "ws")
        return _drawn(generator, w, gradient=words[0] == "grad")
    w = _mapped(fixture, generator)
    psi = next((float(word[3:]) for word in words if word.startswith("psi")), 1.0)
    cutoff = next((int(word[3:]) for word in words if re.fullmatch(r"cut\d+", word)), None)
    if w is None:
        return None
    w = generator.truncated(w, psi, cutoff)
    if words[0] == "ws":
        return w
    noise = generator.no_noise() if {"nonoise", "none"} & {*words} else None
    return generator.draw(w, noise=noise)


def _mapped(fixture: Fixture, generator: StyleGan2) -> Tensor | None:
    """w of the recorded z, and of its classes if there are any."""
    z, c = _input(fixture, generator, "z"), None
    if z is None:
        return None
    if generator.classes:
        c = generator.embed(_labels(fixture, generator))
    return generator.map(z, c)


def _labels(fixture: Fixture, generator: StyleGan2) -> Tensor:
    """What was said of classes, under whatever name: numbers, or a row for each image."""
    for key, array in fixture.inputs.items():
        numbers = array.ndim == 1 and np.issubdtype(array.dtype, np.integer)
        if numbers or (array.ndim == 2 and array.shape[1] == generator.classes and key != "z"):
            return torch.from_numpy(array).to(torch.int64 if numbers else generator.const.dtype)
    raise PriorfitError(f"{fixture.name} has {generator.classes} classes, but no labels among them")


def _input(fixture: Fixture, generator: StyleGan2, key: str) -> Tensor | None:
    return fixture.input(key, generator.const.dtype) if key in fixture.inputs else None


def _drawn(generator: StyleGan2, w: Tensor | None, *, gradient: bool) -> Tensor | None:
    """The image of w, or the gradient of its mean square."""
    if w is None:
        return None
    image = generator.draw(w.requires_grad_(gradient))
    return torch.autograd.grad(image.square().mean(), w)[0] if gradient else image


def _thinned(fixture: Fixture, key: str, got: Tensor) -> Tensor:
    """Every n-th pixel, where the recorder kept no more."""
    shape = fixture.meta["expected"][key]["shape"]
    if got.ndim != 4 or len(shape) != 4 or got.shape[-1] % shape[-1]:
        return got
    step = got.shape[-1] // shape[-1]
    return got[..., ::step, ::step]


KINDS = {"stylegan2_generator": stylegan2, "stylegan2_ada_generator": stylegan2_ada}
