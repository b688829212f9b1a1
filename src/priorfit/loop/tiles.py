"""Pictures larger than memory: overlapping tiles of a given size, cross-faded into one picture."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from priorfit.degradations import Window
from priorfit.errors import ProblemError
from priorfit.problem import Problem
from priorfit.types import Image

OVERLAP = 64
"""Pixels over which neighbours are cross-faded, where the tile is large enough for that."""

LEAST = 48
"""Pixels of the smallest tile."""


@dataclass(frozen=True)
class Grid:
    """Overlapping tiles that cover a picture, evenly spread, row by row.

    Neighbours fade into each other along a half cosine in the middle of what they share. What a
    tile sees beyond that counts nothing: there it only looks at its neighbour's pixels, so that it
    knows how the picture goes on.

    Args:
        size: (height, width) of the picture.
        tile: longest side of a tile.
        overlap: pixels over which neighbours fade, at most a third of a tile.

    Raises:
        ProblemError: the tile is too small for its overlap, or for any network.
    """

    size: tuple[int, int]
    tile: int
    overlap: int

    def __post_init__(self) -> None:
        if self.tile < LEAST:
            raise ProblemError(f"expected tiles of at least {LEAST} pixels, got {self.tile}")
        if not 0 <= 3 * self.overlap <= self.tile:
            raise ProblemError(
                f"expected an overlap of 0 to {self.tile // 3}, a third of a tile, "
                f"got {self.overlap}"
            )

    @classmethod
    def of(cls, size: tuple[int, int], tile: int) -> "Grid":
        """A grid with the overlap that tiles of this size afford."""
        return cls(size, tile, min(OVERLAP, tile // 4))

    @property
    def windows(self) -> list[Window]:
        """The tiles, row by row."""
        rows, columns = (self._spread(side) for side in self.size)
        height, width = (min(self.tile, side) for side in self.size)
        return [Window(top, left, height, width) for top in rows for left in columns]

    def __len__(self) -> int:
        return math.prod(len(self._spread(side)) for side in self.size)

    def joined(self, tiles: Iterator[Image], factor: int = 1) -> Image:
        """Cross-fade tiles, given row by row, into the picture; no more than a row is held.

        Where neighbours agree the result is what they agree on, bit for bit.

        Args:
            tiles: (B, C, h, w) each, in the order of `windows`.
            factor: pixels of the result along a pixel of the grid.
        """
        tops, lefts = (self._spread(side) for side in self.size)
        height, width = (factor * side for side in self.size)
        picture: Image | None = None
        for top in tops:
            strip: Image | None = None
            for left in lefts:
                tile = next(tiles)
                if strip is None:
                    strip = tile.new_zeros(*tile.shape[:-1], width)
                self._fade_in(strip, tile, left, lefts, factor)
            assert strip is not None
            if picture is None:
                picture = strip.new_zeros(*strip.shape[:-2], height, width)
            self._fade_in(picture.mT, strip.mT, top, tops, factor)
        assert picture is not None
        return picture

    def _spread(self, side: int) -> list[int]:
        """Where tiles begin along a side: as few as will do, evenly."""
        if side <= self.tile:
            return [0]
        count = math.ceil((side - self.overlap) / (self.tile - self.overlap))
        return [round(i * (side - self.tile) / (count - 1)) for i in range(count)]

    def _fade_in(
        self, canvas: Image, tile: Image, begin: int, begins: list[int], factor: int
    ) -> None:
        """Lay a tile on (..., W) from column `begin`, over the tile before it."""
        place = begins.index(begin)
        start = factor * begin
        if place == 0:
            canvas[..., start : start + tile.shape[-1]] = tile
            return
        shared = begins[place - 1] + self.tile - begin
        first = factor * ((shared - self.overlap) // 2)  # of the ramp, in the middle of both
        ramp = half_cosine(factor * self.overlap).to(tile)
        below = canvas[..., start + first : start + first + len(ramp)]
        below.lerp_(tile[..., first : first + len(ramp)], ramp.expand_as(below))
        behind = first + len(ramp)
        canvas[..., start + behind : start + tile.shape[-1]] = tile[..., behind:]


def half_cosine(length: int) -> Tensor:
    """Weights that rise from 0 to 1, (length,) in float64; reversed, the rest to 1."""
    places = (torch.arange(length, dtype=torch.float64, device="cpu") + 0.5) / max(length, 1)
    return (1 - torch.cos(math.pi * places)) / 2


def enlargement(problem: Problem) -> int:
    """How many pixels of the picture sought a pixel of the observation stands for, along a side.

    Raises:
        ProblemError: the problem is none that tiles can be cut from.
    """
    return problem.operator.enlargement()


def part_of(problem: Problem, window: Window) -> Problem:
    """The same problem for the part of the observation inside a window, without its finish.

    Raises:
        ProblemError: as `enlargement`.
    """
    operator, companion = problem.operator, problem.companion
    return replace(
        problem,
        observation=window.cut(problem.observation),
        degradation=operator.part(window),
        image_shape=None,
        companion=None if companion is None else operator.behind(window).cut(companion),
        finish=(),
    )


Solve = Callable[[Problem], Image]
"""Restores a part, (B, c, h, w) -> (B, C, h·factor, w·factor)."""


def solved(problem: Problem, grid: Grid, solve: Solve) -> Image:
    """Restore a picture tile by tile."""
    parts = (solve(part_of(problem, window)) for window in grid.windows)
    return grid.joined(parts, enlargement(problem))
