"""An image turned, mirrored and moved at random, and put back."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from priorfit.noise import Noise
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


@dataclass(frozen=True)
class Moving:
    """How an image is moved from step to step.

    What a network learns from one view of it serves the others, and noise is harder to follow.

    Args:
        turning: turned and mirrored, eight ways.
        shifting: moved by up to so many pixels either way, reflected at its edges. Layers that
            halve a picture see another one at every place.
    """

    turning: bool = False
    shifting: int = 0

    def drawn(self, noise: Noise) -> Code:
        """Parts of a varied code: `turn`, 0 to 7, and `shift`, two in [0, 1), (B, 1) and (B, 2)."""
        drawn = {}
        if self.turning:
            drawn["turn"] = (noise.uniform(1) * 8).long()
        if self.shifting:
            drawn["shift"] = noise.uniform(2)
        return drawn

    def move(self, code: Code, image: int) -> Move:
        """The move in a code for one image of the batch; none if it was not varied."""
        turn = int(code["turn"][image, 0]) if "turn" in code else 0
        if "shift" not in code:
            return Move(turn)
        margin = min(self.shifting, *(side - 1 for side in code["z.0"].shape[-2:]))
        above, before = (int(place * (margin + 1)) for place in code["shift"][image].tolist())
        return Move(turn, margin, above, before)


STILL = Moving()
"""Always the same view."""
