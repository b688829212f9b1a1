"""A W space for a generator that has none, by a mapping before it [zhu2020]_."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ProblemError
from priorfit.networks.generator import Generator
from priorfit.networks.pretrained import Pretrained
from priorfit.store import folders
from priorfit.types import Image

MAPPING = "mapping"
"""Folder of a mapping in that of its generator."""

_DEEPEST = 64


@dataclass(frozen=True)
class MappingConfig:
    """How a mapping is built.

    Args:
        z_dim: Z, of z and of w.
        width: of the layers between.
        depth: how many layers.
    """

    z_dim: int = 120
    width: int = 256
    depth: int = 4


class Mapping(Pretrained):
    """w = z + f(z), f being linear layers that begin as zero, so that w begins as z.

    Args:
        config: how it is built.

    Raises:
        CheckpointError: fewer than two layers, or more than anybody would give it.
    """

    kind = "mapping"
    Config = MappingConfig

    def __init__(self, config: MappingConfig) -> None:
        super().__init__(config)
        if not 2 <= config.depth <= _DEEPEST:
            raise CheckpointError(f"a mapping has 2 to {_DEEPEST} layers, got {config.depth}")
        widths = [config.z_dim, *[config.width] * (config.depth - 1)]
        self.layers = nn.ModuleList(nn.Linear(inside, config.width) for inside in widths[:-1])
        self.last = Beginning(config.width, config.z_dim)

    def forward(self, z: Tensor) -> Tensor:
        """(B, Z) -> (B, Z)."""
        x = z
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return z + self.last(x)


class Beginning(nn.Linear):
    """A linear layer that begins as zero."""

    def start(self, generator: torch.Generator) -> None:
        """Begin as zero."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class Mapped(Generator):
    """A generator that draws from z as another draws from M(z); that one stays what it is.

    Its w, (B, L, Z + E), is M(z) and the embedding of the class where there are classes; all rows
    are alike. Its state is that of the mapping alone, which is stored beside the other generator.

    Args:
        inner: draws from z, and stands still.
        mapping: M.

    Raises:
        ProblemError: the generator has a W space already, or the mapping is of another z.
    """

    kind = "mapped"

    def __init__(self, inner: Generator, mapping: Mapping) -> None:
        super().__init__(mapping.config)
        if "w" in inner.spaces or "w+" in inner.spaces:
            raise ProblemError(f"a {type(inner).__name__} has a W space already")
        if mapping.config.z_dim != inner.z_dim:
            raise ProblemError(
                f"expected a mapping of {inner.z_dim} numbers, got one of {mapping.config.z_dim}"
            )
        self._held = (inner.eval().requires_grad_(False),)  # out of sight of optimisers
        self.mapping, self.source = mapping, dict(inner.source)
        self.size, self.colors, self.z_dim = inner.size, inner.colors, inner.z_dim
        self.layers, self.classes, self.spaces = inner.layers, inner.classes, ("z", "w")

    @property
    def inner(self) -> Generator:
        """The generator that draws from w."""
        return self._held[0]

    def embed(self, labels: Tensor) -> Tensor | None:
        return self.inner.embed(labels)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        if self.classes and c is None:
            raise ProblemError("expected the embedding of a class with z, got none")
        w = self.mapping(z) if c is None else torch.cat([self.mapping(z), c], 1)
        return w[:, None].expand(-1, max(1, self.layers), -1)

    def lower(self, latent: Tensor, layer: int, c: Tensor | None = None) -> Tensor:
        z, c = self._split(latent)
        return self.inner.lower(z, layer, c)

    def upper(self, features: Tensor, layer: int, latent: Tensor, c: Tensor | None = None) -> Image:
        z, c = self._split(latent)
        return self.inner.upper(features, layer, z, c)

    def draw(self, latent: Tensor, c: Tensor | None = None) -> Image:
        """The image of w, (B, L, Z + E) or (B, 1, Z + E); w knows the class."""
        z, c = self._split(latent)
        return self.inner.draw(z, c)

    def image(self, drawn: Image) -> Image:
        return self.inner.image(drawn)

    def _split(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        z, c = w[:, 0].tensor_split([self.z_dim], 1)
        return z, c if self.classes else None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.inner._apply(fn, recurse)
        return super()._apply(fn, recurse)


def with_mapping(name: str | os.PathLike[str], device: torch.device | str = "cpu") -> Mapped:
    """Load a generator and the mapping that is stored beside it, in its folder `mapping`.

    Raises:
        CheckpointError: one of them is missing, damaged, or another kind of network.
    """
    folder = folders.find(name)
    inner = Generator.from_pretrained(folder, device)
    return Mapped(inner, Mapping.from_pretrained(folder / MAPPING, device)).eval()
