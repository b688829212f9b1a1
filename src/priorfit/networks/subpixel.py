"""A 3×3 convolution of a doubled image, computed before it is doubled: 4/9 of the multiplications.

Where every pixel was repeated, a filter of three meets two different pixels a direction:

    … a a | b b …   with taps p q r:   (p + q)·a + r·b   and   p·a + (q + r)·b,

four filters of 2×2 on the small image instead of one of 3×3 on the large one. Bilinear doubling is
repetition followed by the taps [1 2 1] / 4 both ways, and a blur may as well come after the
convolution. The results are those of the plain layers but for rounding.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.convolution import Taps, blur, convolve
from priorfit.networks.doubled_norm import count_batch, normalise
from priorfit.networks.layers import REFLECTION, Convolution, Resample, bilinear, nearest
from priorfit.networks.sizes import Size

_TAPS: dict[Resample, Taps | None] = {nearest: None, bilinear: (1 / 4, 2 / 4, 1 / 4)}
"""What is left of a doubling once every pixel has been repeated."""

_WIDE = 64
"""Channels from which on the multiplications spared outweigh the memory written once more."""


def applies(upsample: Resample, norm: nn.Module, conv: nn.Module, small: Size, large: Size) -> bool:
    """Whether `doubled_and_convolved` computes conv(norm(upsample(x))), given both sizes.

    Only reflected and batch-normalised: there the border of the doubled image repeats that of the
    small one, and normalising commutes with doubling.
    """
    return (
        upsample in _TAPS
        and type(norm) is nn.BatchNorm2d
        and isinstance(conv, Convolution)
        and conv.kernel_size == (3, 3)
        and conv.padding_mode == REFLECTION.mode
        and min(small) >= 2
        and min(conv.in_channels, conv.out_channels) >= _WIDE
        and large == (2 * small[0], 2 * small[1])
    )


def doubled_and_convolved(
    x: Tensor, skipped: Tensor | None, upsample: Resample, norm: nn.Module, conv: nn.Conv2d
) -> Tensor:
    """conv(norm(cat(skipped, upsample(x)))), where `applies` says so.

    Args:
        x: (B, C, h, w).
        skipped: (B, S, 2h, 2w), or None.
        upsample: `nearest` or `bilinear`.
        norm: of S + C channels; its running statistics move on as ever.
        conv: from S + C channels to O, padding included.

    Returns:
        (B, O, 2h, 2w).
    """
    batch_norm, interpolated = cast("nn.BatchNorm2d", norm), _TAPS[upsample] is not None
    first = 0 if skipped is None else skipped.shape[1]
    with torch.autocast(x.device.type, enabled=False):
        count_batch(batch_norm)
        x = normalise(x, batch_norm, slice(first, None), doubled=True, interpolated=interpolated)
        bias = None if conv.bias is None else conv.bias.to(x.dtype)
        y = _of_doubled(x, conv.weight[:, first:].to(x.dtype), bias, upsample)
        if skipped is None:
            return y
        z = normalise(skipped, batch_norm, slice(first))
        z = F.pad(z, [1] * 4, mode="reflect")
        return y.add_(convolve(z, conv.weight[:, :first].to(z.dtype), None))


def _of_doubled(x: Tensor, weight: Tensor, bias: Tensor | None, upsample: Resample) -> Tensor:
    """Double, reflect at the border and convolve: (B, C, h, w) -> (B, O, 2h, 2w)."""
    taps = _TAPS[upsample]
    weights = _by_place(_by_place(weight, 2), 4).permute(2, 4, 0, 1, 3, 5)  # (2, 2, O, C, 2, 2)
    weights = weights.flatten(0, 2).contiguous(memory_format=torch.channels_last)
    biases = None if bias is None else bias.repeat(4)
    y = convolve(F.pad(x, [1] * 4, mode="replicate"), weights, biases)  # (B, 4·O, h + 1, w + 1)
    if taps is None:
        return _Interleaved.apply(y)
    return _Reflected.apply(blur(_whole(y), taps), *_reflections(x, weight, upsample))


def _by_place(weight: Tensor, axis: int) -> Tensor:
    """Three taps to two for either place of a repeated pixel, (…, 3, …) -> (…, 2, 2, …)."""
    p, q, r = weight.unbind(axis)
    left, right = torch.stack((p + q, r), axis), torch.stack((p, q + r), axis)
    return torch.stack((left, right), axis)


def _whole(y: Tensor) -> Tensor:
    """(B, 4·O, h, w) -> (B, O, 2h, 2w), the places of a pixel first, then the channels."""
    batch, channels, height, width = y.shape
    places = y.permute(0, 2, 3, 1).unflatten(3, (2, 2, channels // 4))
    rows = places.transpose(2, 3).reshape(batch, 2 * height, 2 * width, channels // 4)
    return rows.permute(0, 3, 1, 2)


def _inner(y: Tensor) -> Tensor:
    """View `_whole` without its outermost pixels, (B, h - 1, 2, w - 1, 2, O); y is channels-last.

    A row consists of the second place of one pixel and the first of the next, so that the step
    within such a pair goes on by a pixel and back by a place.
    """
    batch, channels, height, width = y.shape
    count = channels // 4
    image, _, row, column = y.stride()
    shape = (batch, height - 1, 2, width - 1, 2, count)
    strides = (image, row, row - 2 * count, column, column - count, 1)
    return y.as_strided(shape, strides, y.storage_offset() + 3 * count)


class _Interleaved(torch.autograd.Function):
    """Put the four places of every pixel where they belong, but for the outermost pixels."""

    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        inner = _inner(y.contiguous(memory_format=torch.channels_last))
        batch, height, _, width, _, count = inner.shape
        image = _last((batch, count, 2 * height, 2 * width), y)
        image.permute(0, 2, 3, 1).view(inner.shape).copy_(inner)
        return image

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Taken.apply(gradient)


class _Taken(torch.autograd.Function):
    """The adjoint of `_Interleaved`."""

    @staticmethod
    def forward(ctx: Any, image: Tensor) -> Tensor:
        batch, count, height, width = image.shape
        shape = (batch, 4 * count, height // 2 + 1, width // 2 + 1)
        y = _last(shape, image)
        for border in (y[:, :, 0], y[:, :, -1], y[..., 0], y[..., -1]):
            border.zero_()
        inner = _inner(y)
        inner.copy_(image.permute(0, 2, 3, 1).reshape(inner.shape))
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Interleaved.apply(gradient)


def _last(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Unwritten channels-last memory."""
    layout = torch.channels_last
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=layout)


