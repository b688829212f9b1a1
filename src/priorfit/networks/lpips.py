"""LPIPS: how different two pictures look, learnt from people's judgement [zhang2018]_."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from priorfit.errors import CheckpointError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.features import Settings as FeatureSettings
from priorfit.networks.preparation import TORCHVISION
from priorfit.networks.pretrained import Pretrained
from priorfit.types import Image, PerImage

# Which layers version 0.1 compares, as in the authors' code: every ReLU before a pool of AlexNet
# and VGG-16 and the later ones of AlexNet, every size and every late fire of SqueezeNet 1.1.
TAPS = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "squeezenet1_1": ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
}


@dataclass(frozen=True)
class Settings:
    """How LPIPS is built.

    Args:
        trunk: whose features are compared.
        widths: see `priorfit.networks.features.Settings`; up to the last convolution.
    """

    trunk: Literal["alexnet", "squeezenet1_1", "vgg16"]
    widths: tuple[int, ...]


class Lpips(Pretrained):
    """Learned perceptual distance, version 0.1.

        L(x, y) = Σₗ mean over pixels of Σ_c w_lc·(x̂_lc − ŷ_lc)²

    x̂_l are the features of layer l, divided in every pixel by their norm over the channels.

    Raises:
        CheckpointError: the settings describe no network.
    """

    kind = "lpips"
    Config = Settings

    def __init__(self, config: Settings) -> None:
        super().__init__(config)
        self.taps = TAPS[config.trunk]
        mean, std = TORCHVISION.mean, TORCHVISION.std
        self.features = FeatureNetwork(FeatureSettings(config.trunk, config.widths, mean, std))
        missing = set(self.taps) - set(self.features.index)
        if missing:
            raise CheckpointError(f"LPIPS on {config.trunk} needs its layers {', '.join(missing)}")
        widths = (self.features.width(tap) for tap in self.taps)
        self.heads = nn.ModuleList(nn.Linear(width, 1, bias=False) for width in widths)

    def forward(self, image: Image, reference: Image) -> PerImage:
        """Distance, (B,), 0 if equal; (B, 1 or 3, H, W) in [0, 1]."""
        return self.between(self.embedded(image), self.embedded(reference))

    def embedded(self, image: Image) -> list[Tensor]:
        """The normalised features of each tap, (B, C, h, w)."""
        found = self.features(image, self.taps)
        return [_normalised(found[tap]) for tap in self.taps]

    def between(self, one: list[Tensor], other: list[Tensor]) -> PerImage:
        """Distance of two pictures that are embedded already, (B,)."""
        layers = zip(one, other, self.heads, strict=True)
        # The mean over pixels first: it is the same, and the weighing is then next to no work.
        return torch.cat([head((a - b).square().mean((2, 3))) for a, b, head in layers], 1).sum(1)


def _normalised(features: Tensor) -> Tensor:
    # The slope of a root is infinite where all features are zero; below this floor the division
    # gives zero either way.
    norm = features.square().sum(1, keepdim=True).clamp_min(1e-20).sqrt()
    return features / (norm + 1e-10)
