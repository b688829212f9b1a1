import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from priorfit.degradations import Blur, Border, Downsample, Identity, Mask, gaussian_psf
from priorfit.errors import ProblemError
from priorfit.loop.tiles import Grid, Window, enlargement, half_cosine, part_of, solved
from priorfit.problem import Problem

sides = st.integers(16, 300)
grids = st.builds(
    lambda height, width, tile, share: Grid((height, width), tile, int(share * tile)),
    sides,
    sides,
    st.integers(48, 160),
    st.floats(0, 1 / 3),
)
DEGRADATIONS = [
    Identity(),
    Mask(torch.rand(1, 1, 70, 90, generator=torch.Generator().manual_seed(0)) > 0.5),
    Downsample(3),
    Blur(gaussian_psf(1.0)),
]


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@settings(max_examples=40, deadline=None)
@given(grids, st.integers(1, 3))
def test_cutting_and_joining_gives_a_picture_back_bit_for_bit(grid: Grid, factor: int):
    picture = noise(1, 2, factor * grid.size[0], factor * grid.size[1])
    tiles = [window.times(factor).cut(picture) for window in grid.windows]
    assert len(tiles) == len(grid)
    assert torch.equal(grid.joined(iter(tiles), factor), picture)


@settings(max_examples=15, deadline=None)
@given(grids)
def test_the_weights_of_all_tiles_sum_to_one_everywhere(grid: Grid):
    def weight(chosen: int) -> torch.Tensor:
        shapes = [(1, 1, window.height, window.width) for window in grid.windows]
        return grid.joined(torch.full(shape, float(i == chosen)) for i, shape in enumerate(shapes))

    total = sum(weight(i) for i in range(len(grid)))
    assert torch.allclose(total, torch.ones(1, 1, *grid.size), atol=1e-6)


@given(grids)
def test_no_tile_is_longer_than_asked_or_leaves_the_picture(grid: Grid):
    for top, left, height, width in grid.windows:
        assert 0 < height <= grid.tile
        assert 0 < width <= grid.tile
        assert 0 <= top <= grid.size[0] - height
        assert 0 <= left <= grid.size[1] - width


@given(st.integers(0, 100))
def test_a_half_cosine_and_its_mirror_image_sum_to_one(length: int):
    ramp = half_cosine(length)
    assert torch.allclose(ramp + ramp.flip(0), torch.ones(length, dtype=ramp.dtype))
    assert (ramp.diff() > 0).all()


def test_a_fade_is_as_long_as_the_overlap():
    grid = Grid((48, 100), 64, 20)
    left, right = torch.zeros(1, 1, 48, 64), torch.ones(1, 1, 48, 64)
    row = grid.joined(iter([left, right]))[0, 0, 0]
    assert ((row > 0) & (row < 1)).sum() == 20
    assert (row.diff() >= 0).all()


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=repr)
def test_what_is_seen_of_a_part_is_the_part_of_what_is_seen(degradation):
    window = Window(24, 30, 36, 42)
    shape = degradation.image_shape((3, 70, 90))
    image = noise(1, *shape)
    problem = Problem(degradation(image), degradation, noise_std=0.1)
    part, factor = part_of(problem, window), enlargement(problem)
    assert part.noise_std == 0.1
    assert part.observation.shape[-2:] == (36, 42)
    height, width = part.shape[1:]
    region = image[..., window.top * factor :, window.left * factor :][..., :height, :width]
    seen, expected = part.operator(region), window.cut(problem.observation)
    rim = 4 if factor > 1 else 0  # where a reduction sees beyond the part
    inner = slice(rim, -rim or None)
    assert torch.allclose(seen[..., inner, inner], expected[..., inner, inner], atol=1e-6)


def test_a_companion_is_cut_alike():
    flash = noise(1, 3, 60, 60)
    problem = Problem(noise(1, 3, 60, 60), Identity(), companion=flash)
    part = part_of(problem, Window(10, 20, 30, 40))
    assert torch.equal(part.companion, flash[..., 10:40, 20:60])


def test_an_operator_of_which_no_part_can_be_seen_is_refused():
    valid = Downsample(2, border=Border.VALID)
    problem = Problem(valid(noise(1, 3, 60, 60)), valid)
    with pytest.raises(ProblemError, match="Downsample"):
        part_of(problem, Window(0, 0, 20, 20))


@pytest.mark.parametrize(("tile", "overlap"), [(47, 8), (64, 22), (64, -1)])
def test_tiles_too_small_for_themselves_are_refused(tile: int, overlap: int):
    with pytest.raises(ProblemError, match="expected"):
        Grid((100, 100), tile, overlap)


def test_tiles_may_be_restored_one_by_one():
    problem = Problem(noise(1, 3, 60, 110), Downsample(2), image_shape=(3, 120, 220))
    grid = Grid.of(problem.size, 48)

    def repeated(part: Problem) -> torch.Tensor:
        return part.observation.repeat_interleave(2, -1).repeat_interleave(2, -2)

    assert torch.equal(solved(problem, grid, repeated), repeated(problem))
