"""Give a trained generator of z a W space: a mapping learns what to draw from [zhu2020]_."""

import torch

from priorfit.networks.generator import Discriminator
from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.initialise import initialised
from priorfit.networks.mapped import Mapped, Mapping, MappingConfig
from priorfit.train.data import Photographs
from priorfit.train.game import Game
from priorfit.train.generator import Training


def learn_mapping(
    generator: Drawing,
    discriminator: Discriminator,
    photographs: Photographs,
    game: Game,
    images: int,
    *,
    config: MappingConfig | None = None,
    seed: int = 0,
) -> Mapped:
    """Learn a mapping M in front of a generator that stands still.

    M begins as w = z, where the generator draws what it always has, and plays the generator's own
    game against its discriminator, so that w need not be N(0, 1) where that is not how pictures
    are spread.

    Args:
        generator: draws from z; not changed.
        discriminator: trained with it; learns on.
        photographs: that both have learnt from.
        game: how M and the discriminator learn; latents and drawings are M's business.
        images: photographs to learn from.
        config: of M; None for four layers twice as wide as z.
        seed: gives every number.

    Raises:
        ProblemError: the generator has a W space already.
    """
    config = config or MappingConfig(generator.z_dim, 2 * generator.z_dim)
    device = next(generator.parameters()).device
    noise = torch.Generator().manual_seed(seed)
    begun = Mapped(generator, initialised(lambda: Mapping(config), noise, device))
    training = Training(begun, discriminator, photographs, game, seed)
    while training.seen < images:
        training.step()
    found = training.average.network.mapping
    assert isinstance(found, Mapping)
    return Mapped(generator, found.requires_grad_(False).eval()).eval()
