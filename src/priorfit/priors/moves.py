"""An image turned, mirrored and moved, and put back."""

from dataclasses import dataclass
from typing import Self

import torch.nn.functional as F
from torch import Tensor

from priorfit.types import Code


@dataclass(frozen=True)
class Move:
    """One way to look at (B, C, H, W).

    Args:
        turn: which of the eight ways to turn and mirror.
        margin: pixels that are added in each direction, by reflection at the edges.
        above: how many of them come above.
        before: how many of them come to the left.
    """

    turn: int = 0
    margin: int = 0
    above: int = 0
    before: int = 0

    @classmethod
    def of(cls, code: Code, image: int, most: int) -> Self:
        """The move in a code, if there is one: `turn`, 0 to 7, and `shift`, two in [0, 1).

        Args:
            code: varied, or not.
            image: which one of the batch.
            most: pixels of the margin, fewer where the image has hardly as many.
        """
        turn = int(code["turn"][image, 0]) if "turn" in code else 0
        if "shift" not in code:
            return cls(turn)
        margin = min(most, *(side - 1 for side in code["z.0"].shape[-2:]))
        above, before = (int(place * (margin + 1)) for place in code["shift"][image].tolist())
        return cls(turn, margin, above, before)

    def there(self, image: Tensor) -> Tensor:
        """Move an image."""
        if self.margin:
            after, below = self.margin - self.before, self.margin - self.above
            image = F.pad(image, [self.before, after, self.above, below], mode="reflect")
        image = image.flip(-1) if self.turn & 1 else image
        image = image.flip(-2) if self.turn & 2 else image
        return image.transpose(-1, -2) if self.turn & 4 else image

    def back(self, image: Tensor) -> Tensor:
        """Put a moved image back, without the margin."""
        image = image.transpose(-1, -2) if self.turn & 4 else image
        image = image.flip(-2) if self.turn & 2 else image
        image = image.flip(-1) if self.turn & 1 else image
        if not self.margin:
            return image
        height, width = (side - self.margin for side in image.shape[-2:])
        return image[..., self.above : self.above + height, self.before : self.before + width]
