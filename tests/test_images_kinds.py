"""What scanners, phones and archives write: read as other programs show it, and written again."""

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from priorfit import images
from priorfit.errors import ImageFileError, ProblemError
from priorfit.tasks import Dejpeg
from tests.cmyk_files import CMYK, tiff
from tests.heic_files import HEIC, HEIC_OF_10_BITS
from tests.image_files import encoded, exif, noise, pillow_file, read, samples, smooth, tags_of

imagecodecs = pytest.importorskip("imagecodecs")
SMOOTH = Image.fromarray(smooth())
DEEP = smooth().astype(np.uint16) * 257


def deep(array: np.ndarray, bits: int) -> np.ndarray:
    return array >> (16 - bits)


AVIF_OF_10_BITS = bytes(imagecodecs.avif_encode(deep(DEEP, 10), bitspersample=10))
JPEG_OF_12_BITS = bytes(imagecodecs.jpeg8_encode(deep(DEEP, 12), 98, bitspersample=12))


# Files of other programs

PLAIN = {
    "bmp": pillow_file(SMOOTH, "BMP"),
    "grey bmp": pillow_file(SMOOTH.convert("L"), "BMP"),
    "bmp with a palette": pillow_file(SMOOTH.quantize(9), "BMP"),
    "bmp of bits": pillow_file(SMOOTH.convert("1"), "BMP"),
    "ppm": pillow_file(SMOOTH, "PPM"),
    "pgm": pillow_file(SMOOTH.convert("L"), "PPM"),
    "pbm": pillow_file(SMOOTH.convert("1"), "PPM"),
    "jp2": pillow_file(SMOOTH, "JPEG2000"),
    "lossy jp2": pillow_file(SMOOTH, "JPEG2000", quality_layers=[20], irreversible=True),
    "jp2 of grey and alpha": pillow_file(SMOOTH.convert("LA"), "JPEG2000"),
    "jp2 with alpha": pillow_file(SMOOTH.convert("RGBA"), "JPEG2000"),
    "codestream": pillow_file(SMOOTH, "JPEG2000", no_jp2=True),
    "avif": pillow_file(SMOOTH, "AVIF"),
    "grey avif": pillow_file(SMOOTH.convert("L"), "AVIF"),
    "avif with alpha": pillow_file(SMOOTH.convert("RGBA"), "AVIF"),
    "tiff of group 3": pillow_file(SMOOTH.convert("1"), "TIFF", compression="group3"),
    "tiff of group 4": pillow_file(SMOOTH.convert("1"), "TIFF", compression="group4"),
    "tiff of a fax's runs": pillow_file(SMOOTH.convert("1"), "TIFF", compression="tiff_ccitt"),
    "tiff of jpeg": pillow_file(SMOOTH, "TIFF", compression="jpeg"),
    "tiff of grey jpeg": pillow_file(SMOOTH.convert("L"), "TIFF", compression="jpeg"),
}


