"""Convolution of one image at a time, in the arrangement that a processor's library is fast in.

The numbers are the library's own. Only float32, channels-last, on a processor is arranged anew.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_ROWS = 8
"""Rows of a band: few enough to stay in the cache while the gradient of a filter is summed."""

_WIDE = 32
"""Channels, of both sides, from which on it pays."""

_Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """`F.conv2d` without padding, (B, C, H, W) -> (B, O, h, w)."""
    if not _arranged_anew(x) or min(weight.shape[:2]) < _WIDE:
        return F.conv2d(x, weight, bias, stride)
    if weight.shape[2:] != (1, 1):
        return _Banded.apply(x, weight, bias, stride)
    if stride > 1 or torch.get_num_threads() > 1:
        return F.conv2d(x, weight, bias, stride)
    # One thread and fewer than 16 images: PyTorch has a matrix product of its own for that, half
    # as fast as the library's convolution. Bands are as good as images.
    height = next((rows for rows in range(x.shape[2] // 16, 1, -1) if x.shape[2] % rows == 0), 1)
    if height == 1:
        return F.conv2d(x, weight, bias)
    bands = x.permute(0, 2, 3, 1).reshape(-1, height, x.shape[3], x.shape[1])
    y = F.conv2d(bands.permute(0, 3, 1, 2), weight, bias).permute(0, 2, 3, 1)
    # Through (H, W, C), which leaves a stride that PyTorch knows channels-last memory by.
    return y.reshape(1, *x.shape[2:], len(weight)).permute(0, 3, 1, 2)


def _arranged_anew(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and len(x) == 1
        and x.shape[2] >= 2 * _ROWS
        and x.is_contiguous(memory_format=torch.channels_last)
    )


class _Banded(torch.autograd.Function):
    """A convolution whose filters get their gradient band by band of the image.

    Over a whole image the library turns a copy of it around that no cache holds: 1.4 times slower
    at 128×128 pixels of 128 channels, 1.6 times at 512 of 129×129.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.biased = stride, bias is not None
        return F.conv2d(x, weight, bias, stride)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride: int = ctx.stride
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        inward = filters = biases = None
        if ctx.needs_input_grad[0]:
            inward, _, _ = _gradients(gradient, x, weight, stride, (True, False, False))
        if ctx.needs_input_grad[1]:
            filters = _of_filters(gradient, x, weight, stride)
        if ctx.biased and ctx.needs_input_grad[2]:
            biases = gradient.sum((0, 2, 3))
        return inward, filters, biases, None


def _of_filters(gradient: Tensor, x: Tensor, weight: Tensor, stride: int) -> Tensor:
    wanted = (False, True, False)
    count, left = divmod(gradient.shape[2], _ROWS)
    height = stride * (_ROWS - 1) + weight.shape[2]
    bands = _bands(gradient, count, _ROWS, _ROWS), _bands(x, count, height, stride * _ROWS)
    _, filters, _ = _gradients(*bands, weight, stride, wanted)
    assert filters is not None
    if left:
        rest = gradient[:, :, -left:], x[:, :, stride * count * _ROWS :]
        _, more, _ = _gradients(*rest, weight, stride, wanted)
        assert more is not None
        filters = filters + more
    return filters


def _bands(x: Tensor, count: int, height: int, step: int) -> Tensor:
    """View (1, C, H, W) as `count` images of so many rows, a `step` of rows apart."""
    _, channel, row, column = x.stride()
    shape = (count, x.shape[1], height, x.shape[3])
    return x.as_strided(shape, (step * row, channel, row, column), x.storage_offset())


def _gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: int, wanted: tuple[bool, bool, bool]
) -> _Gradients:
    strides, none, once = [stride] * 2, [0, 0], [1, 1]
    channels = [weight.shape[0]]
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, channels, strides, none, once, False, none, 1, wanted
    )


Taps = tuple[float, float, float]


def blur(x: Tensor, taps: Taps) -> Tensor:
    """The same three symmetrical taps both ways, (B, C, H + 2, W + 2) -> (B, C, H, W)."""
    return _Blurred.apply(x, taps, 0)


def separable(taps: Taps, like: Tensor) -> Tensor:
    """The filter of `blur` for every channel by itself, (C, 1, 3, 3)."""
    row = torch.tensor(taps, dtype=like.dtype, device=like.device)
    return torch.outer(row, row).expand(like.shape[1], 1, 3, 3)


class _Blurred(torch.autograd.Function):
    """Its adjoint is itself with the other margin, several times faster than the library's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps, margin: int) -> Tensor:
        ctx.taps, ctx.margin = taps, margin
        return F.conv2d(x, separable(taps, x), padding=margin, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return _Blurred.apply(gradient, ctx.taps, 2 - ctx.margin), None, None