def _reflections(x: Tensor, weight: Tensor, upsample: Resample) -> tuple[Tensor, ...]:
    """What the convolution of a doubled image gains at each border by reflecting, not repeating.

    Returns:
        Top and bottom, (B, O, 1, 2w), left and right, (B, O, 2h, 1).
    """
    sides = []
    for edge, row in ((slice(2), 0), (slice(-2, None), 2)):
        outer, inner = _outermost(upsample(x[:, :, edge]), row)
        repeated = F.pad(outer, [1, 1, 0, 0], mode="replicate")
        gained = F.pad(inner, [1, 1, 0, 0], mode="reflect") - repeated
        sides.append(F.conv2d(gained, weight[:, :, row : row + 1]))
    for edge, column in ((slice(2), 0), (slice(-2, None), 2)):
        outer, inner = _outermost(upsample(x[..., edge]).mT, column)
        sides.append(F.conv2d((inner - outer).mT, weight[..., column : column + 1], padding=(1, 0)))
    return tuple(sides)


def _outermost(rows: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The first and second row from above (side 0) or from below."""
    if side == 0:
        return rows[:, :, :1], rows[:, :, 1:2]
    return rows[:, :, -1:], rows[:, :, -2:-1]


class _Reflected(torch.autograd.Function):
    """Add something to the outermost rows and columns, without a copy of the image."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, *sides: Tensor) -> Tensor:
        top, bottom, left, right = sides
        ctx.mark_dirty(image)
        image[:, :, :1] += top
        image[:, :, -1:] += bottom
        image[..., :1] += left
        image[..., -1:] += right
        return image

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        rows = gradient[:, :, :1], gradient[:, :, -1:]
        return gradient, *rows, gradient[..., :1], gradient[..., -1:]
