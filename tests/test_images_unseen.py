"""What is transparent has no colour: whatever a file holds there, nothing is mixed with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import priorfit as pf
from priorfit import images
from priorfit.degradations import Downsample
from priorfit.images import Picture, from_array, visible
from priorfit.runs import Job
from priorfit.tasks import Denoise, Enhance, Inpaint, Upscale
from tests.tiny import photo, pixels

DTYPES = {"u1": 255, "u2": 65535, "f4": 1.0, "f8": 1.0}


def sprite(dtype="u1", under=0.0, seed=0) -> np.ndarray:
    """A noisy disc of middling colours with a soft rim; `under` where it is transparent."""
    draws = np.random.default_rng(seed)
    rows, columns = np.mgrid[:24, :28]
    alpha = np.clip(9 - np.hypot(rows - 12, columns - 13), 0, 1)
    colours = 0.4 + 0.3 * draws.random((24, 28, 3))
    colours[alpha == 0] = under
    rgba = np.concatenate([colours, alpha[..., None]], -1)
    return (rgba * DTYPES[dtype]).astype(dtype)


def seen(rgba: np.ndarray) -> np.ndarray:
    return rgba[..., 3] > 0.01 * DTYPES[rgba.dtype.str[1:]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("under", [0.0, 1.0])
def test_no_colour_is_made_up_and_none_that_is_seen_is_touched(dtype, under):
    rgba = sprite(dtype, under)
    picture = from_array(rgba, -1)
    shown = visible(picture).pixels
    inside = seen(rgba)
    assert np.array_equal(shown[:, inside], picture.pixels[:, inside])
    for before, after in zip(picture.pixels, shown, strict=True):
        assert before[inside].min() <= after.min() <= after.max() <= before[inside].max()


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(DTYPES)))
def test_what_lies_under_transparency_makes_no_difference(seed, dtype):
    rgba = sprite(dtype, seed=seed)
    other = rgba.copy()
    draws = np.random.default_rng(seed).random(rgba.shape) * DTYPES[dtype]
    other[~seen(rgba), :3] = draws[~seen(rgba), :3].astype(dtype)
    one, two = (visible(from_array(each, -1)).pixels for each in (rgba, other))
    assert np.array_equal(one, two)


def test_the_rim_goes_on_with_its_own_noise():
    rgba = sprite()
    shown = visible(from_array(rgba, -1)).pixels
    ring = ~seen(rgba)
    ring[:4] = ring[-4:] = ring[:, :4] = ring[:, -4:] = False
    inside = shown[:, seen(rgba)]
    assert np.allclose(shown[:, ring].mean(1), inside.mean(1), atol=0.05)
    assert shown[:, ring].std() > 0.6 * inside.std()


@pytest.mark.parametrize("alpha", [0, 255])
def test_a_picture_of_which_all_or_nothing_is_seen_stays_as_it_is(alpha):
    rgba = sprite()
    rgba[..., 3] = alpha
    picture = from_array(rgba, -1)
    assert visible(picture) is picture
    grey = from_array(rgba[..., 0])
    assert visible(grey) is grey


def test_pixels_that_are_no_numbers_are_not_spread():
    rgba = sprite("f4")
    rgba[12, 20, 0] = np.nan  # beside the rim
    lost = ~np.isfinite(visible(from_array(rgba, -1)).pixels)
    assert lost.sum() == 1
    under = sprite("f4", under=np.nan)
    assert np.isfinite(visible(from_array(under, -1)).pixels).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_nobody_changes_is_written_as_it_was(dtype):
    rgba = sprite(dtype)
    picture = visible(from_array(rgba, -1))
    assert np.array_equal(images.to_array(picture.tensor(), picture), rgba)


TASKS = {
    "denoise": Denoise(noise_std=0.1),
    "upscale": Upscale(factor=2),
    "enhance": Enhance(),
    "inpaint": Inpaint(hole_from_alpha=True),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_task_draws_what_is_transparent_into_the_picture(task, tiny_recipes, tmp_path):
    """Composited on any ground, since what is seen does not depend on what is not."""
    results = []
    for name, under in (("black", 0.0), ("white", 1.0)):
        images.write(tmp_path / f"{name}.png", *_image_of(sprite(under=under)))
        job = Job(
            input=tmp_path / f"{name}.png",
            output=tmp_path / f"{name}-out.png",
            task=task,
            recipe=f"dip/{task.kind}",
            device="cpu",
        )
        pf.run(job)
        results.append(pixels(job.output))
    one, two = results
    shows = one[..., 3] > 0
    assert shows.any()
    assert np.array_equal(one[shows], two[shows])


def _image_of(rgba: np.ndarray):
    picture = from_array(rgba, -1)
    return picture.tensor(), replace(picture, format="png", channel_axis=None)


def test_an_enlargement_of_one_colour_has_no_fringe():
    """A sprite of one colour is enlarged to one colour: every pixel asks for it."""
    rgba = sprite()
    rgba[seen(rgba), :3] = (200, 120, 40)
    picture: Picture = visible(from_array(rgba, -1))
    assert np.ptp(picture.pixels, (1, 2)).max() < 1e-6
    problem = Upscale(factor=2).lay(picture, None).problem
    assert isinstance(problem.degradation, Downsample)
    assert problem.observation.std((2, 3)).max() < 1e-6


ARRAYS = {
    "denoise": lambda image, **how: pf.denoise(image, noise_std=0.1, **how),
    "inpaint": lambda image, **how: pf.inpaint(image, np.eye(24, 28), **how),
    "deblur": lambda image, **how: pf.deblur(image, np.ones((3, 3)), **how),
    "dejpeg": lambda image, **how: pf.dejpeg(image, quality=30, **how),
    "fuse": lambda image, **how: pf.fuse(image, image, **how),
    "enhance": pf.enhance,
}


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("task", ARRAYS.values(), ids=ARRAYS)
def test_the_alpha_of_an_array_is_kept(task, dtype, axis, tiny_recipes):
    rgba = sprite(dtype)
    given = np.moveaxis(rgba, -1, axis)
    result = np.moveaxis(task(given, channel_axis=axis, steps=1), axis, -1)
    assert result.dtype == rgba.dtype
    assert np.array_equal(result[..., 3], rgba[..., 3])
    assert not np.array_equal(result[..., :3], rgba[..., :3])


def test_the_alpha_of_an_array_is_enlarged_as_that_of_a_file(tiny_recipes, tmp_path):
    rgba = sprite()
    result = pf.upscale(rgba, 2, channel_axis=-1, steps=1)
    image, like = _image_of(rgba)
    large = image.repeat_interleave(2, -1).repeat_interleave(2, -2)
    images.write(tmp_path / "a.png", large, like)
    assert np.array_equal(result[..., 3], pixels(tmp_path / "a.png")[..., 3])


def test_a_picture_of_three_channels_has_no_alpha(tmp_path):
    assert from_array(pixels(photo(tmp_path / "a.png")), -1).alpha is None
