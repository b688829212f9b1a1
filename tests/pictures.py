"""Pictures and masks of noise that several test files start from."""

import torch

from priorfit.degradations import Mask, mask


def uniform(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def dropouts(channels: int = 1, fill: float = 0.0, seed: int = 0) -> Mask:
    generator = torch.Generator().manual_seed(seed)
    return mask.bernoulli((8, 6), 0.5, generator, channels=channels, fill=fill)
