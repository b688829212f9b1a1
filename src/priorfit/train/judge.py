"""Look at a generator in training: a sheet of drawings nobody picked, and how far it has come."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from priorfit.errors import ProblemError
from priorfit.networks.generator import Generator as Drawing
from priorfit.train import frechet
from priorfit.train.frechet import Embed, Gaussian, Overlap
from priorfit.types import Image

SHEET = 64
"""Drawings on a sheet."""

_COLUMNS = 8
_FEWEST = frechet.NEIGHBOURS + 1
_SEED = 2_024  # of the drawings that are judged, whatever the seed of the training


class Judgement(NamedTuple):
    """What features say of drawings.

    Args:
        distance: Fréchet distance from the photographs.
        precision: see `frechet.Overlap`.
        recall: likewise.
    """

    distance: float
    precision: float
    recall: float


class Judge:
    """Compares drawings with photographs by the features of one network.

    Args:
        embed: images -> features.
        photographs: (N, 3, S, S) bytes; best are those that the training does not see.
        most: of the photographs, evenly from first to last, and drawings as many.
        name: of the network.
        against: which photographs these are, in words.

    Raises:
        ProblemError: they are too few to say anything about.
    """

    def __init__(
        self,
        embed: Embed,
        photographs: Tensor,
        most: int = 2_000,
        *,
        name: str = "features of a network",
        against: str = "photographs",
    ) -> None:
        self.embed, self.name, self.against = embed, name, against
        if len(photographs) < _FEWEST:
            raise ProblemError(
                f"expected at least {_FEWEST} photographs to judge by, got {len(photographs)}: "
                "leave the judging out by --features none"
            )
        # Photographs lie in the order of their classes; the first ones would be of one class.
        chosen = torch.linspace(0, len(photographs) - 1, min(most, len(photographs))).round().long()
        self.features = frechet.embed_all(embed, _scale(photographs[chosen.to(photographs.device)]))
        self.gaussian: Gaussian = frechet.gaussian(self.features)

    def judge(self, generator: Drawing, seed: int = _SEED) -> Judgement:
        """Draw as many images as there are photographs and compare them."""
        drawn = self.drawn(generator, seed)
        distance = frechet.frechet(self.gaussian, frechet.gaussian(drawn))
        both: Overlap = frechet.overlap(self.features, drawn)
        return Judgement(distance, both.precision, both.recall)

    def drawn(self, generator: Drawing, seed: int = _SEED) -> Tensor:
        """Features of as many drawings, their classes in turn."""
        count = len(self.features)
        return frechet.embed_all(self.embed, drawings(generator, count, seed))


@torch.no_grad()
def drawings(generator: Drawing, count: int, seed: int = _SEED, batch: int = 64) -> Iterator[Image]:
    """Draw images in [0, 1], rounded to bytes as files hold them, in batches; classes in turn."""
    device = next(generator.parameters()).device
    noise = Generator(device).manual_seed(seed)
    for first in range(0, count, batch):
        numbers = torch.arange(first, min(first + batch, count), device=device)
        z = torch.randn(len(numbers), generator.z_dim, generator=noise, device=device)
        c = generator.embed(numbers % generator.classes) if generator.classes else None
        image = generator.image(generator(z, c)).clamp(0, 1)
        yield (image * 255).round() / 255


@torch.no_grad()
def sheet(generator: Drawing, seed: int = _SEED) -> Image:
    """Draw 64 images that nobody picked, (1, 3, 8·S, 8·S) in [0, 1], ordered by their classes."""
    device = next(generator.parameters()).device
    noise = Generator(device).manual_seed(seed)
    z = torch.randn(SHEET, generator.z_dim, generator=noise, device=device)
    labels = torch.arange(SHEET, device=device) * generator.classes // SHEET
    c = generator.embed(labels) if generator.classes else None
    return lay_out(generator.image(generator(z, c)).clamp(0, 1))


def lay_out(images: Image, columns: int = _COLUMNS) -> Image:
    """Lay (N, C, S, S) out in rows, (1, C, rows·S, columns·S); what is left over stays black."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    full = images.new_zeros(rows * columns, channels, height, width)
    full[:count] = images
    laid = full.view(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return laid.reshape(1, channels, rows * height, columns * width)


def _scale(photographs: Tensor, batch: int = 256) -> Iterator[Image]:
    for some in photographs.split(batch):
        yield some.float() / 255
