"""Tiny generators, encoders, recipes and pictures."""

from functools import partial

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from priorfit.degradations import Degradation, Identity
from priorfit.loop.fit import Recipe, Stage
from priorfit.networks.encoder import InDomainEncoder, InDomainEncoderConfig
from priorfit.networks.generator import Generator
from priorfit.networks.hourglass import Hourglass, Scale
from priorfit.networks.initialise import initialised
from priorfit.networks.stylegan import StyleGan, StyleGanConfig
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import UniformNoise
from priorfit.priors.latent import LatentPrior
from priorfit.priors.starts import BestOf
from priorfit.problem import Problem
from priorfit.terms.data import Mse

_W_DIM = 4


def tiny_generator(seed: int = 0, *, classes: int = 0, size: int = 8) -> Generator:
    """A StyleGAN with random weights; it has the spaces z, w and w+, and can be split and saved.

    Args:
        seed: of the weights.
        classes: number of classes; 0 for none.
        size: height and width of the images; a power of two from 8.
    """
    config = StyleGanConfig(
        channels=(6, *[4] * (size.bit_length() - 3)),
        z_dim=5,
        w_dim=_W_DIM,
        mapping_width=4,
        mapping_depth=2,
        classes=classes,
        final_tanh=True,
    )
    generator = initialised(lambda: StyleGan(config), torch.Generator().manual_seed(seed))
    return generator.eval().requires_grad_(False)


def tiny_encoder(seed: int = 0, *, size: int = 8) -> InDomainEncoder:
    """An encoder with random weights: images in [-1, 1] to one w for each layer of the generator.

    Args:
        seed: of the weights.
        size: as of `tiny_generator`.
    """
    doublings = size.bit_length() - 3
    config = InDomainEncoderConfig(
        channels=(6, *[4] * doublings), layers=2 * (doublings + 1), w_dim=_W_DIM
    )
    encoder = initialised(lambda: InDomainEncoder(config), torch.Generator().manual_seed(seed))
    return encoder.eval().requires_grad_(False)


def tiny_recipe(steps: int = 4) -> Recipe:
    """Deep Image Prior with a network of one scale and four channels, for any size and colour.

    Args:
        steps: length of the fit.
    """
    network = partial(Hourglass, scales=[Scale(4, 4)])
    prior = DeepImagePrior(network, [UniformNoise(channels=4)])
    return Recipe(prior, [Stage(steps, {"network": 0.01}, 1.0 * Mse())])


def tiny_latent_recipe(
    generator: Generator, steps: int = 4, *, space: str = "z", candidates: int = 20
) -> Recipe:
    """Fit a latent of a generator, from the best of a few random ones.

    Args:
        generator: any; `tiny_generator()` for one.
        steps: length of the fit.
        space: `z`, `w` or `w+`.
        candidates: number of random latents to choose from.
    """
    prior = LatentPrior(generator, space, begin=BestOf(candidates))
    part = "z" if space == "z" else "w"
    rates = {part: 0.05} | ({"c": 0.05} if space == "z" and generator.classes else {})
    return Recipe(prior, [Stage(steps, rates, 1.0 * Mse())])


def tiny_picture(
    size: tuple[int, int] = (20, 24),
    *,
    channels: int = 3,
    dtype: DTypeLike = np.uint8,
    seed: int = 0,
) -> NDArray:
    """An array of uniform noise: (H, W, channels), or (H, W) for one channel.

    Args:
        size: (height, width).
        channels: 1 to 4.
        dtype: integers span their whole range, floats span 0 to 1.
        seed: of the noise.
    """
    kind = np.dtype(dtype)
    top = 1.0 if kind.kind == "f" else np.iinfo(kind).max
    shape = size if channels == 1 else (*size, channels)
    return (np.random.default_rng(seed).random(shape) * top).astype(kind)


def tiny_problem(
    degradation: Degradation | None = None,
    *,
    batch: int = 1,
    size: tuple[int, int] = (8, 8),
    seed: int = 0,
) -> Problem:
    """A degraded batch of random pictures (B, 3, H, W).

    Args:
        degradation: any; none leaves the pictures as they are.
        batch: B.
        size: (height, width) of the pictures sought.
        seed: of the pictures.
    """
    degradation = Identity() if degradation is None else degradation
    image = torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(seed))
    return Problem(degradation(image), degradation, image_shape=(3, *size))
