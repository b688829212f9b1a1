"""The residual network of Deep Image Prior's study of architectures [ulyanov2018]_.

Authors' models/resnet.py, whose need_sigmoid does nothing: it always ends in a sigmoid.
"""

from torch import Tensor, nn

from priorfit.networks.layers import ZEROS, Style
from priorfit.networks.sizes import crop_centre, pad_to, size_of, working_size

STYLE = Style()


class ResNet(nn.Module):
    """Residual blocks at full size, (B, in, H, W) -> (B, out, H, W), any H and W.

    Args:
        in_channels: of the input, usually noise.
        out_channels: of the image.
        blocks: how many.
        width: channels between the first and the last convolution.
        residual: add to each block what went into it.
        style: of all layers, but for the padding inside, which is zero as released.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        blocks: int = 8,
        width: int = 32,
        residual: bool = True,
        style: Style = STYLE,
    ) -> None:
        super().__init__()
        self.least = style.padding.least(3)
        self.input = style.conv(in_channels, width, 3)
        self.activation = style.activation()
        self.blocks = nn.ModuleList(
            ResidualBlock(width, style, add=residual) for _ in range(blocks)
        )
        self.last = _inner(width, bias=style.bias)
        self.norm = style.norm(width)
        self.output = style.conv(width, out_channels, 3)
        self.ending = style.ending()

    def forward(self, z: Tensor) -> Tensor:
        size = size_of(z)
        x = self.activation(self.input(pad_to(z, working_size(size, self.least, 0))))
        for block in self.blocks:
            x = block(x)
        return crop_centre(self.ending(self.output(self.norm(self.last(x)))), size)


class ResidualBlock(nn.Module):
    """Two convolutions, normalised, with an activation between them."""

    def __init__(self, width: int, style: Style, *, add: bool) -> None:
        super().__init__()
        self.add = add
        self.first, self.first_norm = _inner(width, bias=False), style.norm(width)
        self.activation = style.activation()
        self.second, self.second_norm = _inner(width, bias=False), style.norm(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return x + y if self.add else y


def _inner(width: int, *, bias: bool) -> nn.Conv2d:
    return Style(padding=ZEROS).conv(width, width, 3, bias=bias)
