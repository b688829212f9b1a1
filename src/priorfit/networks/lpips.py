"""LPIPS: how different two pictures look, learnt from people's judgement [zhang2018]_."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.features import FeatureNetwork
from priorfit.networks.features import FeatureSettings as FeatureSettings
from priorfit.networks.preparation import TORCHVISION
from priorfit.networks.pretrained import Pretrained
from priorfit.types import Image, PerImage

# Which layers version 0.1 compares, in the authors' code and wherever it was written again.
TAPS = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "squeezenet1_1": ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
}


@dataclass(frozen=True)
class LpipsSettings:
    """How LPIPS is built.

    Args:
        trunk: whose features are compared.
        heads: channels of each layer that is compared.
        widths: of the trunk, see `FeatureSettings`; empty for the heads alone.
    """

    trunk: Literal["alexnet", "squeezenet1_1", "vgg16"]
    heads: tuple[int, ...]
    widths: tuple[int, ...] = ()


class Lpips(Pretrained):
    """Learned perceptual distance, version 0.1.

        L(x, y) = Σₗ mean over pixels of Σ_c w_lc·(x̂_lc − ŷ_lc)²

    x̂_l are the features of layer l, divided in every pixel by their norm over the channels. The
    weights w are published without the classifier; `on` brings the two together.

    Raises:
        CheckpointError: the settings describe no network.
    """

    kind = "lpips"
    Config = LpipsSettings

    def __init__(self, config: LpipsSettings) -> None:
        super().__init__(config)
        self.taps = TAPS[config.trunk]
        if len(config.heads) != len(self.taps) or min(config.heads) < 1:
            raise CheckpointError(
                f"LPIPS on {config.trunk} weighs {len(self.taps)} layers, got {len(config.heads)}"
            )
        self.heads = nn.ModuleList(nn.Linear(width, 1, bias=False) for width in config.heads)
        self.features: FeatureNetwork | None = None
        if config.widths:
            self.features = FeatureNetwork(FeatureSettings(config.trunk, config.widths))
            _check(config, self.features)

    def on(self, features: FeatureNetwork) -> "Lpips":
        """The same weights on a classifier, which is shared, not copied.

        Raises:
            ProblemError: they are not for this one.
        """
        if features.config.trunk != self.config.trunk:
            raise ProblemError(
                f"these weights are for {self.config.trunk}, got {features.config.trunk}"
            )
        config = replace(self.config, widths=features.config.widths)
        with torch.device("meta"):
            whole = Lpips(config)
        whole.heads, whole.features, whole.source = self.heads, features, self.source
        return whole

    def forward(self, image: Image, reference: Image) -> PerImage:
        """Distance, (B,), 0 if equal; (B, 1 or 3, H, W) in [0, 1]."""
        return self.between(self.embedded(image), self.embedded(reference))

    def embedded(self, image: Image) -> list[Tensor]:
        """The normalised features of each layer, (B, C, h, w).

        Raises:
            ProblemError: there is no classifier yet.
        """
        if self.features is None:
            raise ProblemError(f"LPIPS sees nothing before it is put on a {self.config.trunk}")
        found = self.features(image, self.taps, TORCHVISION)
        return [_normalise(found[tap]) for tap in self.taps]

    def between(self, one: list[Tensor], other: list[Tensor]) -> PerImage:
        """Distance of two pictures that are embedded already, (B,)."""
        layers = zip(one, other, self.heads, strict=True)
        # The mean over pixels first: it is the same, and the weighing is then next to no work.
        return torch.cat([head((a - b).square().mean((2, 3))) for a, b, head in layers], 1).sum(1)


def _check(config: LpipsSettings, features: FeatureNetwork) -> None:
    missing = [tap for tap in TAPS[config.trunk] if tap not in features.index]
    if missing:
        raise CheckpointError(f"LPIPS needs the layer {missing[0]} of a {config.trunk}")
    widths = tuple(features.width(tap) for tap in TAPS[config.trunk])
    if widths != config.heads:
        raise CheckpointError(f"LPIPS expects a trunk with {config.heads} channels, got {widths}")


def _normalise(features: Tensor) -> Tensor:
    # The slope of a root is infinite where all features are zero; below this floor the division
    # gives zero either way.
    norm = features.square().sum(1, keepdim=True).clamp_min(1e-20).sqrt()
    return features / (norm + 1e-10)
