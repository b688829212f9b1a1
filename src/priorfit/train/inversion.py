"""How well photographs that a generator has not seen can be drawn by it, beside cheaper ways."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from priorfit.degradations import Identity
from priorfit.loop.fit import Recipe, Restoration, Stage, restore
from priorfit.metrics import psnr
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.weights import frozen
from priorfit.noise import Noise
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf
from priorfit.problem import Problem
from priorfit.terms.data import Mse
from priorfit.terms.objective import Schedule
from priorfit.terms.perceptual import DiscriminatorFeatures
from priorfit.train.judge import drawings, lay_out
from priorfit.types import Image, PerImage

_FEATURES = 4  # of the discriminator, from the coarsest
_WEIGHT = 0.1  # of them beside the squared error of pixels
_RATES = {"z": 0.2, "c": 0.1, "w": 0.1}
_EQUAL = 100.0  # dB, of equal images
_STRIDE = 1_000_003  # keeps the seeds of neighbouring images apart


@dataclass(frozen=True)
class Spread:
    """Several numbers as one.

    Args:
        mean: of them.
        std: their standard deviation; 0 of a single one.
    """

    mean: float
    std: float

    @classmethod
    def of(cls, numbers: Tensor | Sequence[float]) -> "Spread":
        """Mean and standard deviation."""
        found = torch.as_tensor(numbers, dtype=torch.float64)
        return cls(float(found.mean()), float(found.std()) if len(found) > 1 else 0.0)


@dataclass(frozen=True)
class Way:
    """One way to keep photographs, and how close it comes.

    Args:
        name: what is done.
        values: numbers kept of each photograph.
        psnr: in dB, over the photographs, each the mean of its seeds.
        between_seeds: standard deviation of the mean PSNR from seed to seed; None of a way that
            draws nothing at random.
    """

    name: str
    values: int
    psnr: Spread
    between_seeds: float | None = None


@dataclass(frozen=True)
class Inversion:
    """What came of drawing photographs anew.

    Args:
        photographs: how many.
        candidates: latents that the start was chosen from.
        steps: of Adam.
        seeds: how many.
        ways: the inversion itself first, then its start, then the cheaper ways.
        own: drawings of the generator itself, inverted likewise: what the optimisation misses even
            where there is an exact latent.
    """

    photographs: int
    candidates: int
    steps: int
    seeds: int
    ways: tuple[Way, ...]
    own: Spread


@dataclass(frozen=True)
class Effort:
    """How much is computed for an examination.

    Args:
        most: photographs, and drawings, that are compared.
        inverted: photographs that are inverted.
        candidates: see `Inversion`.
        steps: likewise.
    """

    most: int = 2_000
    inverted: int = 32
    candidates: int = 64
    steps: int = 300


USUAL = Effort()


def recipe(generator: Drawing, discriminator: Discriminator, effort: Effort) -> Recipe:
    """How latents of images are found: the best of some, then Adam on z and c, or on w+.

        min mean (G(latent) − y)² + 0.1·Σ mean |D(G(latent)) − D(y)|,  rates fall as a cosine to 0

    Args:
        generator: G.
        discriminator: D; the last four of its features count.
        effort: candidates and steps.
    """
    kept: Any = frozen(discriminator).eval()
    told: Discriminator = kept.to(memory_format=torch.channels_last)
    blank = torch.zeros(1, 3, *told.size, device=_device(generator))
    layers = min(_FEATURES, len(told.features(blank)))  # of the smallest there are fewer
    objective = 1.0 * Mse() + _WEIGHT * DiscriminatorFeatures(told, layers)
    space = "w+" if "w+" in generator.spaces else "z"
    prior = LatentPrior(generator, space, begin=BestOf(effort.candidates, objective))
    parts = ("w",) if space == "w+" else ("z", "c") if generator.classes else ("z",)
    rates = {name: _falling(_RATES[name], effort.steps) for name in parts}
    return Recipe(prior, [Stage(effort.steps, rates, objective)])


def inversion(
    generator: Drawing,
    discriminator: Discriminator,
    learnt: Tensor,
    held_out: Tensor,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    effort: Effort = USUAL,
) -> tuple[Inversion, Image]:
    """Invert photographs that nobody picked, all at once for every seed.

    Args:
        generator: draws images of the size of the photographs.
        discriminator: its features help.
        learnt: (N, 3, S, S) bytes, what the generator has learnt from.
        held_out: (M, 3, S, S) bytes, what it has not seen.
        seeds: of the inversions.
        effort: how much.

    Returns:
        What came of it; a sheet of photographs, each beside what the first seed found.
    """
    device = _device(generator)
    picked = torch.randperm(len(held_out), generator=Generator().manual_seed(0))[: effort.inverted]
    photographs = held_out[picked].to(device).float() / 255
    how = recipe(generator, discriminator, effort)
    begun = [_start(how, photographs, seed) for seed in seeds]
    found = [_invert(how, photographs, seed) for seed in seeds]
    values = sum(tensor[0].numel() for tensor in found[0].code.values())
    ways = (
        _draw("inverted", values, [one.image for one in found], photographs),
        _draw(f"best of {effort.candidates} at random", values, begun, photographs),
        *_cheap(photographs, learnt, values),
    )
    own = torch.cat(list(drawings(generator, max(4, len(photographs) // 4), seeds[0])))
    again = _psnr(_invert(how, own, seeds[0]).image, own)
    sizes = (len(photographs), effort.candidates, effort.steps, len(seeds))
    return Inversion(*sizes, ways, Spread.of(again)), beside(photographs, found[0].image)


def beside(first: Image, second: Image, count: int = 16) -> Image:
    """Lay out pairs of images side by side, four pairs in a row."""
    return lay_out(torch.stack([first[:count], second[:count]], 1).flatten(0, 1))


def shrink(images: Image, side: int) -> Image:
    """Images as copies of side × side pixels bring them back, enlarged by cubics."""
    small = F.interpolate(images, (side, side), mode="bicubic", antialias=True)
    return F.interpolate(small, images.shape[-2:], mode="bicubic").clamp(0, 1)


def closest(images: Image, others: Tensor) -> Image:
    """For each image the one of others, (N, 3, H, W) bytes, with the least squared error."""
    flat = images.flatten(1)
    least = images.new_full((len(images),), math.inf)
    best = images
    for some in others.split(256):
        scaled = some.to(images.device).float() / 255
        found = torch.cdist(flat, scaled.flatten(1)).min(1)
        better = found.values < least
        best = torch.where(better.view(-1, 1, 1, 1), scaled[found.indices], best)
        least = torch.minimum(found.values, least)
    return best


def _cheap(photographs: Image, learnt: Tensor, values: int) -> list[Way]:
    """The ways that need no generator; one keeps no more numbers than a latent has."""
    side = photographs.shape[-1]
    mean = photographs.mean((2, 3), keepdim=True).expand_as(photographs)
    quarter, alike = max(1, side // 4), min(side, max(1, math.isqrt(values // 3)))
    ways = [
        ("mean colour", 3, mean),
        ("nearest photograph learnt from", 1, closest(photographs, learnt)),
        (f"copy of {quarter}×{quarter} pixels", 3 * quarter**2, shrink(photographs, quarter)),
    ]
    if alike != quarter:
        ways.append((f"copy of {alike}×{alike} pixels", 3 * alike**2, shrink(photographs, alike)))
    return [Way(name, kept, Spread.of(_psnr(x, photographs))) for name, kept, x in ways]


def _draw(name: str, values: int, images: Sequence[Image], photographs: Image) -> Way:
    found = torch.stack([_psnr(image, photographs) for image in images])  # (seeds, B)
    return Way(name, values, Spread.of(found.mean(0)), Spread.of(found.mean(1)).std)


def _psnr(images: Image, photographs: Image) -> PerImage:
    """PSNR with a bound: a photograph may well be in the data twice."""
    return psnr(images, photographs).clamp(max=_EQUAL)


def _start(how: Recipe, photographs: Image, seed: int) -> Image:
    noise = Noise(_seeds(photographs, seed), photographs.device)
    with torch.no_grad():
        code = how.prior.start(Problem(photographs, Identity()), noise)
        return how.prior.render(code).clamp(0, 1)


def _invert(how: Recipe, photographs: Image, seed: int) -> Restoration:
    return restore(Problem(photographs, Identity()), how, _seeds(photographs, seed))


def _seeds(photographs: Image, seed: int) -> list[int]:
    return [seed + _STRIDE * number for number in range(len(photographs))]


def _falling(rate: float, steps: int) -> Schedule:
    return lambda step: rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def _device(generator: Drawing) -> torch.device:
    return next(generator.parameters()).device
