"""Progressive growing: small pictures first, larger ones faded in [karras2018]_."""

import dataclasses
import math
from dataclasses import dataclass

import torch

from priorfit.networks.generator import Generator as Drawing
from priorfit.networks.growth import smooth
from priorfit.networks.pggan import PgGan
from priorfit.networks.stylegan import StyleGan
from priorfit.types import Image


@dataclass(frozen=True)
class Growing:
    """How many doublings of the resolution are still missing, over a training.

    Args:
        doublings: that are missing at first.
        stays: photographs seen at one resolution before the next fades in.
        fades: photographs seen while it does.
    """

    doublings: int
    stays: int
    fades: int

    def lod(self, seen: int) -> float:
        """Doublings that are missing after so many photographs; a part of one while it fades in."""
        phase, within = divmod(seen, self.stays + self.fades)
        faded = max(0, within - self.stays) / self.fades if self.fades else 0.0
        return max(0.0, self.doublings - phase - faded)


def doublings(size: int) -> int:
    """How often 8 pixels are doubled to a size, a power of two; 0 for smaller ones."""
    return max(0, size.bit_length() - 4)


def within(images: int, doublings: int, part: float = 0.5) -> Growing:
    """Growing that is over after a part of a training, half of it spent fading.

    Args:
        images: length of the training.
        doublings: of the resolution.
        part: of the training.
    """
    each = max(2, round(images * part / max(1, doublings)))
    return Growing(doublings, each - each // 2, each // 2)


def match_detail(photographs: Image, lod: float) -> Image:
    """Photographs as fine as drawings of this lod are, (B, 3, H, W) of the same size."""
    coarse, share = math.floor(lod), lod % 1
    fine = smooth(photographs, 1 << coarse)
    return torch.lerp(fine, smooth(photographs, 2 << coarse), share) if share else fine


def at(generator: Drawing, lod: float) -> Drawing:
    """Have a generator draw as fine as it has learnt to; one that cannot grow is left alone."""
    if isinstance(generator, PgGan | StyleGan):
        generator.config = dataclasses.replace(generator.config, lod=lod)
    return generator
