"""Normalisation in BigGAN: what scales and shifts the features, and by what [brock2019]_."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.networks.weights import SpectralLinear, fill, spectral

MOMENTUM = 0.1
EPS = 1e-5


class Table(nn.Embedding):
    """A row for each class that begins orthogonal and is not divided by its singular value."""

    def start(self, generator: torch.Generator) -> None:
        """Begin orthogonal, as BigGAN is trained."""
        values = torch.empty(self.weight.shape, dtype=self.weight.dtype)
        self.weight.copy_(nn.init.orthogonal_(values, generator=generator))


class Mixture(Table):
    """A sum of the rows of a table, (B, entries) -> (B, width)."""

    def forward(self, portions: Tensor) -> Tensor:
        return portions @ self.weight


class Statistics(nn.Module):
    """Batch normalisation whose gain and bias come from elsewhere.

    Args:
        channels: C.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    mean: Tensor
    var: Tensor

    def scaled(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """x normalised, times gain, plus bias; x is (B, C, h, w), the others (B or 1, C).

        Training uses the statistics of the batch and moves the stored ones by a tenth.
        """
        if self.training:
            x = F.batch_norm(x, self.mean, self.var, None, None, True, MOMENTUM, self.eps)
        else:
            gain = gain * torch.rsqrt(self.var + self.eps)
            bias = bias - self.mean * gain
        return affine(x, gain, bias)

    def start(self, generator: torch.Generator) -> None:
        """Begin with statistics of N(0, 1)."""
        nn.init.zeros_(self.mean)
        nn.init.ones_(self.var)


class ConditionalNorm(Statistics):
    """Batch normalisation with gain 1 + gain(c) and bias(c), of (B, C, h, w) and (B, E).

    Args:
        channels: C.
        condition: E.
        table: whether c holds the portions of the classes, and each class has a row of its own,
            instead of linear layers of an embedding.
        eps: added to the variance.
        sn_eps: of the linear layers.
    """

    def __init__(
        self, channels: int, condition: int, *, table: bool, eps: float, sn_eps: float
    ) -> None:
        super().__init__(channels, eps)

        def layer() -> nn.Module:
            if table:
                return Mixture(condition, channels)
            return SpectralLinear(condition, channels, bias=False, eps=sn_eps)

        self.gain, self.bias = layer(), layer()

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.scaled(x, 1 + self.gain(c), self.bias(c))

    def frozen(self) -> "FrozenNorm":
        """Both as one layer of c, the stored statistics included."""
        gain, bias = (_matrix_of(layer) for layer in (self.gain, self.bias))
        factor = torch.rsqrt(self.var + self.eps)
        weight = torch.cat([gain.T * factor, bias.T - gain.T * factor * self.mean], 1).T
        return FrozenNorm(weight.contiguous(), torch.cat([factor, -self.mean * factor]))


class FrozenNorm(nn.Module):
    """A conditional norm whose statistics stand still: x · gain(c) + bias(c).

    Args:
        weight: of the gains, then of the biases, (2C, E).
        bias: likewise, (2C,).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.told = fill(nn.Linear(weight.shape[1], len(weight), device="meta"), weight, bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return affine(x, *self.told(c).chunk(2, 1))


class PlainNorm(Statistics):
    """Batch normalisation with a gain and a bias for each channel, whatever is drawn.

    Args:
        channels: C.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float = EPS) -> None:
        super().__init__(channels, eps)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.scaled(x, self.gain[None], self.bias[None])

    def start(self, generator: torch.Generator) -> None:
        """Begin as if there were no gain and no bias."""
        super().start(generator)
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)


@dataclass(frozen=True)
class InstanceNorm:
    """Normalisation of each channel of each image by its own statistics, then gain and bias.

    Args:
        gain: (B or 1, C).
        bias: (B or 1, C).
    """

    gain: Tensor
    bias: Tensor

    @classmethod
    def like(cls, x: Tensor) -> "InstanceNorm":
        """One whose results have the deviations (of a sample, as released) and means of x."""
        return cls(x.std((2, 3)), x.mean((2, 3)))

    def __call__(self, x: Tensor) -> Tensor:
        return affine(F.instance_norm(x, eps=EPS), self.gain, self.bias)


def affine(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """x · gain + bias of (B, C, h, w) and (B or 1, C)."""
    return (x * gain[:, :, None, None]).add_(bias[:, :, None, None])


def _matrix_of(layer: nn.Module) -> Tensor:
    """M of a layer that makes M · c of c, (width, E)."""
    if isinstance(layer, Mixture):
        return layer.weight.T
    assert isinstance(layer, SpectralLinear)
    return spectral(layer)
