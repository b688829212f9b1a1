"""Many latents blended channel by channel between two layers of a PGGAN [gu2020]_."""

import re
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from priorfit.checkpoints.layouts import pggan
from priorfit.networks.pggan import PgGan
from tests.parity.fixture import Fixture, Result
from tests.parity.style import answered, load


def mgan_multicode(fixture: Fixture) -> Iterator[Result]:
    """Images, blends and gradients at every composing layer."""
    for dtype in (torch.float32, torch.float64):
        generator: PgGan = load(fixture, dtype, pggan.LAYOUTS)

        def answer(
            key: str, generator: PgGan = generator, dtype: torch.dtype = dtype
        ) -> Tensor | None:
            layer = re.search(r"_L(\d+)", key)
            return _answer(fixture, generator, key, int(layer[1]), dtype) if layer else None

        yield from answered(fixture, answer, dtype)


def _answer(
    fixture: Fixture, generator: PgGan, key: str, layer: int, dtype: torch.dtype
) -> Tensor | None:
    z = fixture.input(f"z_L{layer}" if f"z_L{layer}" in fixture.inputs else "z", dtype)
    alpha = fixture.input(f"alpha_L{layer}", dtype)
    parts = {"z": z.requires_grad_(), "alpha": alpha.requires_grad_()}
    codes = generator.lower(z.flatten(0, 1), layer).unflatten(0, z.shape[:2])
    scaled = codes * alpha[..., None, None]
    if key.startswith("per_code_image"):
        return generator.upper(scaled.flatten(0, 1), layer, z)
    blend = scaled.mean(1)
    if key.startswith("fused_feature"):
        return blend
    image = generator.upper(blend, layer, z)
    wanted = re.match(r"grad_(z|alpha)", key)
    if wanted:
        return torch.autograd.grad(image.square().mean(), parts[wanted[1]])[0]
    return image if key.startswith("image") else None


KINDS: dict[str, Callable[[Fixture], Iterator[Result]]] = {"mgan_multicode": mgan_multicode}
