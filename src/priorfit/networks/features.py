"""Trained classifiers, asked for the features that perceptual distances compare."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.preparation import RAW, Preparation
from priorfit.networks.pretrained import Pretrained
from priorfit.networks.trunks import (
    TRUNKS,
    AveragePool,
    Filtering,
    Full,
    Pool,
    Rectify,
    Row,
    apply_filter,
    fitting,
    layer_of,
    parts,
    pool,
)
from priorfit.types import Image

_CUT = re.compile(r"features\[:(\d+)\]")
_FULL = re.compile(r"full(\d)_1")
_RELU_AND_POOL = [Rectify, Pool]


@dataclass(frozen=True)
class FeatureSettings:
    """How a feature network is built.

    Args:
        trunk: which rows, see `priorfit.networks.trunks`.
        widths: channels of every filtering layer in order, those of the head included; the network
            ends where they do.
        mean: see `Preparation`, here of the pictures that the network was trained with.
        std: likewise.
        bgr: likewise.
        full: channels of the network that this one was distilled from, at relu1_1, relu2_1 and so
            on; empty where it was not.
    """

    trunk: Literal["alexnet", "squeezenet1_1", "vgg16", "vgg19", "vgg19_reflected"]
    widths: tuple[int, ...]
    mean: tuple[float, ...] = RAW.mean
    std: tuple[float, ...] = RAW.std
    bgr: bool = False
    full: tuple[int, ...] = ()


class FeatureNetwork(Pretrained):
    """A classifier whose layers can be asked for by name, frozen.

    Names are those of the rows: `relu3_3`, `conv4_2`, `pool5`, `fc8`; `relu1` to `pool5` of an
    AlexNet; `relu1`, `fire2` to `fire9` and `pool10` of a SqueezeNet. `features[:16]` is what the
    first 16 modules of torchvision's give. `full3_1` of a distilled network is its estimate of
    relu3_1 of the network it was distilled from.

    Raises:
        CheckpointError: the settings describe no network.
    """

    kind = "features"
    Config = FeatureSettings

    def __init__(self, config: FeatureSettings) -> None:
        super().__init__(config)
        self.rows = _rows(config)
        self.cuts = min(len(TRUNKS[config.trunk].rows), len(self.rows))
        self.preparation = _preparation(config)
        layers, self.channels = _layers(self.rows, config.widths)
        self.layers = nn.ModuleDict(layers)
        self.index = {row.name: index for index, row in enumerate(self.rows)}
        pairs = enumerate(itertools.pairwise(self.rows))
        # These wait for the maximum after them, which leaves them a quarter of the work.
        self.before_pool = {i for i, pair in pairs if [type(row) for row in pair] == _RELU_AND_POOL}
        for level, width in enumerate(config.full, start=1):
            self.layers[f"full{level}_1"] = _widening(self.layers, f"conv{level}_1", width)

    @property
    def names(self) -> list[str]:
        """Names of the layers, from the picture on."""
        return [*self.index, *(name for name in self.layers if _FULL.fullmatch(name))]

    @property
    def classes(self) -> int:
        """How many classes it tells apart; 0 where it lacks the head."""
        trunk = TRUNKS[self.config.trunk]
        return self.config.widths[-1] if trunk.head and self.rows[-1] == trunk.head[-1] else 0

    def width(self, name: str) -> int:
        """Channels of a layer.

        Raises:
            ProblemError: there is no such layer.
        """
        layer = self.layers[name] if _FULL.fullmatch(name) and name in self.layers else None
        if isinstance(layer, nn.Conv2d):
            return layer.out_channels
        return self.channels[self.place(name)]

    def prepare(self, image: Image, preparation: Preparation | None = None) -> Tensor:
        """What the first layer sees of a picture, (B, 1 or 3, H, W) in [0, 1]."""
        x = (preparation or self.preparation)(image)
        return x.contiguous(memory_format=torch.channels_last)

    def forward(
        self, image: Image, layers: Sequence[str], preparation: Preparation | None = None
    ) -> dict[str, Tensor]:
        """Features by name, (B, C, h, w), computed no deeper than asked for.

        Args:
            image: (B, 1 or 3, H, W) in [0, 1].
            layers: names.
            preparation: of the picture, in place of the one the network was trained with.

        Raises:
            ProblemError: there is no such layer, or the picture is too small for it.
        """
        places = {name: self.place(name) for name in layers}
        wanted = set(places.values())
        found: dict[int, Tensor] = {}
        x = self.prepare(image, preparation)
        for place in range(max(wanted, default=-1) + 1):
            x = self._after(place, x, wanted)
            if place in wanted:
                found[place] = x
        return {name: self._widen(name, found[place]) for name, place in places.items()}

    def logits(self, image: Image) -> Tensor:
        """Score of each class, (B, classes).

        Raises:
            ProblemError: it has no head.
        """
        if not self.classes:
            raise ProblemError("this network has no head and tells no classes apart")
        return self(image, [self.rows[-1].name])[self.rows[-1].name].flatten(1)

    def place(self, name: str) -> int:
        """Which row a layer is.

        Raises:
            ProblemError: there is no such layer.
        """
        cut, full = _CUT.fullmatch(name), _FULL.fullmatch(name)
        if cut and 1 <= int(cut[1]) <= self.cuts:
            return int(cut[1]) - 1
        if full and name in self.layers:
            return self.index[f"relu{full[1]}_1"]
        if name not in self.index:
            raise ProblemError(
                f"this {self.config.trunk} has no layer '{name}', only {', '.join(self.names)}"
            )
        return self.index[name]

    def _after(self, place: int, x: Tensor, wanted: set[int]) -> Tensor:
        row = self.rows[place]
        if isinstance(row, Filtering):
            return apply_filter(x, row, self.layers[row.name])
        if isinstance(row, AveragePool):
            return F.adaptive_avg_pool2d(x, row.grid)
        if isinstance(row, Pool):
            late = place - 1 in self.before_pool - wanted
            return F.relu_(pool(x, row)) if late else pool(x, row)
        if place in self.before_pool - wanted:
            return x
        return F.relu(x) if place - 1 in wanted else F.relu_(x)

    def _widen(self, name: str, features: Tensor) -> Tensor:
        return F.relu_(self.layers[name](features)) if _FULL.fullmatch(name) else features


def _rows(config: FeatureSettings) -> list[Row]:
    trunk, count = TRUNKS[config.trunk], len(config.widths)
    rows = fitting(trunk.rows, count)
    left = count - sum(len(parts(row)) for row in rows)
    # A head begins with a row that needs no width, and is none without one that does.
    return rows + fitting(trunk.head, left) if left and len(rows) == len(trunk.rows) else rows


def _preparation(config: FeatureSettings) -> Preparation:
    if not len(config.mean) == len(config.std) == 3 or not all(config.std):
        raise CheckpointError("a picture has three means and three standard deviations above 0")
    return Preparation(config.mean, config.std, config.bgr)


def _widening(layers: nn.ModuleDict, name: str, width: int) -> nn.Module:
    thin = layers[name] if name in layers else None
    if not isinstance(thin, nn.Conv2d) or width < 1:
        raise CheckpointError(f"this network has no {name} to make {width} channels of")
    return nn.Conv2d(thin.out_channels, width, 1)


def _layers(rows: Sequence[Row], widths: Sequence[int]) -> tuple[dict[str, nn.Module], list[int]]:
    """The trained part of each row that has one, and the channels after each row."""
    if not widths or sum(len(parts(row)) for row in rows) != len(widths) or min(widths) < 1:
        raise CheckpointError(f"no such network has the widths {', '.join(map(str, widths))}")
    layers: dict[str, nn.Module] = {}
    channels: list[int] = []
    inside, pixels, rest = 3, 1, list(widths)
    for row in rows:
        if isinstance(row, AveragePool):
            pixels = row.grid**2
        if isinstance(row, Filtering):
            own = [rest.pop(0) for _ in parts(row)]
            layers[row.name] = layer_of(row, inside, own, pixels)
            inside = sum(own[1:]) if len(own) > 1 else own[0]  # what a fire squeezes stays inside
        if isinstance(row, Full):
            pixels = 1
        channels.append(inside)
    return layers, channels
