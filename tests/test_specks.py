"""Specks are found among noise and detail, and filled; nothing else is taken for one."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import priorfit as pf
from priorfit.classical.specks import fill_specks, find_specks, look_for_specks
from priorfit.images import from_array
from priorfit.tasks.denoise import Denoise
from tests.test_noise_level import blurred, normal, scene


def speckled(picture: torch.Tensor, share: float, values=(0.0, 1.0)):
    """With a share of its values replaced, and where one can see it."""
    generator = torch.Generator().manual_seed(3)
    there = torch.rand(picture.shape, generator=generator) < share
    high = torch.rand(picture.shape, generator=generator) < 0.5
    hit = torch.where(there, torch.where(high, values[1], values[0]), picture)
    return hit, (hit - picture).abs() > 0.2


@pytest.mark.parametrize("share", [0.005, 0.01, 0.05])
@pytest.mark.parametrize("scale", [1.0, 4095.0])
def test_salt_and_pepper_is_found_and_filled(share, scale):
    clean = scene(1)
    hit, there = speckled(clean + 0.01 * normal(1), share)
    found = find_specks(hit * scale - scale)
    assert (found & there).sum() > 0.6 * there.sum()
    filled = fill_specks(hit, found)
    assert (filled - clean).square().mean() < 0.5 * (hit - clean).square().mean()


@pytest.mark.parametrize("value", [50.0, -50.0])
def test_one_pixel_far_out_of_the_range_is_found(value):
    picture = scene(1) + 0.02 * normal(1)
    picture[0, 0, 40, 11] = value
    found = find_specks(picture)
    assert found.sum() == 1 and found[0, 0, 40, 11]


@pytest.mark.parametrize("std", [0.0, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("clipped", [False, True])
def test_noise_has_no_specks(std, clipped):
    picture = scene() + std * normal()
    assert not find_specks(picture.clamp(0, 1) if clipped else picture).any()


@pytest.mark.parametrize("mean", [0.05, 2.0, 30.0])
def test_counted_photons_are_no_specks(mean):
    counts = torch.poisson(mean * scene(), generator=torch.Generator().manual_seed(0))
    assert not find_specks(counts).any()


def test_stars_lines_and_drawings_are_no_specks():
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    stars = 0.1 + 0.01 * torch.randn(96, 96, generator=torch.Generator().manual_seed(0))
    draw = torch.rand(30, 3, generator=torch.Generator().manual_seed(1))
    for y, x, light in draw.tolist():
        stars += light * torch.exp(-((rows - 96 * y) ** 2 + (columns - 96 * x) ** 2) / 2)
    drawing = torch.ones(96, 96)
    drawing[20, 10:60] = drawing[10:60, 30] = 0
    dither = ((rows + columns) % 2).float()
    for picture in (stars, drawing, dither):
        assert not find_specks(picture[None, None]).any()


def test_denoise_fills_specks_and_leaves_the_rest_where_there_is_no_noise():
    clean = np.linspace(0.2, 0.8, 64) * np.linspace(0.5, 1, 64)[:, None]
    hit = clean.copy()
    hit[5::13, 3::11] = 1.0
    assert np.abs(pf.denoise(hit) - clean).max() < 0.05


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 0.3])
@pytest.mark.parametrize("channels", [1, 3])
def test_hardly_a_grain_of_salt_and_pepper_stays(share, channels):
    clean = scene(channels)
    hit, there = speckled(clean + 0.01 * normal(channels), share)
    found = find_specks((hit * 255).round())
    assert (found & there).sum() > 0.75 * there.sum()
    filled = fill_specks(hit, found)
    assert (filled - clean).square().mean() < 0.2 * (hit - clean).square().mean()


def test_grain_that_is_clipped_and_dithers_of_few_levels_are_no_salt():
    soft = (0.5 + 0.8 * (scene() - 0.5) + 0.25 * blurred(normal())).clamp(0, 1)
    drawn = torch.rand(scene().shape, generator=torch.Generator().manual_seed(0))
    dithered = ((scene() * 3 + drawn - 0.5).round() / 3).clamp(0, 1)
    for picture in (soft, dithered, (scene() > drawn).float()):
        assert not find_specks(picture).any()


@pytest.mark.parametrize("sigma", [0.4, 0.5, 0.6, 0.7])
def test_sharp_stars_are_no_specks(sigma):
    generator = np.random.default_rng(1)
    points = np.zeros((96, 96))
    points[generator.integers(0, 96, 40), generator.integers(0, 96, 40)] = generator.uniform(
        1, 10, 40
    )
    sky = 0.05 + ndimage.gaussian_filter(points, sigma) + generator.normal(0, 0.02, points.shape)
    assert not find_specks(torch.from_numpy(sky)[None, None].float()).any()


PATTERNS = {
    "a grid of dots": lambda c: c.__setitem__((slice(None, None, 6), slice(None, None, 6)), 0.9),
    "dotted rules": lambda c: [
        c.__setitem__((20, slice(None, None, 2)), 1.0),
        c.__setitem__((50, slice(None, None, 3)), 1.0),
    ],
    "a steep line": lambda c: [c.__setitem__(((3 * i) % 96, i), 1.0) for i in range(96)],
}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_of_single_pixels_are_no_specks(name):
    picture = np.full((96, 96), 0.3)
    PATTERNS[name](picture)
    picture += np.random.default_rng(0).normal(0, 0.03, picture.shape)
    assert not find_specks(torch.from_numpy(picture)[None, None].float()).any()


def uneven(side: int = 96) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side
    return 0.3 + 0.3 * rows + 0.1 * np.sin(6 * columns)


def dots(share: float, height: float, spread: float, seed: int = 5) -> np.ndarray:
    """Single pixels, anywhere, that are so much lighter or darker than an uneven ground."""
    generator = np.random.default_rng(seed)
    ground = uneven()
    heights = height + spread * generator.standard_normal(ground.shape)
    return ground + np.where(generator.random(ground.shape) < share, heights, 0)


@pytest.mark.parametrize("share", [0.004, 0.02, 0.06])
@pytest.mark.parametrize(("height", "spread"), [(0.2, 0.0), (-0.25, 0.0), (0.3, 0.1), (0.0, 0.25)])
@pytest.mark.parametrize("channels", [1, 3])
def test_stipple_and_sand_on_uneven_ground_are_kept_and_counted(share, height, spread, channels):
    picture = torch.from_numpy(dots(share, height, spread).clip(0, 1))[None, None]
    seen = look_for_specks(picture.expand(1, channels, -1, -1))
    assert not seen.faults.any()
    assert seen.unsure > 0.2 * share * picture.numel()


@pytest.mark.parametrize("brightness", [0.05, 0.2, 1.0])
def test_single_pixels_of_a_starry_sky_are_kept(brightness):
    generator = np.random.default_rng(2)
    stars = (generator.random((96, 96)) < 0.02) * generator.exponential(brightness, (96, 96))
    sky = (0.03 + 0.1 * uneven() + stars + 0.004 * generator.standard_normal((96, 96))).clip(0, 1)
    assert not find_specks(torch.from_numpy(sky)[None, None]).any()


@pytest.mark.parametrize("ink", [0.0, 1.0])
def test_the_dots_of_a_drawing_that_shade_it_are_kept(ink):
    density = 0.06 * uneven() ** 6 / (uneven() ** 6).max()
    drawn = np.random.default_rng(0).random(density.shape) < density
    picture = np.where(drawn, ink, 0.4 + 0.2 * uneven())
    assert not find_specks(torch.from_numpy(picture)[None, None]).any()


@pytest.mark.parametrize("share", [0.004, 0.02])
def test_faults_of_any_value_in_one_channel_alone_are_found(share):
    generator = torch.Generator().manual_seed(0)
    clean = scene(3)
    there = torch.rand(clean.shape, generator=generator) < share
    hot = torch.where(there, clean + 0.35, clean)
    found = find_specks(hot)
    assert (found & there).sum() > 0.7 * there.sum()


def test_what_is_kept_is_named_with_what_would_remove_it():
    noisy = Denoise().pose(from_array(dots(0.02, 0.3, 0.1)))
    assert noisy.filled == 0
    assert any("not filled" in note and "priorfit inpaint" in note for note in noisy.notes)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_faults_of_one_value_are_found_beside_a_saturated_sky(value):
    picture = 0.3 + 0.4 * scene(1)
    picture[..., :24, :] = 1.0
    picture = picture + 0.01 * normal(1)
    picture[..., :24, :] = 1.0
    there = torch.rand(picture.shape, generator=torch.Generator().manual_seed(1)) < 0.02
    hit = torch.where(there, value, picture)
    seen = there & ((picture - value).abs() > 0.2)
    assert (find_specks(hit) & seen).sum() > 0.9 * seen.sum()
