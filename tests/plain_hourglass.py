"""The released hourglass written plainly, over the parameters of ours: every layer by itself.

What ours is tested and timed against (benchmarks/speed.py).
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.hourglass import Hourglass, HourglassLevel
from priorfit.networks.layers import Block


class PlainHourglass(nn.Module):
    """Reflecting, strided, batch-normalised, of sizes that every scale can halve.

    Args:
        network: whose layers are applied one after the other.
    """

    def __init__(self, network: Hourglass) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W)."""
        levels = cast("list[HourglassLevel]", list(self.network.levels))
        image = conv(self.network.output, self._scale(z, levels))
        return torch.sigmoid(image)

    def _scale(self, fine: Tensor, levels: list[HourglassLevel]) -> Tensor:
        level, *coarser = levels
        x = block(level.refine, block(level.shrink, fine))
        if coarser:
            x = self._scale(x, coarser)
        x = level.upsample(x)
        if level.skip is not None:
            x = torch.cat([block(level.skip, fine), x], 1)
        x = block(level.expand, level.joined(x))
        return x if level.mix is None else block(level.mix, x)


def block(layers: Block, x: Tensor) -> Tensor:
    """Convolution, normalisation, activation."""
    return F.leaky_relu(layers.norm(conv(layers.conv, x)), 0.2)


def conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Reflect, then convolve."""
    padded = F.pad(x, [layer.kernel_size[0] // 2] * 4, mode="reflect")
    return F.conv2d(padded, layer.weight, layer.bias, layer.stride)
