from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.restoration import calibrate_denoiser

import priorfit as pf
from priorfit.errors import DeviceError, PriorfitError, ProblemError, RecipeError
from priorfit.images import from_array
from priorfit.recipes import METHODS
from priorfit.recipes.method import Cited
from priorfit.tasks import Inpaint
from priorfit.tasks.deblur import deblurring
from priorfit.tasks.denoise import denoising
from priorfit.tasks.device import device_named
from priorfit.tasks.fuse import fusing
from priorfit.tasks.inpaint import inpainting
from priorfit.tasks.upscale import upscaling
from tests.tiny import TINY, array

pytestmark = pytest.mark.usefixtures("tiny_recipes")

HOLE = np.zeros((20, 24), bool)
HOLE[5:9, 6:12] = True

CALLS = {
    "denoise": lambda image, **how: pf.denoise(image, noise_std=0.1, **how),
    "inpaint": lambda image, **how: pf.inpaint(image, HOLE, **how),
    "deblur": lambda image, **how: pf.deblur(image, np.ones((3, 5)), **how),
    "dejpeg": lambda image, **how: pf.dejpeg(image, quality=50, **how),
    "enhance": lambda image, **how: pf.enhance(image, **how),
    "fuse": lambda image, **how: pf.fuse(image, image, **how),
    "upscale": lambda image, **how: pf.upscale(image, 2, **how),
}
each_task = pytest.mark.parametrize("task", CALLS)


@each_task
@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_an_array_keeps_dtype_and_axes(task, channels, dtype):
    image = array(dtype=dtype, channels=channels)
    result = CALLS[task](image, channel_axis=-1 if channels else None, steps=1)
    times = 2 if task == "upscale" else 1
    assert result.dtype == dtype
    assert result.shape == (20 * times, 24 * times, *image.shape[2:])


@each_task
def test_the_same_seed_gives_the_same_array(task):
    first, again, other = (CALLS[task](array(channels=0), rng=rng, steps=2) for rng in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other) or task == "dejpeg"


def test_a_generator_gives_a_new_seed_each_time():
    rng = np.random.default_rng(0)
    image = array(channels=0)
    results = [pf.denoise(image, noise_std=0.1, rng=rng, steps=1) for _ in range(2)]
    assert not np.array_equal(*results)


def test_the_recipe_of_a_hole_is_chosen_by_the_mask(monkeypatch):
    hole = np.ones((20, 24), bool)
    hole.flat[::40] = False
    monkeypatch.setitem(METHODS, "dip/inpaint-sparse", replace(TINY, steps=Cited(2, "tests")))
    named = ("auto", "dip/inpaint-sparse", "dip/inpaint")
    chosen, sparse, usual = (pf.inpaint(array(channels=0), hole, recipe=name) for name in named)
    assert np.array_equal(chosen, sparse)
    assert not np.array_equal(chosen, usual)


@pytest.mark.parametrize(("side", "said"), [(34, False), (35, True)])
def test_a_recipe_for_deep_holes_is_named(side, said):
    hole = torch.zeros(64, 64, dtype=torch.bool)
    hole[1 : side + 1, 1 : side + 1] = True
    picture = from_array(np.zeros((64, 64, 3), np.uint8), -1)
    choice = Inpaint().pose(picture, hole).choice
    assert choice.recipe == "dip/inpaint"
    assert ("dip/inpaint-large" in (choice.why or "")) == said


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_known_pixels_come_back_bit_for_bit(dtype):
    image = array(dtype=dtype)
    result = pf.inpaint(image, HOLE, channel_axis=-1, steps=2)
    assert np.array_equal(result[~HOLE], image[~HOLE])
    assert (result[HOLE] != image[HOLE]).any()


def test_known_pixels_are_fitted_without_pasting_back():
    image = array()
    result = pf.inpaint(image, HOLE, channel_axis=-1, steps=2, paste_back=False)
    assert (result[~HOLE] != image[~HOLE]).any()


def test_nan_pixels_are_a_hole():
    image = array(dtype=np.float64)
    image[3, 4, 1] = np.nan
    result = pf.inpaint(image, channel_axis=-1, steps=1)
    assert np.isfinite(result).all()
    assert np.array_equal(result[np.isfinite(image)], image[np.isfinite(image)])


def test_other_tasks_name_inpaint_for_nan_pixels():
    image = array(dtype=np.float32, channels=0)
    image[3, 4] = np.nan
    for task in ("denoise", "deblur", "upscale", "fuse"):
        with pytest.raises(PriorfitError, match="inpaint"):
            CALLS[task](image, steps=1)


def test_scikit_images_calibration_accepts_the_denoiser():
    image = array((16, 16), np.float64, channels=0)
    denoiser = calibrate_denoiser(
        image, pf.denoise, {"steps": [1, 2], "noise_std": [0.1]}, approximate_loss=True
    )
    assert denoiser(image).shape == image.shape


def test_an_estimated_noise_level_is_near_the_true_one():
    image = np.clip(0.5 + 0.1 * np.random.default_rng(0).normal(size=(64, 64)), 0, 1)
    posed = denoising(from_array(image).tensor(), 0.1)
    assert posed.noise_std == 0.1
    assert pf.denoise(image, steps=1).shape == image.shape