def shown(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    image = image.convert("RGB") if image.mode == "P" else image
    array = np.asarray(image.convert("L") if image.mode == "1" else image)
    return array.reshape(*array.shape[:2], -1)


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_is_read_as_pillow_shows_it(name: str, tmp_path: Path):
    picture = read(tmp_path, PLAIN[name])
    found = samples(picture)
    if picture.alpha is not None:
        found = np.concatenate([found, picture.alpha[..., None]], axis=-1)
    # Two builds of libjpeg may round colours differently.
    np.testing.assert_allclose(found, shown(PLAIN[name]), atol=2 if "jpeg" in name else 0)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_jpeg_xl_is_read_as_its_library_shows_it(lossless: bool, dtype: str, tmp_path: Path):
    array = smooth() if dtype == "u1" else DEEP
    data = bytes(imagecodecs.jpegxl_encode(array, lossless=lossless))
    picture = read(tmp_path, data)
    np.testing.assert_array_equal(samples(picture), imagecodecs.jpegxl_decode(data), strict=True)
    # imagecodecs calls samples of 16 bits linear.
    assert any("not be sRGB" in note for note in picture.notes) == (dtype == "u2")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_jpeg_xl_is_written_in_srgb(channels: int, dtype: str, tmp_path: Path):
    array = noise(20, 24, channels, dtype=dtype) * (201 if dtype == "u2" else 1)
    parted = (array[..., :-1], array[..., -1]) if channels in (2, 4) else (array, None)
    picture = read(tmp_path, encoded("jxl", *parted))
    np.testing.assert_array_equal(samples(picture), parted[0], strict=True)
    np.testing.assert_equal(picture.alpha, parted[1])
    assert picture.notes == ()


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("options", [{}, {"tile": (32, 16)}, {"rowsperstrip": 16}])
def test_a_jpeg_in_a_tiff_is_read_piece_by_piece(planes: int, options: dict, tmp_path: Path):
    array = smooth() if planes == 3 else smooth()[..., 0]
    kinds = ["rgb", "ycbcr"] if planes == 3 else ["minisblack"]
    for photometric in kinds:
        data = tiff(array, photometric=photometric, compression="jpeg", **options)
        found = samples(read(tmp_path, data))
        np.testing.assert_allclose(found, shown(data), atol=2)


@pytest.mark.parametrize(("data", "atol"), [(HEIC, 12), (HEIC_OF_10_BITS, 12 * 257)])
def test_heic_is_read_in_its_depth(data: bytes, atol: int, tmp_path: Path):
    pytest.importorskip("pi_heif")
    y, x = np.mgrid[:48, :40]
    expected = np.stack([5 * y, 6 * x, 2 * (x + y)], axis=-1)
    picture = read(tmp_path, data)
    wide = 257 if picture.dtype == np.uint16 else 1
    assert picture.dtype == (np.uint16 if atol > 256 else np.uint8)
    assert abs(samples(picture).astype(int) - expected * wide).mean() < atol
    notes = images.write(tmp_path / "out.png", picture.tensor(), picture)
    assert any("HEIC is read but not written, stored as PNG" in note for note in notes)


def without(name: str):
    return lambda module: None if module == name else find_spec(module)


@pytest.mark.parametrize(
    ("data", "module", "missing", "extra"),
    [
        (HEIC, "heif", "pi_heif", "heic"),
        (AVIF_OF_10_BITS, "codecs", "imagecodecs", "tiff"),
        (PLAIN["jp2"], "codecs", "imagecodecs", "tiff"),
        (bytes(imagecodecs.jpegxl_encode(smooth())), "codecs", "imagecodecs", "tiff"),
        (JPEG_OF_12_BITS, "codecs", "imagecodecs", "tiff"),
    ],
)
def test_what_is_not_installed_is_named_with_the_command(
    data: bytes, module: str, missing: str, extra: str, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(f"priorfit.images.{module}.find_spec", without(missing))
    with pytest.raises(ImageFileError, match=rf"needs .*: pip install 'priorfit\[{extra}\]'"):
        read(tmp_path, data)


# Depth

DEPTHS = {
    "jpeg of 12 bits": (JPEG_OF_12_BITS, 12, 1500),
    "grey jpeg of 12 bits": (
        imagecodecs.jpeg8_encode(deep(DEEP[..., 0], 12), 98, bitspersample=12),
        12,
        300,
    ),
    "avif of 10 bits": (AVIF_OF_10_BITS, 10, 40),
    "avif of 12 bits": (imagecodecs.avif_encode(deep(DEEP, 12), bitspersample=12), 12, 10),
    "jp2 of 12 bits": (imagecodecs.jpeg2k_encode(deep(DEEP, 12), 0, bitspersample=12), 12, 10),
    "jxl of 10 bits": (
        imagecodecs.jpegxl_encode(deep(DEEP, 10), lossless=True, bitspersample=10),
        10,
        40,
    ),
    "ppm of 10 bits": (
        b"P6\n# ten\n40 48 1023\n" + deep(DEEP, 10).astype(">u2").tobytes(),
        10,
        40,
    ),
    "plain pgm of 14 bits": (
        b"P2 40 48 16383\n" + b" ".join(b"%d" % n for n in deep(DEEP[..., 0], 14).flat),
        14,
        10,
    ),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_the_depth_of_a_file_survives(name: str, tmp_path: Path):
    data, bits, atol = DEPTHS[name]
    picture = read(tmp_path, bytes(data))
    array = DEEP if picture.shape[0] == 3 else DEEP[..., :1]
    assert picture.dtype == np.uint16
    np.testing.assert_allclose(samples(picture).astype(int), array, atol=atol + 65536 / 2**bits)
    assert any("widened to 16 bits" in note for note in picture.notes)
    path = tmp_path / images.result_name(tmp_path / "file.bin")
    images.write(path, picture.tensor(), picture)
    np.testing.assert_array_equal(samples(images.read(path)), samples(picture), strict=True)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC7, 0xCB, 0xF7])
def test_other_kinds_of_jpeg_are_named(marker: int, tmp_path: Path):
    data = pillow_file(SMOOTH, "JPEG").replace(b"\xff\xc0", bytes([0xFF, marker]), 1)
    with pytest.raises(ImageFileError, match=r"lossless|hierarchical|JPEG-LS"):
        read(tmp_path, data)


# Masks

HALF = np.arange(400).reshape(20, 20) % 3 == 0


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (tiff(HALF, metadata={}), "true taken for white"),
        (tiff(~HALF, photometric="miniswhite"), "white as zero"),
        (tiff(HALF, photometric="minisblack"), None),
        (tiff(~(HALF * np.uint8(255)), photometric="miniswhite"), "white as zero"),
        (pillow_file(Image.fromarray(HALF), "TIFF"), None),
        (pillow_file(Image.fromarray(HALF), "TIFF", compression="group4"), None),
        (pillow_file(Image.fromarray(HALF), "PPM"), None),
        (pillow_file(Image.fromarray(HALF), "BMP"), None),
    ],
)
def test_a_mask_of_bits_is_read_the_right_way_round(data: bytes, told: str | None, tmp_path: Path):
    (tmp_path / "mask").write_bytes(data)
    mask = images.mask_of(tmp_path / "mask", (20, 20))
    np.testing.assert_array_equal(mask.white == 1, HALF)
    assert [told in note for note in mask.notes] == ([] if told is None else [True])


