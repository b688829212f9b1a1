"""What the known image classifiers are made of, row by row, in the order of torchvision's modules.

A convolution and its ReLU are two rows, so that the n-th row of a trunk is `features[n]` there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import ProblemError


@dataclass(frozen=True)
class Conv:
    """A convolution with zeros, or the reflected picture, past the border."""

    name: str
    filter_size: int = 3
    stride: int = 1
    margin: int = 1
    reflected: bool = False


@dataclass(frozen=True)
class Fire:
    """Few channels from all, then many from few by 1×1 and 3×3 filters [iandola2016]_."""

    name: str


@dataclass(frozen=True)
class Full:
    """A linear layer; the first one sees every pixel."""

    name: str


@dataclass(frozen=True)
class Rectify:
    """max(0, x)."""

    name: str


@dataclass(frozen=True)
class Pool:
    """The maximum of a window at every second place; may count an incomplete last window."""

    name: str
    width: int = 2
    round_up: bool = False


@dataclass(frozen=True)
class AveragePool:
    """The mean of each cell of a grid of so many rows and columns."""

    name: str
    grid: int


Filtering = Conv | Fire | Full
Row = Filtering | Rectify | Pool | AveragePool


@dataclass(frozen=True)
class Trunk:
    """A classifier: rows that see, and rows that decide.

    Args:
        rows: from the picture on.
        head: after them; torchvision's `classifier`, without dropout.
    """

    rows: tuple[Row, ...]
    head: tuple[Row, ...] = ()

    @property
    def every(self) -> tuple[Row, ...]:
        """The rows, those of the head included."""
        return (*self.rows, *self.head)


def _vgg(counts: Sequence[int], *, reflected: bool = False) -> tuple[Row, ...]:
    rows: list[Row] = []
    for level, count in enumerate(counts, start=1):
        for place in range(1, count + 1):
            name = f"{level}_{place}"
            rows += [Conv(f"conv{name}", reflected=reflected), Rectify(f"relu{name}")]
        rows.append(Pool(f"pool{level}"))
    return tuple(rows)


def _decision(grid: int) -> tuple[Row, ...]:
    return (
        AveragePool("grid", grid),
        *(Full("fc6"), Rectify("relu6")),
        *(Full("fc7"), Rectify("relu7")),
        Full("fc8"),
    )


_ALEXNET = (
    *(Conv("conv1", 11, 4, 2), Rectify("relu1"), Pool("pool1", 3)),
    *(Conv("conv2", 5, 1, 2), Rectify("relu2"), Pool("pool2", 3)),
    *(Conv("conv3"), Rectify("relu3"), Conv("conv4"), Rectify("relu4")),
    *(Conv("conv5"), Rectify("relu5"), Pool("pool5", 3)),
)
_SQUEEZENET = (
    *(Conv("conv1", 3, 2, 0), Rectify("relu1"), Pool("pool1", 3, round_up=True)),
    *(Fire("fire2"), Fire("fire3"), Pool("pool3", 3, round_up=True)),
    *(Fire("fire4"), Fire("fire5"), Pool("pool5", 3, round_up=True)),
    *(Fire("fire6"), Fire("fire7"), Fire("fire8"), Fire("fire9")),
)

# vgg: configurations D and E of [simonyan2015]_. alexnet: the one-column network of
# [krizhevsky2014]_. squeezenet1_1: [iandola2016]_ with the pools moved forward, version 1.1 of the
# authors' code. vgg19_reflected: the encoder of [li2017]_, whose first layer makes Caffe's colours;
# thin in [wang2020]_, with 1×1 layers to the width of the network it was distilled from.
TRUNKS: Mapping[str, Trunk] = {
    "alexnet": Trunk(_ALEXNET, _decision(6)),
    "squeezenet1_1": Trunk(
        _SQUEEZENET,
        (Conv("conv10", 1, 1, 0), Rectify("relu10"), AveragePool("pool10", 1)),
    ),
    "vgg16": Trunk(_vgg((2, 2, 3, 3, 3)), _decision(7)),
    "vgg19": Trunk(_vgg((2, 2, 4, 4, 4)), _decision(7)),
    "vgg19_reflected": Trunk(
        (Conv("conv0", 1, 1, 0), *_vgg((2, 2, 4, 4, 4), reflected=True)),
    ),
}


def parts(row: Row) -> tuple[str, ...]:
    """Names of the filtering layers inside a row; each has a width of its own."""
    if isinstance(row, Fire):
        return tuple(f"{row.name}.{part}" for part in ("squeeze", "expand1x1", "expand3x3"))
    return (row.name,) if isinstance(row, Filtering) else ()


def fitting(rows: Sequence[Row], widths: int) -> list[Row]:
    """The rows that so many widths are enough for, with what follows them and needs none."""
    kept: list[Row] = []
    for row in rows:
        widths -= len(parts(row))
        if widths < 0:
            break
        kept.append(row)
    return kept


def layer_of(row: Filtering, inside: int, widths: Sequence[int], pixels: int) -> nn.Module:
    """The trained part of a row.

    Args:
        row: which.
        inside: channels that it takes.
        widths: channels that it gives, as many numbers as it has `parts`.
        pixels: that a linear layer sees of each channel.
    """
    match row:
        case Conv():
            margin = 0 if row.reflected else row.margin
            return nn.Conv2d(inside, widths[0], row.filter_size, row.stride, margin)
        case Full():
            return nn.Linear(inside * pixels, widths[0])
        case Fire():
            return FireLayer(inside, widths)


class FireLayer(nn.Module):
    """See `Fire`: (B, C, H, W) -> (B, second + third width, H, W).

    Args:
        inside: C.
        widths: of the squeezing, the 1×1 and the 3×3 convolution.
    """

    def __init__(self, inside: int, widths: Sequence[int]) -> None:
        super().__init__()
        few, ones, threes = widths
        self.squeeze = nn.Conv2d(inside, few, 1)
        self.expand1x1 = nn.Conv2d(few, ones, 1)
        self.expand3x3 = nn.Conv2d(few, threes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        few = F.relu(self.squeeze(x), inplace=True)
        return F.relu(torch.cat([self.expand1x1(few), self.expand3x3(few)], 1), inplace=True)


def apply_filter(x: Tensor, row: Filtering, layer: nn.Module) -> Tensor:
    """What the trained part of a row makes of features.

    Raises:
        ProblemError: there are fewer pixels than its filters want.
    """
    if isinstance(row, Conv):
        least = row.margin + 1 if row.reflected else row.filter_size - 2 * row.margin
        _check_size(x, least, row.name)
        if row.reflected:
            x = F.pad(x, [row.margin] * 4, mode="reflect")
    return layer(x.flatten(1) if isinstance(row, Full) else x)


def pool(x: Tensor, row: Pool) -> Tensor:
    """The maximum in every window of a row.

    Raises:
        ProblemError: there is not one window.
    """
    _check_size(x, row.width - row.round_up, row.name)
    return F.max_pool2d(x, row.width, 2, ceil_mode=row.round_up)


def _check_size(x: Tensor, least: int, name: str) -> None:
    if min(x.shape[-2:]) < least:
        height, width = x.shape[-2:]
        raise ProblemError(
            f"the picture is too small: layer {name} needs {least} pixels a side and gets "
            f"{height}×{width}, enlarge the picture or ask for earlier layers"
        )
