"""A network that draws what an estimate lacks, not the whole picture."""

from collections.abc import Callable

from torch import Tensor, nn

from priorfit.errors import ProblemError


class Correcting(nn.Module):
    """x = estimate + reach·(f(z) − ½), (B, in, H, W) -> (B, out, H, W).

    The estimate is the first `out` channels of z: that of the first input. A fit begins near it
    instead of at nothing, and no step is spent on learning to copy it.

    Args:
        in_channels: of z.
        out_channels: of the image.
        network: builds f, which ends in (0, 1).
        reach: the largest correction is half of it.

    Raises:
        ProblemError: z has fewer channels than the image.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        network: Callable[[int, int], nn.Module],
        reach: float = 0.5,
    ) -> None:
        super().__init__()
        if in_channels < out_channels:
            raise ProblemError(
                f"an estimate of {out_channels} channels must come first in the input, "
                f"which has {in_channels}"
            )
        self.reach = reach
        self.network = network(in_channels, out_channels)
        self.channels = out_channels

    def forward(self, z: Tensor) -> Tensor:
        return z[:, : self.channels] + self.reach * (self.network(z) - 0.5)