def smooth(dtype) -> np.ndarray:
    """A slope without noise, 64×64; floats leave [0, 1]."""
    rows, columns = np.mgrid[0:64, 0:64] / 64
    slope = 0.08 + 0.47 * rows + 0.35 * columns
    full = 3.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    return (full * slope).astype(dtype)


NEEDLESS = {
    "by estimate": pf.denoise,
    "a level of 0": lambda image, **how: pf.denoise(image, noise_std=0, **how),
    "hardly compressed": lambda image, **how: pf.dejpeg(image, quality=100, **how),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("kind", NEEDLESS)
def test_what_needs_no_restoring_comes_back_as_a_copy(kind, dtype):
    image = smooth(dtype)
    result = NEEDLESS[kind](image)
    assert result.dtype == dtype and not np.shares_memory(result, image)
    assert np.array_equal(result, image)


@pytest.mark.parametrize("kind", NEEDLESS)
def test_who_insists_has_it_restored(kind):
    assert not np.array_equal(NEEDLESS[kind](smooth(np.float32), force=True), smooth(np.float32))


def test_noise_is_removed_unless_it_is_said_to_be_none():
    image = array((64, 64), channels=0)
    assert not np.array_equal(pf.denoise(image, steps=2), image)
    assert np.array_equal(pf.denoise(image, noise_std=0), image)


def test_what_is_left_alone_is_asked_for_in_good_order_all_the_same():
    for wrong in ({"steps": 0}, {"recipe": "dip/denoize"}, {"device": "warp"}):
        with pytest.raises(PriorfitError):
            pf.denoise(smooth(np.uint8), noise_std=0, **wrong)


tensor = torch.rand(1, 1, 20, 24, generator=torch.Generator().manual_seed(0))
infinite = tensor.where(tensor < 0.99, torch.inf)
WRONG = {
    "got 25: say 25/255 for grey levels of 8 bits": lambda: denoising(tensor, 25),
    "from 0 to 1": lambda: denoising(tensor, -0.1),
    "from 0 to 1, got nan": lambda: denoising(tensor, float("nan")),
    "not numbers: `inpaint`": lambda: denoising(infinite),
    "factor of 2 or more, got 1": lambda: upscaling(tensor, 1),
    "factor of 2 or more, got 0": lambda: upscaling(tensor, 0),
    "at least 2, got -3": lambda: upscaling(tensor, -3),
    "lower the factor": lambda: upscaling(tensor, 10_000),
    "nothing to fill": lambda: inpainting(tensor, torch.zeros(20, 24)),
    "nothing to go by": lambda: inpainting(tensor, torch.ones(20, 24)),
    "mask of 20×24 pixels, got 24×20": lambda: inpainting(tensor, torch.ones(24, 20)),
    "no larger than the image": lambda: deblurring(tensor, torch.ones(21, 3)),
    "PSF of finite values": lambda: deblurring(tensor, torch.zeros(3, 3)),
    "one size": lambda: fusing(tensor, tensor[..., 1:]),
    "among lanczos3": lambda: pf.upscale(array(channels=0), 2, kernel="lanczos9"),
    "one of the two": lambda: pf.dejpeg(array(channels=0)),
    "1 to 100": lambda: pf.dejpeg(array(channels=0), quality=0),
    "one step, got 0": lambda: CALLS["denoise"](array(channels=0), steps=0),
    "2 axes": lambda: pf.denoise(array()),
    "16 pixels": lambda: pf.denoise(array((8, 8), channels=0)),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_done_is_said(message):
    with pytest.raises(ProblemError, match=message):
        WRONG[message]()


def test_an_unknown_recipe_suggests_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'dip/denoise'"):
        CALLS["denoise"](array(channels=0), recipe="dip/denoize")


def test_devices_by_name():
    assert device_named("cpu").type == "cpu"
    assert device_named("auto") is not None
    for name in ("warp", "cuda:99", "mps:9"):
        with pytest.raises(DeviceError, match=name):
            device_named(name)


def test_known_pixels_come_back_unless_nobody_wants_them():
    image = array(channels=0)
    assert (CALLS["inpaint"](image, steps=1)[~HOLE] == image[~HOLE]).all()
    fitted = CALLS["inpaint"](image, steps=1, paste_back=False)
    assert (fitted[~HOLE] != image[~HOLE]).any()


def test_detail_is_what_the_coarse_layer_leaves_out_and_counts_as_often_as_asked():
    """x ← y + a·(y − coarse), for every a, with the coarse layer at a = −1."""
    y = array(dtype=np.float64) * 0.2 + 0.4
    coarse = pf.enhance(y, -1, channel_axis=-1, steps=2)
    for amount in (-0.5, 0.0, 0.25):
        boosted = pf.enhance(y, amount, channel_axis=-1, steps=2)
        np.testing.assert_allclose(boosted, np.clip(y + amount * (y - coarse), 0, 1), atol=1e-6)
    assert np.abs(coarse - y).max() > 1e-3


@pytest.mark.parametrize("amount", [-1.5, 11.0, float("nan")])
def test_an_amount_beyond_reason_is_refused(amount):
    with pytest.raises(ProblemError, match="amount from -1 to 10"):
        pf.enhance(array(), amount, channel_axis=-1)