# Names

NAMES = {
    "a.heic": (HEIC, "a.png"),
    "a.avif": (PLAIN["avif"], "a.avif"),
    "b.avif": (DEPTHS["avif of 10 bits"][0], "b.png"),
    "a.jpg": (pillow_file(SMOOTH, "JPEG"), "a.jpg"),
    "b.JPG": (DEPTHS["jpeg of 12 bits"][0], "b.png"),
    "c.jpg": (CMYK["jpeg"](None), "c.jpg"),
    "a.bmp": (PLAIN["bmp"], "a.bmp"),
    "a.pbm": (PLAIN["pbm"], "a.pgm"),
    "a.pgm": (PLAIN["ppm"], "a.ppm"),
    "a.j2k": (PLAIN["codestream"], "a.jp2"),
    "a.jp2": (PLAIN["jp2 with alpha"], "a.png"),
    "scan": (pillow_file(SMOOTH, "PNG"), "scan.png"),
    "b.png": (pillow_file(SMOOTH, "JPEG"), "b.png"),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0" + bytes(60), "Thumbs.db"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_result_in_a_folder_is_named_by_what_can_be_written(name: str, tmp_path: Path):
    data, expected = NAMES[name]
    (tmp_path / name).write_bytes(bytes(data))
    assert images.result_name(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(60), "is not an image"),
        (b"GIF89a" + bytes(60), "a GIF, which is not read"),
        (b"P7\nWIDTH 20", "PAM"),
        (b"BM" + bytes(60), "not an image"),
    ],
)
def test_a_file_that_is_not_read_is_named(data: bytes, told: str, tmp_path: Path):
    with pytest.raises(ImageFileError, match=told):
        read(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "told"),
    [(bytes(DEPTHS["jpeg of 12 bits"][0]), "12 bits"), (CMYK["jpeg"](None), "CMYK")],
)
def test_dejpeg_names_the_jpeg_that_it_does_not_take(data: bytes, told: str, tmp_path: Path):
    picture = read(tmp_path, data)
    with pytest.raises(ProblemError, match=told):
        Dejpeg().lay(picture, tmp_path / "file.bin")


# Written again


@pytest.mark.parametrize("name", ["bmp", "ppm", "jp2", "jxl", "avif"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_other_programs_read_what_is_written(name: str, dtype: str, tmp_path: Path):
    array = noise(20, 24, 3, dtype=dtype) * (201 if dtype == "u2" else 1)
    if np.dtype(dtype) not in images.FORMATS[name].dtypes:
        return
    data = encoded(name, array)
    if name == "jxl":
        np.testing.assert_array_equal(imagecodecs.jpegxl_decode(data), array)
    elif name == "jp2":
        np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(data), array)
    else:
        wide = 257 if dtype == "u2" else 1  # Pillow narrows them
        atol = 4 if name == "avif" else 1 if dtype == "u2" else 0
        np.testing.assert_allclose(shown(data), array / wide, atol=atol)


@pytest.mark.parametrize("name", ["jp2", "jxl", "avif"])
def test_exif_and_xmp_come_back_in_boxes(name: str, tmp_path: Path):
    extras = images.Extras(xmp=b"<x:xmpmeta/>", iptc=b"\x1c\x02\x78\x00\x01a")
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(name, smooth(), exif=exif(1), icc=icc, extras=extras)
    again = read(tmp_path, data)
    assert tags_of(again.exif) == tags_of(exif(1))
    assert again.extras.xmp == b"<x:xmpmeta/>"
    assert again.icc == (None if name == "jxl" else icc)
    assert again.extras.iptc == (extras.iptc if name == "jp2" else None)


def test_the_orientation_of_an_avif_is_applied_once(tmp_path: Path):
    for orientation in range(1, 9):
        data = pillow_file(SMOOTH, "AVIF", exif=b"Exif\0\0" + exif(orientation), quality=100)
        picture = read(tmp_path, data)
        expected = images.turned(shown(data), orientation)
        np.testing.assert_array_equal(samples(picture), expected)
        assert torch.isfinite(picture.tensor()).all()
