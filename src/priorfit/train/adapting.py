"""How often images are augmented, found by itself [karras2020ada]_."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from priorfit.train.augment import Augmentation
from priorfit.types import Image

EVERY = 4
"""Steps from one change to the next, as published."""


@dataclass(frozen=True)
class Adapting:
    """Augment more often where the discriminator is too sure of photographs, and less where not.

    Args:
        target: mean sign of its verdicts on photographs that is aimed at. Published: 0.6.
        images: photographs over which the probability can go from 0 to 1. Published: 500,000.
    """

    target: float = 0.6
    images: int = 500_000


class Probability:
    """The probability that an image is augmented, and what it is found from; on the device.

    Args:
        rule: None augments every image.
        device: where.
    """

    def __init__(self, rule: Adapting | None, device: torch.device) -> None:
        self.rule = rule
        self.value = torch.zeros((), device=device) if rule else torch.ones((), device=device)
        self.signs = torch.zeros((), device=device)

    def changed(self, augmentation: Augmentation, image: Image, noise: Generator) -> Image:
        """Images, (B, 3, H, W), of which each is augmented or not."""
        changed = augmentation(image, noise)
        if self.rule is None:
            return changed
        shape = (len(image), 1, 1, 1)
        chosen = torch.rand(shape, generator=noise, device=image.device) < self.value
        return torch.where(chosen, changed, image)

    def note(self, verdicts: Tensor) -> None:
        """Remember the verdicts, (B,), on the photographs of one step."""
        if self.rule is not None:
            self.signs += verdicts.detach().sign().mean() / EVERY

    def adapt(self, batch: int) -> None:
        """Move towards the target, after `EVERY` steps of so many photographs."""
        if self.rule is not None:
            way = (self.signs - self.rule.target).sign() * (EVERY * batch / self.rule.images)
            self.value.add_(way).clamp_(0, 1)
            self.signs.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Both numbers."""
        return {"value": self.value.clone(), "signs": self.signs.clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from there."""
        self.value.copy_(saved["value"])
        self.signs.copy_(saved["signs"])
