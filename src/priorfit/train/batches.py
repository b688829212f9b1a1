"""Photographs in batches, in an order that can be resumed."""

from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from priorfit.train.data import Photographs
from priorfit.types import Image


class Batch(NamedTuple):
    """Photographs as a discriminator takes them.

    Args:
        images: (B, 3, S, S) in [-1, 1].
        labels: (B,), None where nobody asks for them.
    """

    images: Image
    labels: Tensor | None


class Batches:
    """Endless batches: every photograph once an epoch, in another order, half of them mirrored.

    Args:
        photographs: all of them; they move to the device as bytes.
        batch: B; an epoch may end inside a batch.
        noise: source of the orders, on the device.
        mirror: whether half of them are mirrored left to right.
    """

    def __init__(
        self, photographs: Photographs, batch: int, noise: Generator, *, mirror: bool = True
    ) -> None:
        self.batch, self.noise, self.mirror = batch, noise, mirror
        self.images = photographs.images.to(noise.device)
        self.labels = photographs.labels.to(noise.device)
        self.order = torch.empty(0, dtype=torch.long, device=noise.device)

    def next(self) -> Batch:
        """Draw the next batch."""
        while len(self.order) < self.batch:
            epoch = torch.randperm(len(self.images), generator=self.noise, device=self.noise.device)
            self.order = torch.cat([self.order, epoch])
        chosen, self.order = self.order[: self.batch], self.order[self.batch :]
        images = self.images[chosen].float().div_(127.5).sub_(1)
        if self.mirror:
            turned = torch.rand(self.batch, generator=self.noise, device=self.noise.device) < 0.5
            images = torch.where(turned[:, None, None, None], images.flip(3), images)
        return Batch(images, self.labels[chosen])

    def state_dict(self) -> dict[str, Any]:
        """What is left of the epoch; the source of numbers is the caller's."""
        return {"order": self.order.clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on from there."""
        self.order = saved["order"].to(self.noise.device)
