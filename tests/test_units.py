"""One picture, one result, whatever the units of its file."""

import numpy as np
import pytest
import torch

import priorfit as pf
from priorfit.images import from_array
from priorfit.tasks import Denoise
from priorfit.tasks.denoise import denoising
from priorfit.tasks.inpaint import inpainting
from priorfit.tasks.problems import for_recipe
from priorfit.tasks.upscale import upscaling
from priorfit.units import Units
from tests.tiny import array

pytestmark = pytest.mark.usefixtures("tiny_recipes")

# Of black and white, where the same picture is stored otherwise.
STORED = {
    "8 bits": (np.uint8, 0, 255),
    "12 bits in 16": (np.uint16, 0, 4095),
    "few levels in 16 bits": (np.uint16, 0, 444),
    "16 bits": (np.uint16, 0, 65535),
    "above a black level": (np.uint16, 1000, 5095),
    "negative": (np.int16, -2000, 2095),
    "32 bits": (np.uint32, 10, 3_000_000_010),
    "floats to 1": (np.float32, 0, 1),
    "small floats": (np.float64, 0, 0.001),
    "large floats": (np.float32, 0, 4095),
    "floats about 0": (np.float64, -1, 1),
}
SCENE = np.clip(
    np.linspace(0.1, 0.9, 24) + np.random.default_rng(0).normal(0, 0.08, (20, 24)), 0.0, 1.0
)


def stored(name: str, scene: np.ndarray = SCENE) -> np.ndarray:
    dtype, low, high = STORED[name]
    samples = low + scene * (high - low)
    return (np.rint(samples) if np.dtype(dtype).kind in "iu" else samples).astype(dtype)


def scene_of(name: str, samples: np.ndarray) -> np.ndarray:
    _, low, high = STORED[name]
    return (samples.astype(np.float64) - low) / (high - low)


each_kind = pytest.mark.parametrize("name", STORED)


@each_kind
@pytest.mark.parametrize("task", ["denoise", "upscale", "inpaint"])
def test_a_fit_sees_the_same_picture_whatever_its_units(name, task):
    hole = torch.zeros(20, 24)
    hole[4:8, 5:9] = 1
    pose = {
        "denoise": denoising,
        "upscale": lambda image: upscaling(image, 2),
        "inpaint": lambda image: inpainting(image, hole),
    }[task]
    seen = []
    for kind in ("floats to 1", name):
        picture = from_array(stored(kind))
        posed = for_recipe(pose(picture.tensor()), picture, f"dip/{task}")
        seen.append(posed.observation)
    # Limits of a type may end the range a little sooner, and few levels round.
    assert (seen[0] - seen[1]).abs().max() < 0.1


@each_kind
def test_the_result_is_the_same_picture_in_the_units_of_the_file(name):
    results = [
        scene_of(kind, pf.denoise(stored(kind), noise_std=None, force=True, steps=3))
        for kind in ("floats to 1", name)
    ]
    assert np.abs(results[0] - results[1]).max() < 0.1


