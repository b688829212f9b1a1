"""Degradations whose own numbers are unknown and fitted along with the image."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.degradations.resample import Downsample, Lanczos
from priorfit.errors import ProblemError
from priorfit.types import Code, Image, Observation, Shape


@dataclass(frozen=True)
class BlindDownsample(Degradation):
    """Downsampling with an unknown window, `degradation.kernel` (B, k, k), started at Lanczos.

    The released code's OPT_OVER = 'down' (utils/common_utils.py, get_params) trains the window so.

    Args:
        factor: image pixels per observed pixel.
        lobes: of the Lanczos window it starts from.
    """

    factor: int
    lobes: int = 2

    def start(self, observation: Observation) -> Code:
        taps = Downsample(self.factor, Lanczos(self.lobes)).taps().to(observation)
        return {"degradation.kernel": torch.outer(taps, taps).repeat(len(observation), 1, 1)}

    def at(self, code: Code) -> Degradation:
        return Windowed(code["degradation.kernel"], self.factor)

    def __call__(self, image: Image) -> Observation:
        return self.at(self.start(image))(image)

    def image_shape(self, observation: Shape) -> Shape:
        channels, height, width = observation
        return channels, height * self.factor, width * self.factor

    def lift(self, observation: Observation) -> Image:
        return observation.repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)


@dataclass(frozen=True, eq=False)
class Windowed(Degradation):
    """Downsampling by a whole factor with a window of each image's own, (B, k, k)."""

    kernel: Tensor
    factor: int

    def __call__(self, image: Image) -> Observation:
        batch, channels, height, width = image.shape
        if height % self.factor or width % self.factor:
            raise ProblemError(f"cannot downsample {height}×{width} pixels by {self.factor}")
        side = self.kernel.shape[-1]
        margin = (side - self.factor) // 2  # centres each output pixel on its block of inputs
        padded = F.pad(image, [margin] * 4, mode="replicate").flatten(0, 1)[None]  # (1, B·C, …)
        kernels = self.kernel.repeat_interleave(channels, 0)[:, None]  # (B·C, 1, k, k)
        groups = batch * channels
        return F.conv2d(padded, kernels, stride=self.factor, groups=groups)[0].unflatten(
            0, (batch, channels)
        )

    def image_shape(self, observation: Shape) -> Shape:
        channels, height, width = observation
        return channels, height * self.factor, width * self.factor
