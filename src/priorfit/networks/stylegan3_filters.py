"""Low-pass filters of StyleGAN3 [karras2021]_, and changes of the sampling rate with them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def low_pass(
    taps: int, cutoff: float, half_width: float, rate: float, *, radial: bool = False
) -> Tensor:
    """A filter that lets pass what lies below a frequency, by the method of the Kaiser window.

        separable  sinc(2·f·t), (taps,);   radial  J₁(2π·f·r) / (π·r), (taps, taps)

    Args:
        taps: how many there are.
        cutoff: f, in cycles over the image, where one half of the amplitude passes.
        half_width: how far below and above f the transition reaches.
        rate: samples over the image.
        radial: whether it is the same in every direction; else it is applied along both axes.
    """
    beta = _beta(taps, 2 * half_width / (rate / 2))
    place = torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2
    inside = 1 - (place / max((taps - 1) / 2, 1)).square()
    window = torch.special.i0(beta * inside.sqrt())
    t = place / rate
    if radial:
        r = torch.hypot(t[:, None], t).clamp_min(1e-12)
        response = torch.special.bessel_j1(2 * cutoff * math.pi * r) / (math.pi * r)
        response = response * torch.outer(window, window)
    else:
        response = torch.sinc(2 * cutoff * t) * window
    return response / response.sum()


def _beta(taps: int, width: float) -> float:
    """Shape of Kaiser's window for a transition as wide as this share of the Nyquist frequency."""
    attenuation = 2.285 * (taps - 1) * math.pi * width + 7.95
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    return 0.0


def upsample(x: Tensor, taps: Tensor | None, factor: int, margins: tuple[int, int]) -> Tensor:
    """Raise the sampling rate: zeros in between and around, then a filter of gain `factor`².

    Args:
        x: (B, C, h, w).
        taps: (n,), applied along both axes; None where there is nothing to filter.
        factor: of the rate.
        margins: rows and columns of zeros before and after, which the filter then takes away; less
            than none cuts.
    """
    if taps is None:
        return F.pad(x, [*margins, *margins])
    n, channels = len(taps), x.shape[1]
    along = (taps * factor).expand(channels, 1, 1, n)
    before, after = n - 1 - margins[0], n - factor - margins[1]
    missing = max(0, -before, -after)
    if missing:
        rows = -(-missing // factor)
        x = F.pad(x, [rows] * 4)
        before, after = before + rows * factor, after + rows * factor
    x = F.conv_transpose2d(x, along, stride=(1, factor), groups=channels)
    x = x[..., before : x.shape[-1] - after]
    x = F.conv_transpose2d(x, along.mT, stride=(factor, 1), groups=channels)
    return x[..., before : x.shape[-2] - after, :]


def downsample(x: Tensor, taps: Tensor | None, factor: int) -> Tensor:
    """Filter, then keep every `factor`-th sample; the filter takes its width from the size.

    Args:
        x: (B, C, h, w).
        taps: (n,), applied along both axes, or (n, n); None where there is nothing to filter.
        factor: of the rate.
    """
    if taps is None:
        return x
    channels = x.shape[1]
    if taps.ndim == 2:
        kernel = taps.flip(0, 1).expand(channels, 1, -1, -1)
        return F.conv2d(x, kernel, stride=factor, groups=channels)
    along = taps.flip(0).expand(channels, 1, 1, -1)
    x = F.conv2d(x, along.mT, stride=(factor, 1), groups=channels)
    return F.conv2d(x, along, stride=(1, factor), groups=channels)
