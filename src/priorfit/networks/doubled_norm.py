"""Batch normalisation of some channels, before they are doubled instead of after.

Normalising commutes with doubling if its statistics are those of the doubled image.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from priorfit.networks.convolution import separable

_TAPS = (3 / 16, 10 / 16, 3 / 16)
"""Σ u·u' of a row doubled bilinearly, halved: the taps by which its pixels meet each other."""


def count_batch(norm: nn.BatchNorm2d) -> None:
    """Note that a batch is being seen; once for all its channels."""
    if norm.training and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)


def normalise(
    x: Tensor,
    norm: nn.BatchNorm2d,
    part: slice,
    *,
    doubled: bool = False,
    interpolated: bool = False,
) -> Tensor:
    """Some channels of a batch normalisation, (B, C, H, W) -> (B, C, H, W).

    Args:
        x: those channels.
        norm: of all channels.
        part: which ones.
        doubled: the statistics are those of x doubled, of four times as many pixels.
        interpolated: doubled bilinearly, not by repetition.
    """
    weight, bias = norm.weight[part], norm.bias[part]
    if norm.running_mean is None or norm.running_var is None:
        return _by_batch(x, weight, bias, norm.eps, interpolated)[0]
    known_mean, known_variance = norm.running_mean[part], norm.running_var[part]
    if not norm.training:
        return F.batch_norm(x, known_mean, known_variance, weight, bias, False, 0.0, norm.eps)
    y, mean, variance = _by_batch(x, weight, bias, norm.eps, interpolated)
    count = x.numel() // x.shape[1] * (4 if doubled else 1)
    share = norm.momentum
    if share is None:
        share = 1 / int(norm.num_batches_tracked or 1)
    with torch.no_grad():
        known_mean.lerp_(mean, share)
        known_variance.lerp_(variance * (count / (count - 1)), share)
    return y


def _by_batch(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float, interpolated: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise by the batch's own mean and variance, and say what they were."""
    if interpolated:
        return _Interpolated.apply(x, weight, bias, eps)
    mean, variance = torch.zeros_like(weight), torch.zeros_like(weight)  # weighed by 0, not NaN
    y = F.batch_norm(x, mean, variance, weight, bias, True, 1.0, eps)
    count = x.numel() // x.shape[1]
    return y, mean, variance * ((count - 1) / count)


class _Interpolated(torch.autograd.Function):
    """Batch normalisation by the statistics of x doubled bilinearly, computed from x.

        var u = mean (x − m)·S(x − m),   S = k ⊗ k,   k = [3 10 3] / 16

    The mean m is that of x, since bilinear doubling weighs all its pixels alike.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        wide = x.to(weight.dtype)
        mean = _mean(wide)
        centred = wide - _channels(mean)
        window = separable(_TAPS, wide)
        padded = F.pad(centred, [1] * 4, mode="replicate")
        met = F.conv2d(padded, window, groups=x.shape[1])
        variance = _mean(centred * met)
        scale = torch.rsqrt(variance + eps)
        ctx.save_for_backward(centred, met, weight, scale)
        y = torch.addcmul(_channels(bias), centred, _channels(weight * scale)).to(x.dtype)
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        centred, met, weight, scale = ctx.saved_tensors
        wide = gradient.to(weight.dtype)
        along, onto = _mean(wide), _mean(wide * centred)
        inside = wide - _channels(along)
        inside.addcmul_(met, _channels(scale.square() * onto), value=-1)
        inside *= _channels(weight * scale)
        count = gradient.numel() // gradient.shape[1]
        return inside.to(gradient.dtype), onto * scale * count, along * count, None


def _mean(x: Tensor) -> Tensor:
    return x.mean((0, 2, 3))


def _channels(values: Tensor) -> Tensor:
    return values[:, None, None]
