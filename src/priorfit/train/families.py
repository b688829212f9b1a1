"""The kinds of generator that can be trained, each with its discriminator and its game."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Generator, Tensor

from priorfit.networks.biggan import BigGan, BigGanConfig
from priorfit.networks.biggan_discriminator import BigGanDiscriminator, BigGanDiscriminatorConfig
from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.initialise import initialised
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.networks.stylegan_discriminator import (
    StyleGanDiscriminator,
    StyleGanDiscriminatorConfig,
)
from priorfit.train.augment import DIFFERENTIABLE
from priorfit.train.game import Draw, Game
from priorfit.train.losses import HINGE, LOGISTIC, PAIRING
from priorfit.train.onlooker import Sight
from priorfit.types import Image

WIDEST = 512
"""Channels that no layer goes beyond, as published."""

FEWEST = 16
"""Numbers of a latent at least; usual are half as many as the widest layer has channels."""


@dataclass(frozen=True)
class Pair:
    """Two networks that are trained against each other, and how.

    Args:
        generator: builds it; draws nothing.
        discriminator: likewise.
        game: how they learn.
    """

    generator: Callable[[], Drawing]
    discriminator: Callable[[], Discriminator]
    game: Game

    def started(
        self, seed: int, device: torch.device | str = "cpu"
    ) -> tuple[Drawing, Discriminator]:
        """Both networks as they are before training."""
        noise = Generator().manual_seed(seed)
        generator = initialised(self.generator, noise, device)
        if isinstance(generator, StyleGan):
            # Of ones, as published, it says nothing about where things are for the first thousands
            # of steps; a short training has no time for that.
            values = torch.randn(generator.const.shape, generator=noise)
            generator.const.data.copy_(values)
        return generator, initialised(self.discriminator, noise, device)


def biggan(size: int, classes: int, width: int, *, widest: int = WIDEST) -> Pair:
    """BigGAN [brock2019]_ with the hinge game and two rates [heusel2017]_.

    Args:
        size: side of the images, a power of two.
        classes: how many; 0 for none.
        width: channels at the full size; every halving doubles them.
        widest: to this at most.
    """
    channels = _pyramid(size, width, widest)
    blocks = len(channels) - 1
    # At half the size, as published for 128 pixels; for 64 where it is for 32, at 16 pixels, so
    # that what has learnt to draw 32 can go on. At 32 pixels a step takes a tenth longer.
    sooner = 1 if size == 64 else 0
    attention = max(0, blocks - 2) - sooner
    drawing = BigGanConfig(
        channels=channels,
        attention=(attention,),
        z_dim=20 * (blocks + 1),
        classes=classes,
        embedding=64,
    )
    judging = BigGanDiscriminatorConfig(
        side=size,
        channels=tuple(reversed(channels)),
        halvings=blocks,
        attention=(sooner,),
        classes=classes,
    )
    game = Game(
        HINGE,
        DIFFERENTIABLE,
        batch=32,
        # At 2e-4 the discriminator falls behind after 20,000 images, and its verdicts say nothing.
        generator_rate=5e-5,
        discriminator_rate=4e-4,
        betas=(0.0, 0.99),
    )
    return Pair(lambda: BigGan(drawing), lambda: BigGanDiscriminator(judging), game)


def stylegan(
    size: int,
    classes: int,
    width: int,
    *,
    widest: int = WIDEST,
    own_w: bool = True,
    noise: bool = False,
    grows: bool = False,
) -> Pair:
    """StyleGAN [karras2019]_ with the logistic game and lazy R1.

    One that grows begins with images of a quarter of the size and less, whose gradients by pixels
    of the full size are so much smaller; its R1 weighs more for that, and its batches are larger.
    On 100,000 images of 32×32 pixels all that do not grow drew one layout for every class.

    Args:
        size: side of the images, a power of two.
        classes: how many; 0 for none.
        width: channels at the full size; every halving doubles them.
        widest: to this at most.
        own_w: whether each layer gets a w of its own, as in-domain inversion wants [zhu2020]_.
        noise: whether every layer gets noise; without it w alone says what is drawn, which is what
            inversion finds.
        grows: whether the discriminator can grow as the generator can, see `Game.growing`.
    """
    channels = _pyramid(size, width, widest)
    latent = max(FEWEST, channels[0] // 2)
    drawing = StyleGanConfig(
        channels=channels,
        z_dim=latent,
        w_dim=latent,
        mapping_width=latent,
        mapping_depth=4,
        repeat_w=not own_w,
        classes=classes,
    )
    judging = StyleGanDiscriminatorConfig(
        channels=channels, dense=channels[0], group=4, classes=classes, grows=grows
    )
    rate = 1e-3 if grows else 2e-3
    game = Game(
        LOGISTIC,
        DIFFERENTIABLE,
        batch=32 if grows else 16,
        generator_rate=rate,
        discriminator_rate=rate,
        betas=(0.0, 0.99),
        r1=(1e-3 if grows else 5e-5) * size**2,
        latents=draw_styles,
        paint=noisy if noise else quiet,
    )
    return Pair(lambda: StyleGan(drawing), lambda: StyleGanDiscriminator(judging), game)


def pggan(size: int, classes: int, width: int, *, widest: int = WIDEST) -> Pair:
    """PGGAN [karras2018]_ with the logistic game and lazy R1; both networks can grow.

    Args:
        size: side of the images, a power of two.
        classes: PGGAN knows none; what they are is left out.
        width: channels at the full size; every halving doubles them.
        widest: to this at most.
    """
    channels = _pyramid(size, width, widest)
    drawing = PgGanConfig(channels=channels, z_dim=max(FEWEST, channels[0] // 2))
    judging = StyleGanDiscriminatorConfig(
        channels=channels, dense=channels[0], blur=False, group=4, grows=True
    )
    game = Game(
        LOGISTIC,
        DIFFERENTIABLE,
        batch=16,
        generator_rate=2e-3,
        discriminator_rate=2e-3,
        betas=(0.0, 0.99),
        r1=5e-5 * size**2,
    )
    return Pair(lambda: PgGan(drawing), lambda: StyleGanDiscriminator(judging), game)


def seeing(game: Game, sight: Sight) -> Game:
    """A game with further verdicts; where no gradient is penalised, one of pairs with R1 and R2.

    From trained networks on, pairs came further in the same time than the hinge, with further
    verdicts and without (`benchmarks/README.md`).

    Args:
        game: of a family.
        sight: what the further verdicts go by.
    """
    if game.r1:
        return replace(game, sight=sight)
    return replace(game, sight=sight, losses=PAIRING, r1=_R, r2=_R, r1_every=8)


_R = 0.5  # weight of both penalties; one value was tried, for 64×64 pixels


def draw_styles(generator: Drawing, z: Tensor, c: Tensor | None, noise: Generator) -> Tensor:
    """Latents of a StyleGAN in training, whose mean w follows them; most repeated w are mixed."""
    assert isinstance(generator, StyleGan)
    w = generator.map(z, c)
    generator.follow(w)
    if not generator.config.repeat_w:
        return w
    other = generator.map(torch.randn(z.shape, generator=noise, device=z.device), c)
    shape = (len(w), 1)
    crossed = torch.randint(1, generator.layers, shape, generator=noise, device=z.device)
    mixed = torch.rand(shape, generator=noise, device=z.device) < _MIXED
    rows = torch.arange(generator.layers, device=z.device)
    return torch.where((mixed & (rows >= crossed))[..., None], other, w)


_MIXED = 0.9  # part of the images whose finer layers get another w [karras2019]_


def noisy(draw: Draw, generator: Drawing, w: Tensor, c: Tensor | None, noise: Generator) -> Image:
    """A drawing of StyleGAN with fresh noise in every layer."""
    assert isinstance(generator, StyleGan)
    shapes = [(len(w), 1, side, side) for side in _sides(generator)]
    fresh = [torch.randn(shape, generator=noise, device=w.device) for shape in shapes]
    return draw(w, c, noise=fresh)


def quiet(draw: Draw, generator: Drawing, w: Tensor, c: Tensor | None, noise: Generator) -> Image:
    """A drawing of StyleGAN without noise, whose strength then never leaves its start, 0."""
    assert isinstance(generator, StyleGan)
    none = [w.new_zeros(1, 1, side, side) for side in _sides(generator)]
    return draw(w, c, noise=none)


def _sides(generator: StyleGan) -> list[int]:
    return [4 << (layer // 2) for layer in range(generator.layers)]


def _pyramid(size: int, width: int, widest: int) -> tuple[int, ...]:
    """Channels at 4, 8, … pixels."""
    scales = size.bit_length() - 2
    return tuple(min(widest, width << (scales - 1 - scale)) for scale in range(scales))


class PairBuilder(Protocol):
    """Makes networks and game."""

    def __call__(self, size: int, classes: int, width: int, *, widest: int = WIDEST) -> Pair:
        """A pair for images of size × size; see `biggan`."""
        ...


FAMILIES: dict[str, PairBuilder] = {
    "biggan": biggan,
    "pggan": pggan,
    "stylegan": stylegan,
}
"""By the name of the family."""

GROWING: dict[str, PairBuilder] = {
    "pggan": pggan,
    "stylegan": partial(stylegan, grows=True),
}
"""Those whose resolution can grow, both networks ready for it."""
