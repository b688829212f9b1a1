"""Observations made from clean images: y = A(x) + noise, clipped and reproducible."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.errors import ProblemError
from priorfit.images.jpeg_tables import JpegTables, jpeg_tables
from priorfit.types import Image, Observation
from priorfit.wording import described

NoiseModel = Callable[[Observation, torch.Generator], Observation]
"""Makes a noisy observation of a noiseless one, with draws from the generator alone."""


@dataclass(frozen=True)
class GaussianNoise:
    """y + std·n, n standard normal.

    Args:
        std: as a fraction of full scale, 0 to 1.
    """

    std: float

    def __post_init__(self) -> None:
        _check_std(self.std)

    def __call__(self, observation: Observation, generator: torch.Generator) -> Observation:
        return observation + self.std * _normal(observation, generator)


@dataclass(frozen=True)
class SpeckleNoise:
    """y·(1 + std·n), n standard normal: what grows with the signal, as in radar and ultrasound.

    Args:
        std: as a fraction of the signal, 0 to 1.
    """

    std: float

    def __post_init__(self) -> None:
        _check_std(self.std)

    def __call__(self, observation: Observation, generator: torch.Generator) -> Observation:
        return observation * (1 + self.std * _normal(observation, generator))


@dataclass(frozen=True)
class PoissonNoise:
    """Counted photons, Poisson(peak·y) / peak.

    Args:
        peak: mean number of photons in a white pixel.
    """

    peak: float

    def __post_init__(self) -> None:
        if not self.peak > 0:
            raise ProblemError(f"expected a positive number of photons, got {self.peak}")

    def __call__(self, observation: Observation, generator: torch.Generator) -> Observation:
        rate = self.peak * observation.clamp(min=0).to(generator.device)
        return torch.poisson(rate, generator=generator).to(observation.device) / self.peak


@dataclass(frozen=True)
class SaltAndPepper:
    """Values that turned black or white, one as likely as the other, every channel by itself.

    Args:
        fraction: how many, 0 to 1.
    """

    fraction: float

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise ProblemError(f"expected a fraction between 0 and 1, got {self.fraction}")

    def __call__(self, observation: Observation, generator: torch.Generator) -> Observation:
        draws = torch.rand(observation.shape, generator=generator, device=generator.device)
        draws = draws.to(observation.device)
        salted = torch.where(draws < self.fraction, 1.0, observation)
        return torch.where(draws < self.fraction / 2, 0.0, salted)


def simulate(
    image: Image,
    degradation: Degradation,
    noise: NoiseModel | None = None,
    *,
    generator: torch.Generator | None = None,
) -> Observation:
    """Degrade a clean image, add noise and clip to [0, 1].

    Args:
        image: (B, C, H, W) in [0, 1].
        degradation: A.
        noise: say `GaussianNoise(25 / 255)`; none by default.
        generator: where the noise comes from; needed if there is any.

    Raises:
        ProblemError: there is noise and no generator, or the image is no tensor.
    """
    if not isinstance(image, Tensor):
        raise ProblemError(
            f"expected an image that is a torch tensor (B, C, H, W), got {described(image)}"
        )
    with torch.no_grad():
        observation = degradation(image)
        if noise is not None:
            if generator is None:
                raise ProblemError("noise needs a torch.Generator to be drawn from")
            observation = noise(observation, generator)
        return degradation.refill(observation.clamp(0, 1))  # nothing was measured there


class JpegObservation(NamedTuple):
    """What a JPEG file shows, and what is known about the way there."""

    observation: Observation
    tables: JpegTables
    files: tuple[bytes, ...]
    """One a picture."""


# Pillow's numbers for how many pixels share a colour, as (columns, rows).
_SUBSAMPLING = {(1, 1): 0, (2, 1): 1, (2, 2): 2}


def jpeg(image: Image, quality: int, subsampling: tuple[int, int] = (2, 2)) -> JpegObservation:
    """Store every picture as a JPEG file of 8 bits, and read it again.

    Args:
        image: (B, 1 or 3, H, W) in [0, 1].
        quality: 1 to 100, on libjpeg's scale.
        subsampling: (columns, rows) of pixels that share a colour: (1, 1) is 4:4:4, (2, 1) 4:2:2
            and (2, 2) 4:2:0.

    Raises:
        ProblemError: any of these is out of range.
    """
    if image.shape[1] not in (1, 3) or not len(image):
        raise ProblemError(f"a JPEG has 1 or 3 channels, got an image of {tuple(image.shape)}")
    if not 1 <= quality <= 100 or subsampling not in _SUBSAMPLING:
        raise ProblemError(
            f"expected a quality of 1 to 100 and a subsampling among {list(_SUBSAMPLING)}, "
            f"got {quality} and {subsampling}"
        )
    files = tuple(_encoded(picture, quality, _SUBSAMPLING[subsampling]) for picture in image)
    observation = torch.stack([_decoded(file) for file in files]).to(image)
    return JpegObservation(observation, jpeg_tables(files[0]), files)


def _encoded(picture: Tensor, quality: int, subsampling: int) -> bytes:
    levels = (picture.detach().clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    pixels = levels[0] if len(levels) == 1 else levels.permute(1, 2, 0)
    file = io.BytesIO()
    PillowImage.fromarray(pixels.numpy()).save(
        file, "JPEG", quality=quality, subsampling=subsampling
    )
    return file.getvalue()


def _decoded(file: bytes) -> Tensor:
    with PillowImage.open(io.BytesIO(file), formats=["JPEG"]) as picture:
        pixels = torch.from_numpy(np.array(picture)).double() / 255
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def centre_crop(image: Image, multiple: int, rounding: Callable[[float], int] = round) -> Image:
    """The largest part from the middle of (B, C, H, W) whose sides are multiples of a number.

    Args:
        image: (B, C, H, W).
        multiple: of the sides to keep.
        rounding: of half of an odd margin, to where the crop begins. [ulyanov2018]_ rounds half to
            even for super-resolution and with `math.floor` in its other tasks.

    Raises:
        ProblemError: a side is shorter than the number.
    """
    height, width = image.shape[-2:]
    kept_height, kept_width = height - height % multiple, width - width % multiple
    if not kept_height or not kept_width:
        raise ProblemError(f"cannot crop {height}×{width} pixels to multiples of {multiple}")
    top, left = rounding((height - kept_height) / 2), rounding((width - kept_width) / 2)
    return image[..., top : top + kept_height, left : left + kept_width]


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    draws = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=generator.device)
    return draws.to(like.device)


def _check_std(std: float) -> None:
    if not 0 <= std <= 1:
        raise ProblemError(
            f"expected a standard deviation between 0 and 1 of full scale, got {std}: "
            f"did you mean {std:g}/255?"
        )
