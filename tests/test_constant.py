"""Pictures of one value: nothing to see, nothing to warn of. Warnings are errors here."""

import numpy as np
import pytest

import priorfit as pf

TASKS = {
    "denoise": pf.denoise,
    "denoise all the same": lambda x, **how: pf.denoise(x, force=True, **how),
    "denoise at a level": lambda x, **how: pf.denoise(x, noise_std=0.1, **how),
    "inpaint": lambda x, **how: pf.inpaint(x, np.eye(20, 24), **how),
    "upscale": lambda x, **how: pf.upscale(x, 2, **how),
    "deblur": lambda x, **how: pf.deblur(x, np.ones((3, 3)), **how),
    "dejpeg": lambda x, **how: pf.dejpeg(x, quality=20, **how),
    "fuse": lambda x, **how: pf.fuse(x, x, **how),
    "enhance": pf.enhance,
}
VALUES = {"u1": (0, 7, 255), "u2": (0, 300), "i4": (-3, 0, 9), "f4": (0.0, 0.5), "f8": (-2.0, 1e6)}


def constants():
    for dtype, values in VALUES.items():
        for value in values:
            yield pytest.param(np.full((20, 24), value, dtype), id=f"{dtype} {value}")


@pytest.mark.parametrize("array", list(constants()))
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_constant_array_is_restored_without_a_warning(task, array, tiny_recipes):
    result = task(array, steps=1)
    assert result.dtype == array.dtype
    assert np.isfinite(result.astype(np.float64)).all()


@pytest.mark.parametrize("dtype", VALUES)
def test_a_channel_of_one_value_does_not_spoil_the_others(dtype, tiny_recipes):
    array = (np.random.default_rng(0).random((20, 24, 3)) * 100).astype(dtype)
    array[..., 2] = 5
    assert np.isfinite(pf.denoise(array, steps=1, channel_axis=-1).astype(np.float64)).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_have_no_diagonal_detail_to_take_a_median_of(axis, tiny_recipes):
    stripes = np.broadcast_to((np.arange(24) % 2 * 255).astype(np.uint8), (24, 24))
    result = pf.denoise(stripes.T if axis else stripes, steps=1)
    assert result.shape == (24, 24)
