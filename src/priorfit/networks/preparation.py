"""How a picture is put before a trained classifier, which knows one scale of values only."""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from priorfit.errors import ProblemError
from priorfit.types import Image


@dataclass(frozen=True)
class Preparation:
    """(x − mean) / std for every channel, (B, 1 or 3, H, W) in [0, 1] -> (B, 3, h, w).

    A grey picture becomes three equal channels.

    Args:
        mean: what counts as zero, on the scale of the picture, in the order that the network takes.
        std: what counts as one.
        bgr: whether the network takes blue, green, red.
        size: side of the square that the picture is resized to first; None keeps its size.
        resize: how, without averaging where it shrinks, as released.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False
    size: int | None = None
    resize: Literal["nearest", "bilinear"] = "nearest"

    def __call__(self, image: Image) -> Tensor:
        if image.ndim != 4 or image.shape[1] not in (1, 3):
            raise ProblemError(
                f"expected a picture (B, 1 or 3, H, W), got a shape of {tuple(image.shape)}"
            )
        image = image.expand(-1, 3, -1, -1)
        if self.size and image.shape[-2:] != (self.size, self.size):
            image = F.interpolate(image, (self.size, self.size), mode=self.resize)
        image = image.flip(1) if self.bgr else image
        scale = image.new_tensor([1 / std for std in self.std])[:, None, None]
        shift = image.new_tensor([m / s for m, s in zip(self.mean, self.std, strict=True)])
        return image * scale - shift[:, None, None]


# The statistics of ImageNet that torchvision trains with. LPIPS shifts and scales [-1, 1] to just
# the same.
TORCHVISION = Preparation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Of the networks that Caffe trained: values to 255, less the mean colour of ImageNet.
CAFFE = Preparation((103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255,) * 3, bgr=True)
# The same networks with the first filters turned round: torchvision's IMAGENET1K_FEATURES.
CAFFE_RGB = Preparation((0.48235, 0.45882, 0.40784), (1 / 255,) * 3)
# What [pan2020]_ feeds to a VGG-16: the drawing itself, whatever the network was trained with.
SIGNED = Preparation((0.5,) * 3, (0.5,) * 3)
RAW = Preparation((0.0,) * 3, (1.0,) * 3)
