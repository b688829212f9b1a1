"""Taps of the resampling windows: numbers only, shared by degradations and networks."""

import torch
from torch import Tensor

from priorfit.errors import ProblemError


def lanczos_window(t: Tensor, lobes: int) -> Tensor:
    """sinc(t)·sinc(t / lobes), for |t| up to `lobes`."""
    return torch.sinc(t) * torch.sinc(t / lobes)


def lanczos(factor: int, lobes: int, phase: float = 0.5) -> Tensor:
    """Taps of the Lanczos window on a grid `factor` times finer than its own, in float64, sum 1.

    As models/downsampler.py of [ulyanov2018]_, whose two-dimensional kernel is the outer product
    of these taps with themselves.

    Args:
        factor: input pixels per output pixel.
        lobes: 2 or 3 in practice; the window ends after that many output pixels on either side.
        phase: 0.5 centres the window between two pixels (2·lobes·factor taps), 0 on a pixel (one
            tap more).

    Raises:
        ProblemError: the factor or the lobes are below one, or the phase is neither 0 nor 0.5.
    """
    if factor < 1 or lobes < 1 or phase not in (0, 0.5):
        raise ProblemError(
            "a Lanczos window needs a factor and lobes of at least 1 and a phase of 0 or 0.5, "
            f"got {factor}, {lobes} and {phase}"
        )
    count = 2 * lobes * factor + (phase == 0)
    t = torch.arange(count, dtype=torch.float64, device="cpu")
    t = (t - (count - 1) / 2) / factor
    taps = lanczos_window(t, lobes)
    return taps / taps.sum()
