import copy
from itertools import islice

import pytest
import torch

from priorfit.degradations import Blur, Downsample, Identity, Mask, gaussian_psf
from priorfit.errors import ProblemError
from priorfit.guarantee.comparators import PYRAMID
from priorfit.guarantee.guard import make_guard
from priorfit.loop.finish import KeepKnownPixels
from priorfit.loop.fit import Fit
from priorfit.loop.tiled import TiledFit
from priorfit.loop.tiles import Grid, part_of
from priorfit.problem import Problem
from tests.tiny import TINY


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def whole(side: int = 60) -> Problem:
    return Problem(noise(1, 3, 50, side), Identity(), noise_std=0.1)


GRID = Grid((50, 60), 48, 8)
RECIPE = TINY.recipe(3)


def fitted(fit: TiledFit) -> torch.Tensor:
    for _ in fit:
        pass
    return fit.result().image


def test_a_tiled_fit_is_the_fits_of_its_tiles_cross_faded():
    problem = whole()
    alone = []
    for window in GRID.windows:
        fit = Fit(part_of(problem, window), RECIPE, [0])
        assert len(list(fit)) == 3
        alone.append(fit.result().image)
    assert torch.equal(fitted(TiledFit(problem, RECIPE, [0], GRID)), GRID.joined(iter(alone)))


def test_a_single_tile_is_the_fit_of_the_whole():
    problem = whole()
    fit = Fit(problem, RECIPE, [0])
    list(fit)
    tiled = fitted(TiledFit(problem, RECIPE, [0], Grid((50, 60), 96, 8)))
    assert torch.equal(tiled, fit.result().image)


def test_steps_are_counted_through_all_tiles():
    fit = TiledFit(whole(), RECIPE, [0], GRID)
    assert [step.state.taken for step in fit] == list(range(1, 3 * len(GRID) + 1))
    assert fit.complete


@pytest.mark.parametrize("taken", [1, 3, 4, 8])
def test_resumed_anywhere_it_ends_in_the_same_bytes(taken: int):
    problem = whole()
    expected = fitted(TiledFit(problem, RECIPE, [0], GRID))
    first = TiledFit(problem, RECIPE, [0], GRID)
    list(islice(first, taken))
    state = copy.deepcopy(first.state_dict())
    again = TiledFit(problem, RECIPE, [0], GRID, resume=state)
    assert torch.equal(fitted(again), expected)
    assert again.before == 3 * len(GRID)


@pytest.mark.parametrize("taken", [0, 1, 4])
def test_there_is_a_whole_picture_at_every_moment(taken: int):
    problem = Problem(noise(1, 3, 50, 60), Downsample(2))
    fit = TiledFit(problem, RECIPE, [0], GRID)
    list(islice(fit, taken))
    assert fit.result().image.shape == (1, 3, 100, 120)


def test_tiles_of_an_enlarged_or_deblurred_picture_have_its_size():
    image = noise(1, 3, 50, 60)
    enlarged = TiledFit(Problem(image, Downsample(2)), RECIPE, [0], GRID)
    assert fitted(enlarged).shape == (1, 3, 100, 120)
    blurred = Problem(image, Blur(gaussian_psf(1.0)))
    sharp = TiledFit(blurred, RECIPE, [0], GRID)
    assert fitted(sharp).shape == image.shape


def test_a_tile_without_a_hole_costs_nothing_and_known_pixels_stay():
    known = torch.ones(1, 1, 50, 60)
    known[..., 20:24, 2:6] = 0
    mask = Mask(known)
    problem = Problem(mask(noise(1, 3, 50, 60)), mask, finish=[KeepKnownPixels()])
    fit = TiledFit(problem, RECIPE, [0], GRID)
    image = fitted(fit)
    holes = sum(bool((window.cut(known) == 0).any()) for window in GRID.windows)
    assert 0 < holes < len(GRID)
    assert fit.before == 3 * holes
    assert torch.equal(image[..., known[0, 0] > 0], problem.observation[..., known[0, 0] > 0])


def test_tiles_share_the_time_and_take_the_steps_of_the_first():
    clock = iter(range(10_000))

    def left() -> float:
        return 1000.0 - 20 * next(clock)

    long = TINY.recipe(10**6)
    fit = TiledFit(whole(), long, [0], GRID, left=left)
    steps = [step.state.taken for step in fit]
    assert fit.complete
    assert fit.most is not None
    assert len(steps) <= fit.most * len(GRID)
    assert fit.most > 1


def test_more_than_one_picture_is_refused():
    with pytest.raises(ProblemError, match="one picture"):
        TiledFit(Problem(noise(2, 3, 50, 60), Identity()), RECIPE, [0, 1], GRID)


def test_a_tile_that_cannot_be_fitted_is_named():
    recipe = TINY.recipe(3)
    recipe.prior.inputs = (lambda problem, noise: (_ for _ in ()).throw(ProblemError("no")),)
    with pytest.raises(ProblemError, match="row 0, column 0: no"):
        list(TiledFit(whole(), recipe, [0], GRID))


@pytest.mark.parametrize("known", [range(8), range(52, 60)])
def test_a_tile_of_which_nothing_is_known_is_not_fitted(known):
    """A fit would paint anything there, where an estimate from all of the picture is at hand."""
    kept = torch.zeros(1, 1, 50, 60)
    kept[..., list(known)] = 1
    mask = Mask(kept)
    problem = Problem(mask(noise(1, 3, 50, 60)), mask)
    guard = make_guard(problem, [PYRAMID])
    grid = Grid((50, 60), 48, 0)
    fit = TiledFit(problem, RECIPE, [0], grid, guard=guard, judges=False)
    steps = len(list(fit))
    empty = [i for i, w in enumerate(grid.windows) if not w.cut(kept).any()]
    assert empty
    assert steps == 3 * (len(grid) - len(empty))
    for i in empty:
        assert torch.equal(fit.done[i], grid.windows[i].cut(guard.instead))
