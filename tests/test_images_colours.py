"""Colours of printing and of measurement, CMYK and L*a*b*: turned into sRGB by their profiles."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from priorfit import images
from tests.cmyk_files import CMYK, INKS, cmyk_profile, tiff
from tests.image_files import read, samples


@pytest.mark.parametrize("name", CMYK)
def test_cmyk_goes_through_its_profile(name: str, tmp_path: Path):
    profile = cmyk_profile()
    inks = Image.fromarray(INKS, "CMYK")
    if name == "jpeg":
        inks = Image.open(io.BytesIO(CMYK[name](profile)))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected = np.asarray(
        ImageCms.profileToProfile(
            inks, source, ImageCms.createProfile("sRGB"), 1, "RGB", flags=0x2000
        )
    )
    picture = read(tmp_path, CMYK[name](profile))
    wide = 257 if picture.dtype == np.uint16 else 1
    assert picture.dtype == (np.uint16 if "16" in name else np.uint8)
    np.testing.assert_allclose(samples(picture) / wide, expected, atol=1.5)
    assert picture.icc is None
    assert any("by its colour profile" in note for note in picture.notes)


@pytest.mark.parametrize("name", CMYK)
@pytest.mark.parametrize("icc", [None, b"no profile" * 20, cmyk_profile()[:300]])
def test_cmyk_without_a_profile_that_works_takes_the_formula(
    name: str, icc: bytes | None, tmp_path: Path
):
    picture = read(tmp_path, CMYK[name](icc))
    unit = 1 - INKS / 255
    expected = unit[..., :3] * unit[..., 3:]
    np.testing.assert_allclose(picture.pixels.transpose(1, 2, 0), expected, atol=0.03)
    assert any("plain formula" in note for note in picture.notes)
    out = tmp_path / "out.jpg"
    images.write(out, picture.tensor(), picture)
    assert Image.open(io.BytesIO(out.read_bytes())).mode == "RGB"


@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_lab_becomes_srgb(photometric: str, dtype: str, tmp_path: Path):
    color = pytest.importorskip("skimage.color")
    rgb = np.broadcast_to(np.linspace(0.1, 0.9, 16)[:, None, None], (16, 16, 3)) * [1, 0.8, 0.6]
    lab = ImageCms.profileToProfile(
        Image.fromarray(np.rint(rgb * 255).astype(np.uint8)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB", 5000),
        outputMode="LAB",
    )
    light, *ab = (np.asarray(band) for band in lab.split())  # a and b count from the middle
    assert color is not None
    if photometric == "cielab":
        ab = [band.astype(np.uint8) - np.uint8(128) for band in ab]
    planes = [light, *ab] if _counts_from_the_middle() else [light, *(b ^ 0x80 for b in ab)]
    array = np.stack(planes, -1)
    if dtype == "u2":
        wide = array.astype(np.uint16)
        array = np.concatenate([wide[..., :1] * 257, wide[..., 1:] * 256], axis=-1)
    picture = read(tmp_path, tiff(array.astype(dtype), photometric=photometric))
    assert picture.dtype == np.dtype(dtype)
    np.testing.assert_allclose(picture.pixels.transpose(1, 2, 0), rgb, atol=0.03)
    assert any("L*a*b* turned into sRGB" in note for note in picture.notes)


def _counts_from_the_middle() -> bool:
    grey = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), (128, 128, 128)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB", 5000),
        outputMode="LAB",
    )
    return 120 < np.asarray(grey.split()[1])[0, 0] < 136
