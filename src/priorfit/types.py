"""The shapes that pass between the rooms of the package."""

from typing import Protocol, runtime_checkable

from torch import Tensor

Image = Tensor
"""(B, C, H, W), in [0, 1] where it is a picture."""

Observation = Tensor
"""(B, C, h, w), what the camera gave, on the scale of the image."""

PerImage = Tensor
"""(B,), one number an image: nothing is averaged over a batch."""

Code = dict[str, Tensor]
"""Everything that renders one image, by part; every tensor (B, ...), one entry an image."""

Shape = tuple[int, int, int]
"""(channels, height, width)."""


@runtime_checkable
class Operator(Protocol):
    """A forward operator of another package, a deepinv physics say; only `A` is called."""

    def A(self, x: Image) -> Observation:  # noqa: N802
        """Degrade without adding noise."""
        ...
