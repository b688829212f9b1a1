"""What travels with the pixels: colour profile, EXIF, orientation."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from priorfit import images
from priorfit.images.exif import orientation_of, pack_exif, read_exif, upright
from tests.image_files import (
    ICC_GREY,
    ICC_RGB,
    encoded,
    exif,
    noise,
    read,
    samples,
    smooth,
    tags_of,
)

tifffile = pytest.importorskip("tifffile")


@pytest.mark.parametrize("name", ["png", "tiff", "jpeg", "webp"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_profile_and_exif_come_back(name: str, order: str, tmp_path: Path):
    block = exif(order=order)
    picture = read(tmp_path, encoded(name, smooth(), icc=ICC_RGB, exif=block))
    again = read(tmp_path, images.encode(picture.tensor(), picture, name))
    for one in (picture, again):
        assert one.icc == ICC_RGB
        assert tags_of(one.exif) == tags_of(block)
        assert name == "tiff" or one.exif == block


@pytest.mark.parametrize("there", ["png", "tiff", "jpeg", "webp"])
@pytest.mark.parametrize("here", ["png", "tiff", "jpeg", "webp"])
def test_profile_and_exif_survive_a_change_of_format(here: str, there: str, tmp_path: Path):
    picture = read(tmp_path, encoded(here, smooth(), icc=ICC_RGB, exif=exif(6)))
    again = read(tmp_path, images.encode(picture.tensor(), picture, there))
    assert again.icc == ICC_RGB
    assert tags_of(again.exif) == tags_of(exif(1))


def test_the_exif_of_a_tiff_is_seen_by_pillow():
    found = Image.open(io.BytesIO(encoded("tiff", smooth(), exif=exif()))).getexif()
    assert found[0x010F] == "Camera works"
    assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "tiff"])
def test_the_orientation_is_applied_once(name: str, orientation: int, tmp_path: Path):
    data = encoded(name, smooth(), exif=exif(orientation))
    if name == "tiff":
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, smooth(), extratags=[(274, "H", 1, orientation, True)])
        data = buffer.getvalue()
    picture = read(tmp_path, data)
    upright_image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    shown = np.asarray(upright_image.convert("RGB"))
    np.testing.assert_array_equal(samples(picture), shown)
    assert ("orientation applied" in picture.notes) == (orientation != 1)
    again = read(tmp_path, images.encode(picture.tensor(), picture, name))
    assert again.shape == picture.shape
    assert "orientation applied" not in again.notes


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_back_undoes_turning(orientation: int):
    array = smooth(5, 7)
    back = images.turned_back(images.turned(array, orientation), orientation)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("order", ["<", ">"])
def test_resetting_the_orientation_changes_nothing_else(order: str):
    before, after = exif(6, order), upright(exif(6, order))
    assert after is not None
    assert (orientation_of(before), orientation_of(after)) == (6, 1)
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_packed_anew_says_the_same(order: str):
    assert tags_of(pack_exif(read_exif(exif(3, order)), order)) == tags_of(exif(3, order))


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_exif_cut_short_is_harmless(cut: int):
    assert orientation_of(exif(6)[:cut]) in (1, 6)
    assert isinstance(read_exif(exif(6)[:cut]), dict)
    upright(exif(6)[:cut])


def test_exif_that_points_to_itself_ends():
    loop = struct.pack("<2sHIH", b"II", 42, 8, 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4)
    assert read_exif(loop) == {0x8769: {}} or read_exif(loop) == {}


def test_a_grey_profile_does_not_follow_into_colour(tmp_path: Path):
    picture = read(tmp_path, encoded("png", noise(20, 20, 1), icc=ICC_GREY))
    again = read(tmp_path, images.encode(picture.tensor(), picture, "webp"))
    assert again.icc is None
    assert again.shape[0] == 3


def test_exif_too_long_for_a_jpeg_is_dropped_with_a_note(tmp_path: Path):
    picture = read(tmp_path, encoded("png", smooth(), exif=exif() + bytes(70_000)))
    notes = images.write(tmp_path / "out.jpg", picture.tensor(), picture)
    assert any("EXIF" in note for note in notes)