@each_kind
def test_the_noise_level_that_is_found_does_not_depend_on_the_units(name):
    scene = SCENE * 0.8 + 0.1
    rng = np.random.default_rng(1)
    noisy = np.clip(np.tile(scene, (4, 4)) + rng.normal(0, 0.05, (80, 96)), 0, 1)
    posed = Denoise().pose(from_array(stored(name, noisy)))
    one = Denoise().pose(from_array(stored("floats to 1", noisy)))
    picture = from_array(stored(name, noisy))
    full = picture.scale.span / (STORED[name][2] - STORED[name][1])
    assert posed.problem.noise_std * full == pytest.approx(one.problem.noise_std, rel=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("outlier", [1.0, -1.0, 1e6])
def test_outliers_neither_settle_the_range_nor_are_they_cut_off(dtype, outlier):
    image = (np.tile(SCENE, (6, 5)) * 20).astype(np.float64) + 40
    plain = image.copy()
    top = 200.0 if np.dtype(dtype).itemsize == 1 else 40_000.0
    kind = np.dtype(dtype).kind
    value = outlier * top if kind != "u" and abs(outlier) == 1 else top
    if kind == "f" and outlier > 1:
        value = outlier
    image[17, 31] = value
    picture, other = from_array(image.astype(dtype)), from_array(plain.astype(dtype))
    posed, usual = (for_recipe(denoising(p.tensor()), p, "dip/denoise") for p in (picture, other))
    seen, expected = posed.observation, usual.observation
    seen[..., 17, 31] = expected[..., 17, 31] = 0
    assert (seen - expected).abs().max() < 0.1
    back = for_recipe(denoising(picture.tensor()), picture, "dip/denoise")
    result = back.apply_finish(back.observation)
    assert result[0, 0, 17, 31].item() == pytest.approx(picture.pixels[0, 17, 31], rel=1e-3)


def test_missing_data_far_below_leaves_the_digits_of_the_rest():
    image = np.tile(SCENE, (6, 5)).astype(np.float32) * 300 + 20
    image[5, 7] = np.finfo(np.float32).min
    picture = from_array(image)
    assert np.ptp(np.delete(picture.pixels, 5, axis=1)) > 0.5
    assert np.isfinite(picture.pixels).all()


@pytest.mark.parametrize("task", ["denoise", "upscale", "inpaint", "deblur", "dejpeg", "enhance"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_grey_in_three_channels_is_the_grey_result_three_times(task, dtype):
    grey = array(channels=0, dtype=dtype)
    hole = np.zeros((20, 24), bool)
    hole[5:9, 6:12] = True
    solve = {
        "denoise": lambda x, **how: pf.denoise(x, noise_std=0.1, **how),
        "upscale": lambda x, **how: pf.upscale(x, 2, **how),
        "inpaint": lambda x, **how: pf.inpaint(x, hole, **how),
        "deblur": lambda x, **how: pf.deblur(x, np.ones((3, 3)), **how),
        "dejpeg": lambda x, **how: pf.dejpeg(x, quality=50, **how),
        "enhance": lambda x, **how: pf.enhance(x, **how),
    }[task]
    alone = solve(grey, steps=3)
    colour = solve(np.stack([grey] * 3, -1), channel_axis=-1, steps=3)
    assert (colour == colour[..., :1]).all()
    if task != "dejpeg":  # the file of a grey picture has other tables than that of a coloured one
        assert np.abs(colour[..., 0].astype(float) - alone.astype(float)).max() <= 1e-6


def test_nearly_grey_is_colour():
    image = torch.rand(1, 1, 20, 24).expand(1, 3, 20, 24).clone()
    image[0, 1, 3, 3] += 0.01
    assert Units.of(image).copies == 1


@pytest.mark.parametrize("value", [0.0, 0.3, 7.0, -4000.0])
def test_a_flat_picture_has_a_range_too(value):
    units = Units.of(torch.full((1, 1, 16, 16), value))
    seen = units.inward(torch.full((1, 1, 16, 16), value))
    assert units.span > 0 and 0 <= seen.min() and seen.max() <= 1


def test_a_published_recipe_sees_8_bits_as_they_were_published():
    picture = from_array((SCENE * 100).astype(np.uint8))
    posed = for_recipe(denoising(picture.tensor()), picture, "dip/denoise-paper")
    assert torch.equal(posed.observation, picture.tensor())
    deep = from_array((SCENE * 4095).astype(np.uint16))
    posed = for_recipe(denoising(deep.tensor()), deep, "dip/denoise-paper")
    assert posed.observation.max() > 0.8


def test_a_saturated_value_stays_the_bound_of_the_range():
    scene = np.clip(np.tile(SCENE, (3, 3)) * 1.4 - 0.2, 0, 1)
    picture = from_array((200 + scene * 3895).astype(np.uint16))
    posed = for_recipe(denoising(picture.tensor()), picture, "dip/denoise")
    seen = posed.observation
    assert seen.min() == 0 and seen.max() == 1
