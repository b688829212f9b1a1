"""What comes out of a file goes back into it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PillowImage

from priorfit import images
from priorfit.errors import ImageFileError, ProblemError
from priorfit.images.picture import Sheet

SIZES = st.tuples(st.integers(16, 20), st.integers(16, 20))
LOSSLESS = sorted(set(images.FORMATS) - {"jpeg", "avif", "heic"})
quick = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def drawn(size: tuple[int, int], channels: int, dtype: np.dtype, seed: int) -> np.ndarray:
    bits = np.random.default_rng(seed).integers(0, 2**63, (*size, channels))
    if dtype.kind != "f":
        return bits.astype(dtype)
    return (bits / 2.0**60 - 3).astype(dtype)


@st.composite
def sheets(draw, form: images.Format) -> Sheet:
    """Samples and alpha of any kind that a format holds."""
    dtype = draw(st.sampled_from(form.dtypes))
    channels = draw(st.sampled_from([c for c in (1, 2, 3, 4, 5) if c in form.channels]))
    size, seed = draw(SIZES), draw(st.integers(0, 2**32))
    alpha = form.alpha and draw(st.booleans())
    return Sheet(
        drawn(size, channels, dtype, seed),
        drawn(size, 1, dtype, seed + 1)[..., 0] if alpha else None,
    )


@pytest.mark.parametrize("name", LOSSLESS)
@given(data=st.data())
@quick
def test_a_picture_nobody_changed_is_stored_as_it_was(name: str, data, tmp_path: Path):
    sheet = data.draw(sheets(images.FORMATS[name]))
    path = tmp_path / "in"
    path.write_bytes(images.FORMATS[name].encode(sheet)[0])
    picture = images.read(path)
    path.write_bytes(images.encode(picture.tensor(), picture, name))
    again = images.read(path)
    assert (picture.format, picture.dtype, again.dtype) == (
        name,
        sheet.samples.dtype,
        picture.dtype,
    )
    stored = again.samples(again.pixels).transpose(1, 2, 0)
    np.testing.assert_array_equal(stored, sheet.samples, strict=True)
    np.testing.assert_equal(again.alpha, sheet.alpha)
    assert picture.pixels.min() >= 0
    assert picture.pixels.max() <= 1


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", "i2", ">u2", "u4", "i8", "u8", "f2", "f4", ">f8"]
)
@given(data=st.data())
@quick
def test_an_array_nobody_changed_is_the_same_array(dtype: str, data):
    finite = {} if np.dtype(dtype).kind != "f" else {"allow_infinity": False}
    values = data.draw(st.lists(hnp.from_dtype(np.dtype(dtype), **finite), min_size=1, max_size=9))
    array = np.resize(np.array(values, dtype), data.draw(SIZES))
    assume(not np.isnan(array).all())
    try:
        picture = images.from_array(array)
    except ProblemError as error:
        assert "too far apart" in str(error)
        return
    same = images.to_array(picture.tensor(), picture)
    np.testing.assert_array_equal(same, array, strict=True)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_channel_axis_comes_back(axis: int):
    array = np.moveaxis(drawn((17, 19), 3, np.dtype("u2"), 0), -1, axis)
    picture = images.from_array(array, channel_axis=axis)
    assert picture.shape == (3, 17, 19)
    np.testing.assert_array_equal(images.to_array(picture.tensor(), picture), array, strict=True)


def test_grey_arrays_that_are_given_colours_get_an_axis_for_them():
    picture = images.from_array(np.eye(20))
    assert images.to_array(torch.zeros(3, 40, 40), picture).shape == (40, 40, 3)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("u1", 0, 255), ("u2", 0, 65535), ("i2", -7, 300), ("u4", 3, 9), ("f4", -2, 2), ("f4", 0, 1)],
)
def test_the_scale_runs_from_low_to_high(dtype: str, low: float, high: float):
    picture = images.from_array(np.linspace(low, high, 400).reshape(20, 20).astype(dtype))
    assert (picture.scale.low, picture.scale.high) == (low, high)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 1)
    back = images.to_array(torch.full((1, 20, 20), 0.5), picture)
    assert abs(back - (low + high) / 2).max() <= (0.5 if np.dtype(dtype).kind != "f" else 0)


def test_floats_within_the_unit_interval_are_pixels():
    picture = images.from_array(np.full((16, 16), 0.25))
    assert picture.scale.is_identity
    assert (picture.pixels == 0.25).all()


def test_a_constant_image_stays_constant():
    picture = images.from_array(np.full((16, 16), 7.5))
    assert (picture.pixels == 0).all()
    assert (images.to_array(torch.rand(1, 16, 16), picture) == 7.5).all()


def test_nan_pixels_stay_and_integers_refuse_them():
    array = np.ones((16, 16), np.float32)
    array[3, 4] = np.nan
    picture = images.from_array(array)
    assert np.isnan(picture.pixels[0, 3, 4])
    assert np.isnan(picture.pixels).sum() == 1
    with pytest.raises(ProblemError, match="NaN"):
        images.to_array(picture.tensor(), images.from_array(np.ones((16, 16), np.uint8)))


@pytest.mark.parametrize(
    ("array", "axis", "told"),
    [
        (np.ones((20, 20), bool), None, "bool"),
        (np.ones((20, 20), complex), None, "complex"),
        (np.ones((20, 20), object), None, "object"),
        (np.ones((20, 20, 3)), None, "2 axes"),
        (np.ones((20, 20)), -1, "3 axes"),
        (np.ones((15, 20)), None, "16 pixels"),
        (np.full((20, 20), np.inf), None, "infinite"),
        (np.full((20, 20), np.nan), None, "NaN"),
    ],
)
def test_arrays_that_are_no_image_are_refused(array: np.ndarray, axis: int | None, told: str):
    with pytest.raises(ProblemError, match=told):
        images.from_array(array, channel_axis=axis)


def test_a_picture_keeps_its_pixels_when_the_tensor_changes():
    picture = images.from_array(np.ones((16, 16)))
    picture.tensor().zero_()
    assert (picture.pixels == 1).all()


@pytest.mark.parametrize("shape", [(16, 16), (2, 3, 16, 16), (1, 1, 3, 16, 16)])
def test_only_one_image_is_stored_at_a_time(shape: tuple[int, ...]):
    picture = images.from_array(np.ones((16, 16)))
    with pytest.raises(ProblemError, match="one image"):
        images.encode(torch.ones(shape), picture, "png")


def test_integers_are_rounded_and_clipped():
    picture = images.from_array(np.zeros((16, 16), np.uint8))
    image = torch.zeros(1, 16, 16)
    image[0, 0, :4] = torch.tensor([-0.5, 0.499 / 255, 0.501 / 255, 3.0])
    assert images.to_array(image, picture)[0, :4].tolist() == [0, 0, 1, 255]


# Masks


def saved(path: Path, array: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, array)
        return path
    form = images.FORMATS[images.format_of(path)]
    colour, alpha = (
        (array[..., :-1], array[..., -1]) if array.shape[-1] in (2, 4) else (array, None)
    )
    path.write_bytes(form.encode(Sheet(colour, alpha))[0])
    return path


HALF = np.arange(400).reshape(20, 20) % 3 == 0


@pytest.mark.parametrize(
    "array",
    [
        HALF,
        HALF.astype(np.uint8),
        HALF.astype(np.uint8) * 255,
        HALF.astype(np.uint16) * 65535,
        HALF.astype(np.int64) * 255,
        HALF.astype(np.float32),
        HALF * 255.0,
    ],
)
def test_a_mask_of_any_numbers_is_black_and_white(array: np.ndarray, tmp_path: Path):
    path = saved(tmp_path / "mask.npy", array)
    np.testing.assert_array_equal(images.read_mask(path, (20, 20)), HALF)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_mask_is_as_grey_as_it_is(dtype: type, tmp_path: Path):
    full = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    array = (np.linspace(0, 1, 400).reshape(20, 20) * full).astype(dtype)
    path = saved(tmp_path / "mask.npy", array)
    np.testing.assert_allclose(images.read_mask(path, (20, 20)), array / full, atol=1e-6)


def test_what_compression_leaves_of_black_and_white_is_black_and_white(tmp_path: Path):
    white = np.hypot(*np.mgrid[-16:16, -16:16]) < 11
    PillowImage.fromarray(white.astype(np.uint8) * 255).save(tmp_path / "mask.jpg", quality=90)
    mask = images.read_mask(tmp_path / "mask.jpg", (32, 32))
    assert (mask[white] == 1).mean() > 0.7
    assert (mask[~white] == 0).mean() > 0.7


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("colour", [1, 3])
def test_a_transparent_mask_is_painted_on_black(suffix: str, colour: int, tmp_path: Path):
    white = np.full((20, 20, colour), 255, np.uint8)
    array = np.concatenate([white, HALF[..., None].astype(np.uint8) * 255], axis=-1)
    path = saved(tmp_path / f"mask{suffix}", array)
    np.testing.assert_array_equal(images.read_mask(path, (20, 20)), HALF)


def test_a_mask_that_is_all_white_is_white_everywhere(tmp_path: Path):
    path = saved(tmp_path / "mask.npy", np.full((20, 20), 255.0))
    assert images.read_mask(path, (20, 20)).all()


def test_a_mask_of_another_size_names_both(tmp_path: Path):
    path = saved(tmp_path / "mask.npy", HALF)
    with pytest.raises(ImageFileError, match=r"mask\.npy.*20×20.*30×24"):
        images.read_mask(path, (24, 30))
