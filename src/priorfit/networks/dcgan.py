"""A decoder like DCGAN's [radford2016]_, as tried in Deep Image Prior [ulyanov2018]_.

Authors' models/dcgan.py, where `LeakyReLU(True)` makes a slope of 1, so that the released network
is linear between its normalisations. Here the slope is 0.2, as DCGAN's discriminator and the other
networks of the paper have it; `Style(activation=linear)` is the released one.
"""

from torch import Tensor, nn

from priorfit.networks.doubling import Doubling, transposed_convolution
from priorfit.networks.layers import ZEROS, Style
from priorfit.networks.sizes import crop_centre, size_of

STYLE = Style(padding=ZEROS, bias=False)


class Decoder(nn.Module):
    """Make an image from a small map of latents, (B, in, H, W) -> (B, out, H, W), any H and W.

    Of the input every 2ⁿ-th pixel is used, n the number of doublings: with noise, these are the
    latents. If 2ⁿ reaches the size, a single pixel makes the whole image. The first, unpadded
    convolution adds a border, which is cut from the result.

    Args:
        in_channels: of the input, usually noise.
        out_channels: of the image.
        doublings: n. Released: num_ups - 2, thus 2.
        width: channels inside.
        doubling: how a size is doubled.
        style: of all layers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        doublings: int = 2,
        width: int = 32,
        doubling: Doubling = transposed_convolution,
        style: Style = STYLE,
    ) -> None:
        super().__init__()
        self.spacing = 1 << doublings
        self.input = nn.ConvTranspose2d(in_channels, width, 3, bias=style.bias)
        self.norm, self.activation = style.norm(width), style.activation()
        self.rises = nn.ModuleList(DcganRise(width, doubling, style) for _ in range(doublings - 1))
        self.output = doubling(width, out_channels, style)
        self.ending = style.ending()

    def forward(self, z: Tensor) -> Tensor:
        latents = z[..., :: self.spacing, :: self.spacing]
        x = self.activation(self.norm(self.input(latents)))
        for rise in self.rises:
            x = rise(x)
        return crop_centre(self.ending(self.output(x)), size_of(z))


class DcganRise(nn.Module):
    """Double the size, normalise, activate."""

    def __init__(self, width: int, doubling: Doubling, style: Style) -> None:
        super().__init__()
        self.enlarge = doubling(width, width, style)
        self.norm, self.activation = style.norm(width), style.activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.enlarge(x)))
