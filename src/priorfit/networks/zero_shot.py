"""The network of Zero-Shot Noise2Noise: three layers that guess the noise of a picture."""

from torch import nn

from priorfit.types import Image


class ZeroShotDenoiser(nn.Module):
    """x ↦ x − f(x), f two convolutions of 3×3 and one of 1×1 [mansour2023]_.

    22,275 parameters for a picture in colour with the published width.

    Args:
        inputs: channels of the noisy picture.
        channels: of the result, as many.
        width: channels of the two layers between.
    """

    def __init__(self, inputs: int, channels: int, width: int = 48) -> None:
        super().__init__()
        self.noise = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, channels, 1),
        )

    def forward(self, image: Image) -> Image:
        """Denoise (B, C, H, W) of any size."""
        return image - self.noise(image)
