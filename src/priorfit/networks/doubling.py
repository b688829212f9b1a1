"""Ways to double the size with parameters; a value of `Doubling` each."""

from collections.abc import Callable

from torch import Tensor, nn

from priorfit.networks.layers import Resample, Style, bilinear, nearest

Doubling = Callable[[int, int, Style], nn.Module]
"""(channels in, channels out, style) -> module, (B, in, H, W) -> (B, out, 2H, 2W)."""


class Resized(nn.Module):
    """An upsampling without parameters, then a 3×3 convolution."""

    def __init__(self, upsample: Resample, inside: int, outside: int, style: Style) -> None:
        super().__init__()
        self.upsample = upsample
        self.conv = style.conv(inside, outside, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.upsample(x))


def transposed_convolution(inside: int, outside: int, style: Style) -> nn.Module:
    """A transposed 4×4 convolution, padded with zeros whatever the style says."""
    return nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1, bias=style.bias)


def biased_transposed(inside: int, outside: int, style: Style) -> nn.Module:
    """`transposed_convolution` with a bias whatever the style says."""
    return nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1)


def resized_nearest(inside: int, outside: int, style: Style) -> nn.Module:
    """Repeat pixels, then convolve."""
    return Resized(nearest, inside, outside, style)


def resized_bilinear(inside: int, outside: int, style: Style) -> nn.Module:
    """Interpolate, then convolve."""
    return Resized(bilinear, inside, outside, style)
