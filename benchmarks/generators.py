"""Trained networks beside their plain formulation, measured in turns in one run, as ratios.

Plain: what the papers write, every scale and singular value computed in every step, memory as
(B, C, H, W). Ours: `frozen`, channels-last. Each draws, or encodes, and sends a gradient back to
what it was given.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from tests import plain_biggan, plain_style
from torch import Tensor
from torch.func import grad, vmap

from benchmarks.plain_stylegan2 import stylegan2
from priorfit.checkpoints.layouts import LAYOUTS, Found
from priorfit.networks.biggan import BigGan, generator_channels
from priorfit.networks.encoder import InDomainEncoder, InDomainEncoderConfig
from priorfit.networks.growth import widths
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.networks.stylegan2 import StyleGan2, StyleGan2Config
from priorfit.networks.weights import frozen

Function = Callable[[Tensor], Tensor]
Network = TypeVar("Network", bound=Pretrained)
Timed = dict[str, Callable[[], object]]

_WIDTH = 192  # of latents: the networks have about a third of the published widths


@dataclass(frozen=True)
class Case:
    """One network, and the tensor that a gradient is wanted of.

    Args:
        plain: the plain formulation.
        ours: the same by our network.
        given: the tensor.
    """

    plain: Function
    ours: Function
    given: Tensor


def quick(network: Network) -> Network:
    """A network as a prior uses one whose weights stand still."""
    return frozen(network.eval()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def biggan(side: int, width: int) -> tuple[BigGan, Mapping[str, Tensor]]:
    """A generator of random weights, and these by their published names."""
    shapes = plain_biggan.generator_shapes(
        generator_channels(side, width),
        [side.bit_length() - 5],  # pixels attend to each other at half the size
        z_dim=120,
        classes=10,
        embedding=128,
    )
    found = Found(plain_biggan.drawn(shapes, dtype=torch.float32))
    network = build_stored(next(x for x in LAYOUTS if x.recognises(found)).convert(found))
    assert isinstance(network, BigGan)
    return network, found.tensors


def cases(batch: int, side: int = 128) -> dict[str, Case]:
    """Every network with a plain formulation, for so many images."""
    noise = torch.Generator().manual_seed(0)
    channels = widths(side, 64 * _WIDTH // 3 * 2, _WIDTH)
    sizes = {"z_dim": _WIDTH, "w_dim": _WIDTH, "mapping_width": _WIDTH}
    grown = initialised(lambda: PgGan(PgGanConfig(channels, _WIDTH)), noise)
    style = initialised(lambda: StyleGan(StyleGanConfig(channels, **sizes)), noise)
    style2 = initialised(lambda: StyleGan2(StyleGan2Config(channels, **sizes)), noise)
    # A new network begins with a plane of ones, whose deviation is rounding error alone.
    style.const.data.normal_(generator=noise)
    settings = InDomainEncoderConfig(channels=channels, layers=2 * len(channels), w_dim=_WIDTH)
    encoder = initialised(lambda: InDomainEncoder(settings), noise).eval()
    gan, published = biggan(side, 32)
    labels = torch.arange(batch) % gan.classes
    c, drawing, encoding = gan.embed(labels), quick(gan), quick(encoder)

    def normal(*shape: int) -> Tensor:
        return torch.randn(batch, *shape, generator=noise)

    w = normal(2 * len(channels), _WIDTH)
    return {
        "BigGAN": Case(
            partial(plain_biggan.generator, published, labels=labels),
            lambda z: drawing(z, c),
            normal(gan.z_dim),
        ),
        "PGGAN": Case(partial(plain_style.pggan, grown.state_dict()), quick(grown), normal(_WIDTH)),
        "StyleGAN": Case(partial(plain_style.stylegan, style.state_dict()), quick(style).draw, w),
        "StyleGAN2": Case(partial(stylegan2, style2.state_dict()), quick(style2).draw, w),
        "in-domain encoder": Case(
            partial(plain_style.encoder, encoder.state_dict()),
            lambda x: encoding(x).flatten(1),
            normal(3, side, side),
        ),
    }


def step(function: Function, given: Tensor) -> Tensor:
    """The gradient of the mean square of what a network makes of a tensor."""
    given = given.clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(given).square().mean(), given)
    return slope


def tuned(images: int) -> Timed:
    """Gradients of all weights for several images: one after the other, and all at once."""
    gan, published = biggan(64, 16)
    gan = gan.requires_grad_(True).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    z = torch.randn(images, gan.z_dim, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(images) % gan.classes
    fitted = {n: w for n, w in published.items() if not n.endswith((".u0", "_mean", "_var"))}
    rest = {n: w for n, w in published.items() if n not in fitted}

    def loss(weights: dict[str, Tensor], z: Tensor, label: Tensor) -> Tensor:
        return plain_biggan.generator({**weights, **rest}, z[None], label[None]).square().mean()

    def ours() -> None:
        for row, label in zip(z, labels, strict=True):
            value = gan(row[None], gan.embed(label[None])).square().mean()
            torch.autograd.grad(value, [*gan.parameters()])

    def plain() -> None:
        for row, label in zip(z, labels, strict=True):
            grad(loss)(fitted, row, label)

    own = {n: w[None].repeat(images, *[1] * w.ndim) for n, w in fitted.items()}
    return {
        "loop, ours": ours,
        "loop, plain": plain,
        "vmap, plain": lambda: vmap(grad(loss))(own, z, labels),
    }


def medians(timed: Timed, rounds: int) -> dict[str, float]:
    """Median seconds of each, taken in turns; the first turn does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds + 1):
        for name, act in timed.items():
            began = time.perf_counter()
            act()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def compared(case: Case, rounds: int) -> dict[str, float]:
    """Seconds of both formulations, their ratio, and how far their results are apart."""
    wanted, got = case.plain(case.given), case.ours(case.given)
    seconds = medians(
        {
            "plain": partial(step, case.plain, case.given),
            "ours": partial(step, case.ours, case.given),
        },
        rounds,
    )
    return {
        **{name: round(value, 4) for name, value in seconds.items()},
        "ratio": round(seconds["ours"] / seconds["plain"], 3),
        "largest difference": float(f"{(wanted - got).abs().max().item():.1e}"),
        "largest value": float(f"{wanted.abs().max().item():.1e}"),
    }


def measure(rounds: int, results: Path) -> None:
    """Compare every network, alone and in a batch of four, and write what came out."""
    found = {
        f"{name}, {batch} image{'s' * (batch > 1)}": compared(case, rounds)
        for batch in (1, 4)
        for name, case in cases(batch).items()
    }
    several = medians(tuned(4), rounds)
    report = {
        "date": date.today().isoformat(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": rounds,
        "pixels": "128×128",
        "seconds, forward and backward, median": found,
        "weights of BigGAN at 64×64 tuned to 4 images, seconds": {
            name: round(value, 4) for name, value in several.items()
        },
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    results.write_text(text + "\n")
    print(text)
