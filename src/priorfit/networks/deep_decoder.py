"""The Deep Decoder: too few parameters to follow noise [heckel2019]_."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError
from priorfit.networks.layers import Resample, bilinear
from priorfit.networks.sizes import crop_centre, size_of


class DeepDecoder(nn.Module):
    """Mixtures of channels and enlargements in turn, (B, in, H, W) -> (B, out, H, W), any H and W.

        x ← norm(relu(enlarge(W·x))),   at last   image = sigmoid(W·norm(relu(W·x)))

    Nothing but the enlargements joins neighbouring pixels: no filter is wider than one. The input
    is taken at the coarsest scale alone, every 2^doublings-th pixel of it.

    Args:
        in_channels: of the input, uniform noise in the paper.
        out_channels: of the image, in (0, 1).
        width: channels between; 64 to 128 in the paper.
        doublings: enlargements.
        upsample: how the size is doubled.

    Raises:
        ProblemError: no channel or no doubling.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int = 64,
        doublings: int = 5,
        upsample: Resample = bilinear,
    ) -> None:
        super().__init__()
        if width < 1 or doublings < 1:
            raise ProblemError(
                f"a decoder needs channels and doublings, got {width} and {doublings}"
            )
        inside = [in_channels, *[width] * doublings]
        self.upsample = upsample
        self.mixtures = nn.ModuleList(nn.Conv2d(c, width, 1, bias=False) for c in inside)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in inside)
        self.output = nn.Conv2d(width, out_channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        size, last = size_of(z), len(self.mixtures) - 1
        x = _every(z, 2**last)
        for number, (mixture, norm) in enumerate(zip(self.mixtures, self.norms, strict=True)):
            x = mixture(x)
            x = self.upsample(x) if number < last else x
            x = norm(F.relu(x))
        with torch.autocast(x.device.type, enabled=False):
            image = torch.sigmoid(self.output(x.to(self.output.weight.dtype)))
        return crop_centre(image, size)


def _every(z: Tensor, stride: int) -> Tensor:
    """Every so many-th pixel, the last ones repeated; two along a side at least."""
    spare = []
    for side in reversed(size_of(z)):
        spare += [0, max(2 * stride, side + -side % stride) - side]
    return F.pad(z, spare, mode="replicate")[..., ::stride, ::stride]
