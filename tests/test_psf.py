"""Point spread functions from files: one picture of numbers, or a line that says what was there."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from priorfit.errors import ImageFileError
from priorfit.tasks.psf import read_psf

SPOT = np.outer([1, 2, 4, 2, 1], [1, 3, 5]).astype(np.uint8)


def frames(form: str) -> bytes:
    pictures = [Image.fromarray(SPOT * (1 + 20 * i)).convert("RGB") for i in range(3)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, form, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


STACKS = {
    "tiff of pages": tiff(np.stack([SPOT] * 3), photometric="minisblack"),
    "imagej stack": tiff(np.stack([SPOT] * 3), imagej=True, photometric="minisblack"),
    "imagej stack in one page": tiff(
        SPOT, description="ImageJ=1.53\nimages=3\nslices=3\n", metadata=None
    ),
    "volume": tiff(np.stack([SPOT] * 3), volumetric=True, photometric="minisblack"),
    "tiff of colour pages": frames("TIFF"),
    "animated png": frames("PNG"),
    "animated webp": frames("WEBP"),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_is_no_psf(name: str, tmp_path):
    (tmp_path / "psf.bin").write_bytes(STACKS[name])
    with pytest.raises(ImageFileError, match="stack of 3") as caught:
        read_psf(tmp_path / "psf.bin")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(3, 5, 3), (5,), (1, 5, 3), (2, 3, 5, 3)])
def test_an_array_of_other_than_two_axes_is_no_psf(shape: tuple[int, ...], tmp_path):
    np.save(tmp_path / "psf.npy", np.ones(shape))
    with pytest.raises(ImageFileError, match="is no PSF"):
        read_psf(tmp_path / "psf.npy")


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_a_single_page_is_read_number_by_number(dtype: str, byteorder: str, tmp_path):
    array = SPOT.astype(dtype) * (100 if dtype == "u2" else 1)
    (tmp_path / "psf.tif").write_bytes(tiff(array, byteorder=byteorder))
    np.testing.assert_array_equal(read_psf(tmp_path / "psf.tif").numpy(), array)


@pytest.mark.parametrize(
    "values",
    [np.full((3, 3), np.nan), np.zeros((3, 3)), -np.ones((3, 3)), np.diag([1.0, np.inf, 1.0])],
)
@pytest.mark.parametrize("ending", ["npy", "tif"])
def test_values_that_no_blur_has_are_refused_with_the_name_of_the_file(values, ending, tmp_path):
    path = tmp_path / f"psf.{ending}"
    if ending == "npy":
        np.save(path, values)
    else:
        path.write_bytes(tiff(values.astype(np.float32)))
    with pytest.raises(ImageFileError, match=rf"psf\.{ending}: is no PSF: expected finite"):
        read_psf(path)


@pytest.mark.parametrize(("name", "said"), [("", "is a folder"), ("a.npy", "No such file")])
def test_what_is_no_file_is_named(name, said, tmp_path):
    with pytest.raises(ImageFileError, match=said):
        read_psf(tmp_path / name)


def test_an_address_is_named_as_it_was_typed():
    with pytest.raises(ImageFileError, match=r"https://example\.org/psf\.npy: is an address"):
        read_psf(Path("https://example.org/psf.npy"))
