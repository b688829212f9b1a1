"""Seeded randomness that belongs to the image, not to the batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Noise:
    """One generator an image: an image draws the same numbers alone and in a batch.

    Args:
        seeds: one seed an image.
        device: where the numbers are drawn; the same seed gives other numbers on another device.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generators = [torch.Generator(self.device).manual_seed(seed) for seed in seeds]

    def __len__(self) -> int:
        return len(self.generators)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw N(0, 1) of shape (B, *shape)."""
        draws = [self._place(*shape, dtype=dtype).normal_(generator=g) for g in self.generators]
        return _together(draws)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw U(0, 1) of shape (B, *shape)."""
        draws = [self._place(*shape, dtype=dtype).uniform_(generator=g) for g in self.generators]
        return _together(draws)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on drawing from here."""
        return {"generators": [generator.get_state() for generator in self.generators]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on drawing from where `state` was taken."""
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.set_state(saved)

    def _place(self, *shape: int, dtype: torch.dtype) -> Tensor:
        return torch.empty(1, *shape, device=self.device, dtype=dtype)


def _together(draws: list[Tensor]) -> Tensor:
    return draws[0] if len(draws) == 1 else torch.cat(draws)
