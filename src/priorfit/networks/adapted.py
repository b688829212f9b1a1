"""Any network that turns noise into pictures, as a generator."""

from typing import Any

from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.generator import Generator
from priorfit.networks.sizes import Size
from priorfit.types import Image


class AdaptedGenerator(Generator):
    """A network of your own, (B, Z) -> (B, 3, H, W), without a subclass.

    It has the latent space z alone, and cannot be split into layers or saved as a checkpoint.

    Args:
        network: draws images of z; put a function that reshapes z into an `nn.Module` of its own.
        size: (height, width) of the images.
        z_dim: Z.
        image_range: the values of black and white in its images.

    Raises:
        ProblemError: when it draws, that an image has another shape.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        size: Size,
        z_dim: int,
        image_range: tuple[float, float] = (-1.0, 1.0),
    ) -> None:
        super().__init__(config=None)
        self.size, self.z_dim, self.image_range = size, z_dim, image_range
        self.network: Any = network.eval().requires_grad_(False)

    def draw(self, latent: Tensor, c: Tensor | None = None) -> Image:
        image = self.network(latent)
        expected = (len(latent), 3, *self.size)
        if tuple(image.shape) != expected:
            raise ProblemError(
                f"expected the network to draw images of shape {expected}, got {tuple(image.shape)}"
            )
        return image
