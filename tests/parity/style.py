"""PGGAN, StyleGAN and the in-domain encoder, as mGANprior and in-domain inversion have them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from priorfit.checkpoints.layouts import Found, Layout, encoder, pggan, stylegan
from priorfit.networks.encoder import InDomainEncoder
from priorfit.networks.pggan import PgGan
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.networks.stylegan import StyleGan
from priorfit.store.files import Stored
from tests.parity.fixture import Fixture, Result, compare_all

Values = Mapping[str, Any]


def load(
    fixture: Fixture,
    dtype: torch.dtype,
    layouts: tuple[Layout, ...],
    *,
    prefix: str = "",
    config: Values | None = None,
    changes: Values | None = None,
) -> Any:
    """A network of recorded weights, converted by whatever layout knows their names.

    Args:
        fixture: the recorded arrays.
        dtype: in which the weights are converted and the network computes.
        layouts: that may know the names.
        prefix: of the names, where the fixture holds several networks.
        config: settings of the released network; those of the fixture if left out.
        changes: settings of ours that the weights do not tell.
    """
    weights = {
        name.removeprefix(prefix): torch.from_numpy(array)
        for name, array in fixture.weights.items()
        if name.startswith(prefix)
    }
    tensors = {k: t.to(dtype) if t.is_floating_point() else t for k, t in weights.items()}
    found = Found(tensors, settings=dict(fixture.config if config is None else config))
    layout = next(layout for layout in layouts if layout.recognises(found))
    stored = layout.convert(found)
    return network(replace(stored, config={**stored.config, **(changes or {})}), dtype)


def network(stored: Stored, dtype: torch.dtype) -> Pretrained:
    """A network in the precision of what was stored; `build_stored` knows only one."""
    made = build_stored(stored).to(dtype)
    tensors = {k: t.to(dtype) if t.is_floating_point() else t for k, t in stored.tensors.items()}
    made.load_state_dict(tensors, assign=True)
    return made.requires_grad_(False)


def stylegan_settings(fixture: Fixture, config: Values) -> dict[str, Any]:
    """What the weights of a StyleGAN do not tell."""
    changes: dict[str, Any] = {}
    if "final_tanh" in config:
        changes["final_tanh"] = config["final_tanh"]
    if not any(name.endswith("truncation.truncation") for name in fixture.weights):
        psi, layers = config.get("truncation_psi", 0.7), config.get("truncation_layers", 8)
        off = psi is None or layers is None
        changes |= {
            "truncation_psi": 1.0 if off else psi,
            "truncation_layers": 0 if off else layers,
        }
    return changes


def pggan_generator(fixture: Fixture) -> Iterator[Result]:
    """Images of every lod, and how z is normalised before."""
    for dtype in (torch.float32, torch.float64):
        generator: PgGan = load(fixture, dtype, pggan.LAYOUTS)

        def answer(key: str, generator: PgGan = generator, dtype: torch.dtype = dtype) -> Any:
            if key == "z_preprocessed":
                return generator.normalised(fixture.input("z_raw", dtype))
            grown = re.match(r"image_lod([\d.]+)", key)
            z = fixture.input("z", dtype).requires_grad_(key.startswith("grad"))
            image = generator.draw(z, lod=float(grown[1]) if grown else None)
            return torch.autograd.grad(image.square().mean(), z)[0] if z.requires_grad else image

        yield from answered(fixture, answer, dtype)


def stylegan_generator(fixture: Fixture) -> Iterator[Result]:
    """Images from z, w and w+, truncated and not; also with a w of its own for each layer."""
    changes = stylegan_settings(fixture, fixture.config)
    for dtype in (torch.float32, torch.float64):
        generator: StyleGan = load(fixture, dtype, stylegan.LAYOUTS, changes=changes)
        yield from answered(fixture, StyleAnswers(fixture, generator, dtype), dtype)


class StyleAnswers:
    """What a StyleGAN says to each recorded key."""

    def __init__(self, fixture: Fixture, generator: StyleGan, dtype: torch.dtype) -> None:
        self.fixture, self.generator, self.dtype = fixture, generator, dtype
        self.w = generator.map(fixture.input("z", dtype))
        self.wp = fixture.input("wp", dtype) if "wp" in fixture.inputs else self.w

    @cached_property
    def noise(self) -> list[Tensor] | None:
        """What was drawn anew when recording; None where the stored noise was used."""
        sides = [4 << index // 2 for index in range(self.generator.layers)]
        given = sorted((name for name in self.fixture.inputs if "noise" in name), key=_number)
        if len(given) == len(sides):
            return [self.fixture.input(name, self.dtype) for name in given]
        seed = self.fixture.inputs.get("seed", self.fixture.config.get("seed"))
        if not self.fixture.config.get("randomize_noise") or seed is None:
            return None
        generator, batch = torch.Generator().manual_seed(int(seed)), len(self.wp)
        drawn = (torch.randn(batch, 1, side, side, generator=generator) for side in sides)
        return [noise.to(self.dtype) for noise in drawn]

    def __call__(self, key: str) -> Tensor | None:
        if key == "w" and self.generator.config.repeat_w:
            return self.w[:, 0]
        if key in ("w", "w_flat"):
            return self.w.flatten(1)
        if key.startswith("wp_truncated"):
            return self.generator.truncated(self.w)
        style = re.fullmatch(r"style(\d+)", key)
        if style:
            return self.generator.synthesis[int(style[1])].style(self.wp[:, int(style[1])])
        grown = re.search(r"lod([\d.]+)", key)
        return self._image(key, float(grown[1]) if grown else None)

    def _image(self, key: str, lod: float | None) -> Tensor | None:
        of = re.match(r"(image|grad)(?:_lod[\d.]+)?(?:_from)?_(wp|w|z)", key)
        if of is None:
            return None
        w = {"wp": self.wp, "w": self.w, "z": self.generator.truncated(self.w)}[of[2]]
        if of[2] == "z" and "no_truncation" in key:
            w = self.w
        w = w.detach().requires_grad_(of[1] == "grad")
        image = self.generator.draw(w, noise=self.noise, lod=lod)
        return torch.autograd.grad(image.square().mean(), w)[0] if w.requires_grad else image


def idi_encoder(fixture: Fixture) -> Iterator[Result]:
    """Codes with stored and with batch statistics."""
    for dtype in (torch.float32, torch.float64):

        def answer(key: str, dtype: torch.dtype = dtype) -> Tensor | None:
            # Anew each time: training moves the statistics.
            network: InDomainEncoder = load(fixture, dtype, encoder.LAYOUTS)
            network.train("train_mode" in key)
            x = fixture.input("x", dtype).requires_grad_(key.startswith("grad"))
            code = network(x)
            if x.requires_grad:
                return torch.autograd.grad(code.square().mean(), x)[0]
            return code.flatten(1) if key.startswith("code_flat") else code

        yield from answered(fixture, answer, dtype)


def answered(
    fixture: Fixture, answer: Callable[[str], Tensor | None], dtype: torch.dtype
) -> Iterator[Result]:
    """Compare what is said to every recorded key."""
    got: dict[str, Tensor] = {}
    for key in fixture.meta["expected"]:
        value = answer(key)
        if value is not None:
            got[key] = as_recorded(fixture, key, value)
    yield from compare_all(fixture, got, f64=dtype == torch.float64)


def as_recorded(fixture: Fixture, key: str, value: Tensor) -> Tensor:
    """An array in the form in which it was recorded: statistics, bytes, every n-th pixel."""
    value = value.detach()
    if key.endswith("_mean_std"):
        flat = value.flatten(2)
        return torch.stack([flat.mean(2), flat.std(2, correction=0)])
    shape = fixture.meta["expected"][key]["shape"]
    if "uint8" in key:
        value = ((value + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        step = max(value.shape[1] // shape[1], 1)
        return value[:, ::step, ::step]
    if value.ndim == 4 and len(shape) == 4:
        step = max(value.shape[3] // shape[3], 1)
        channels = 1 if value.shape[1] == shape[1] else 4
        return value[:, ::channels, ::step, ::step]
    return value


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name) or -1)


KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {
    "idi_encoder": idi_encoder,
    "pggan_generator": pggan_generator,
    "stylegan_generator": stylegan_generator,
}
