"""Cameras and archives that keep less than the colour."""

from dataclasses import dataclass

import torch

from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Shape

# ITU-R BT.601 to four digits, as [pan2020]_ weighs them; they sum to 0.9999.
_LUMA = (0.2989, 0.5870, 0.1140)


@dataclass(frozen=True)
class Grayscale:
    """Weighted mean of red, green and blue, (B, 3, H, W) -> (B, 1, H, W).

    y = 0.2989·R + 0.5870·G + 0.1140·B
    """

    def __call__(self, image: Image) -> Observation:
        if image.shape[1] != 3:
            raise ProblemError(f"expected an image of 3 channels, got {image.shape[1]}")
        weights = torch.tensor(_LUMA, dtype=image.dtype, device=image.device)
        return (image * weights[:, None, None]).sum(1, keepdim=True)

    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the coloured image.

        Raises:
            ProblemError: the observation has more than one channel.
        """
        channels, height, width = observation
        if channels != 1:
            raise ProblemError(f"expected a grey observation of 1 channel, got {channels}")
        return 3, height, width
