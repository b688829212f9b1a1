"""How two networks learn from each other: losses, rates, and how drawings are made meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from priorfit.networks.generator import Generator as Drawing
from priorfit.train.adapting import Adapting
from priorfit.train.augment import Augmentation
from priorfit.train.growing import Growing
from priorfit.train.losses import Losses
from priorfit.train.onlooker import Sight
from priorfit.types import Image

Latents = Callable[[Drawing, Tensor, Tensor | None, Generator], Tensor]
"""(generator, z, c, source of numbers) -> the latents that it draws in training."""


def map_latents(generator: Drawing, z: Tensor, c: Tensor | None, noise: Generator) -> Tensor:
    """The latents that z stands for."""
    return generator.map(z, c)


Draw = Callable[..., Image]
"""`draw` of a generator, perhaps compiled, perhaps not grown up."""

Judging = Callable[..., Tensor]
"""`forward` of a discriminator, likewise."""

Paint = Callable[[Draw, Drawing, Tensor, Tensor | None, Generator], Image]
"""(its draw, generator, latents, c, source of numbers) -> the drawings it makes in training."""


def paint_latents(
    draw: Draw, generator: Drawing, latent: Tensor, c: Tensor | None, noise: Generator
) -> Image:
    """The drawings of latents."""
    return draw(latent, c)


Rates = Callable[[int], float]
"""Photographs seen -> what both learning rates are multiplied by."""


def steady(seen: int) -> float:
    """Learning rates that stay what they are."""
    return 1.0


def cool_down(images: int, part: float = 0.5) -> Rates:
    """Learning rates that go down to zero, in a straight line, in the last part of a training.

    Args:
        images: length of the training.
        part: of it, over which they go down.
    """

    def factor(seen: int) -> float:
        return min(1.0, max(0.0, (1 - seen / images) / part))

    return factor


@dataclass(frozen=True)
class Game:
    """How two networks learn from each other.

    Args:
        losses: what each minimises.
        augmentation: what changes images before the discriminator sees them.
        batch: photographs a step, and as many drawings.
        generator_rate: learning rate of Adam.
        discriminator_rate: likewise.
        betas: of both.
        r1: weight γ of the gradient penalty on photographs; 0 for none.
        r2: likewise on drawings.
        r1_every: steps from one penalty to the next, which then counts so often [karras2020]_.
        path: weight of the regularisation of path lengths; 0 for none.
        path_every: likewise.
        half_life: images after which the average of the generator has forgotten half.
        latents: how latents come from z in training.
        paint: how drawings come from latents in training.
        precision: of the networks' arithmetic; float32, or bfloat16 where that is faster.
        rates: course of both learning rates.
        compiled: whether the networks are compiled; steps with a penalty, which compiled
            networks cannot learn from, and those of networks that grow are taken as they are.
        growing: resolution over the training, of networks that can grow; None for all at once.
        adapting: how often images are augmented; None for always.
        sight: what further verdicts go by, beside those of the discriminator; None for nothing.
    """

    losses: Losses
    augmentation: Augmentation
    batch: int = 64
    generator_rate: float = 1e-4
    discriminator_rate: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.99)
    r1: float = 0.0
    r2: float = 0.0
    r1_every: int = 16
    path: float = 0.0
    path_every: int = 8
    half_life: float = 10_000
    latents: Latents = map_latents
    paint: Paint = paint_latents
    precision: torch.dtype = torch.float32
    rates: Rates = steady
    compiled: bool = False
    growing: Growing | None = None
    adapting: Adapting | None = None
    sight: Sight | None = None
