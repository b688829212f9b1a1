"""Whether a fit has room in memory, and in which tiles it has if not: settled beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from priorfit.engine.clock import Clock
from priorfit.engine.request import Request
from priorfit.errors import PriorfitError
from priorfit.guarantee.guard import Guard
from priorfit.loop.fit import Fit, Recipe
from priorfit.loop.fitting import Fitting
from priorfit.loop.memory import Forecast, available, forecast, used
from priorfit.loop.tiled import TiledFit
from priorfit.loop.tiles import LEAST, Grid, enlargement
from priorfit.problem import Problem
from priorfit.recipes import UNLIMITED
from priorfit.types import Code
from priorfit.wording import counted

Tell = Callable[[str], None]
"""Hears one line."""

LARGE = 1_000_000
"""Pixels of the picture sought from which memory and time are foretold without being asked for."""

_SIDES = (128, 1024)  # of tiles that are chosen for a limit
_STEP = 32  # they are multiples of it
_WHOLE = 4 * 1.3 + 4 + 4 + 2 * 4 + 3 * 8
"""Bytes a sample: tiles, their picture, cheap estimates beside it, its way to the file."""
_OWN = 0.9  # of what the system has free


@dataclass(frozen=True)
class Extent:
    """How large a fit will be.

    Args:
        grid: its tiles, None for one piece.
        memory: bytes that the process will have at most, None if nobody asked.
        seconds: of the fit, likewise, None too if only the clock ends it.
    """

    grid: Grid | None = None
    memory: int | None = None
    seconds: float | None = None

    @property
    def tiles(self) -> int:
        """How many pieces."""
        return 1 if self.grid is None else len(self.grid)

    @property
    def told(self) -> str | None:
        """What is worth saying before the start."""
        if self.memory is None:
            return None
        pieces = "in one piece"
        if self.grid is not None:
            pieces = f"in {counted(len(self.grid), 'tile')} of {self.grid.tile} pixels"
        time = "" if self.seconds is None else f" and about {_duration(self.seconds)}"
        return f"{pieces}, foretold: {in_bytes(self.memory)} of memory{time}"


def extent(request: Request, problem: Problem, recipe: Recipe, steps: int) -> Extent:
    """Foretell memory and time, and choose tiles where the whole does not fit.

    Nothing is probed for small pictures that nobody asks about.

    Args:
        request: with the limit, and the tile if one is given.
        problem: of the whole picture.
        recipe: of one piece.
        steps: of one piece.

    Raises:
        PriorfitError: not even small tiles fit, or the problem cannot be cut into tiles.
    """
    _, height, width = problem.shape
    device = problem.observation.device
    tile = request.tile
    grid = None if tile is None or tile >= max(problem.size) else _grid(problem, tile)
    if height * width < LARGE and request.memory_limit is None and grid is None:
        return Extent()
    known = forecast(problem, recipe)
    if grid is None and request.tile is None:
        grid = _fitting(known, problem, _limit(request, device), device)
    if grid is not None:
        _check(request)
    side = None if grid is None else grid.windows[0]
    factor = 1 if grid is None else enlargement(problem)
    pixels = height * width if side is None else side.height * side.width * factor**2
    count = 1 if grid is None else len(grid)
    seconds = None if steps >= UNLIMITED else count * known.seconds(pixels, steps)
    memory = max(_during(known, problem, pixels), _afterwards(problem))
    if device.type == "cpu" and request.memory_limit is not None and memory > request.memory_limit:
        raise _too_little(memory, request.memory_limit)
    if request.time_limit is not None:
        seconds = None
    return Extent(grid, memory, seconds)


def _check(request: Request) -> None:
    """Refuse what tiles cannot do."""
    for option in request.of_one_piece:
        raise PriorfitError(f"is too large for one piece, and {option} is not made of tiles")


def begin_fit(
    request: Request,
    problem: Problem,
    recipe: Recipe,
    size: Extent,
    *,
    guard: Guard | None = None,
    clock: Clock | None = None,
    resume: Mapping[str, Any] | None = None,
    before: Code | None = None,
) -> Fitting:
    """A fit of the whole, or of its tiles, each judged by the guard."""
    if size.grid is None:
        return Fit(problem, recipe, [request.seed], resume, before=before)
    left = None if clock is None or clock.limit is None else lambda: clock.left
    return TiledFit(
        problem,
        recipe,
        [request.seed],
        size.grid,
        guard=guard,
        judges=request.hands_out_best,
        resume=resume,
        left=left,
    )


def in_tiles(tile: int | None, problem: Problem) -> Extent:
    """That of a fit whose tiles were chosen before."""
    return Extent(None if tile is None else _grid(problem, tile))


def steps_of_a_tile(fit: Fitting) -> int | None:
    """Steps of a tile, None for one piece or before the clock has told."""
    each = fit.steps_of_a_piece
    return each if each is not None and each < UNLIMITED else None


def _grid(problem: Problem, tile: int) -> Grid:
    enlargement(problem)  # can it be cut at all
    return Grid.of(problem.size, tile)


def _limit(request: Request, device: torch.device) -> int:
    if device.type != "cpu":
        free = available(device)
        return free if request.memory_limit is None else min(free, request.memory_limit)
    return (
        round(used() + _OWN * available(device))
        if request.memory_limit is None
        else request.memory_limit
    )


def _fitting(known: Forecast, problem: Problem, limit: int, device: torch.device) -> Grid | None:
    """Tiles that fit, as large as they can be; None if the whole does."""
    _, height, width = problem.shape
    if _during(known, problem, height * width) <= limit:
        return None
    factor = enlargement(problem)
    room = limit - _during(known, problem, 0) + known.memory(0)
    side = int(known.pixels(max(room, 0)) ** 0.5) // _STEP * _STEP
    least = max(_SIDES[0], LEAST * factor)
    if side < least:
        raise _too_little(_during(known, problem, least**2), limit)
    return _grid(problem, max(LEAST, min(side, _SIDES[1]) // factor))


def _during(known: Forecast, problem: Problem, pixels: int) -> int:
    """Bytes in memory while a piece of so many pixels is fitted, and after it.

    The tiles that are done lie among what a fit takes and frees, so that the whole picture, which
    is made in the end, does not find room in what the last tile has freed.
    """
    device = problem.observation.device
    _, height, width = problem.shape
    whole = 0 if pixels == height * width else round(_WHOLE * problem.shape[0] * height * width)
    return (used() + whole if device.type == "cpu" else 0) + known.memory(pixels)


def _afterwards(problem: Problem) -> int:
    channels, height, width = problem.shape
    return used() + round(_WHOLE * channels * height * width)


def _too_little(needed: int, limit: int) -> PriorfitError:
    return PriorfitError(
        f"needs about {in_bytes(needed)} of memory, more than the {in_bytes(limit)} it may "
        "take: give --memory-limit more, or use a smaller picture or recipe"
    )


def in_bytes(size: float) -> str:
    """So many bytes, as messages have them."""
    if size < 1e6:  # nobody means so little, but everybody may forget a unit
        return counted(round(size), "byte")
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
