"""The number format in which convolutions are computed; parameters and sums stay in float32."""

from collections.abc import Callable

import torch

Precision = Callable[[torch.device], torch.dtype | None]
"""Device to the format of its convolutions; None computes in the observation's own."""


def full(device: torch.device) -> torch.dtype | None:
    """Compute everything as the observation is stored."""
    return None


def fastest(device: torch.device) -> torch.dtype | None:
    """Take bfloat16 where the device multiplies it faster than float32 (twice as fast on a CPU)."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if device.type == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if native else None
    return None
