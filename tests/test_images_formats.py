"""Each format against files of other programs, and what travels with the pixels."""

import io
import struct
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from priorfit import images
from priorfit.errors import ImageFileError
from priorfit.images.extras import Chunk
from tests.image_files import (
    chunk,
    encoded,
    idat,
    noise,
    pillow_file,
    png,
    read,
    samples,
    smooth,
    tiff,
)

# PNG

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = [(bits, 0) for bits in (1, 2, 4, 8, 16)] + [(bits, 3) for bits in (1, 2, 4, 8)]
DEPTHS += [(bits, colour) for bits in (8, 16) for colour in (2, 4, 6)]


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("bits", "colour"), DEPTHS)
@pytest.mark.parametrize("size", [(16, 16), (17, 21)])
def test_png_of_every_kind_is_read(
    bits: int, colour: int, interlaced: int, size: tuple[int, int], tmp_path: Path
):
    wide = np.random.default_rng(bits).integers(0, 2**bits, (*size, SAMPLES[colour]))
    palette = noise(256, 3)
    parts = [chunk(b"PLTE", palette[: 2**bits].tobytes())] if colour == 3 else []
    parts.append(idat(wide, bits, interlaced))
    picture = read(tmp_path, png(size, bits, colour, *parts, interlaced=interlaced))
    full = 65535 if bits == 16 else 255
    expected = palette[wide[..., 0]] if colour == 3 else wide * (full // (2**bits - 1))
    if colour in (4, 6):
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])
        expected = expected[..., :-1]
    np.testing.assert_array_equal(samples(picture), expected)
    assert picture.dtype == (np.uint16 if bits == 16 else np.uint8)
    assert bool(picture.notes) == (bits < 8 or colour == 3)


RGBA = Image.fromarray(noise(20, 24, 4))
SHOWN_AS = {"P": "RGB", "1": "L"}


def whole(picture: images.Picture) -> np.ndarray:
    """Colour and alpha as stored."""
    parts = [samples(picture)] + ([] if picture.alpha is None else [picture.alpha[..., None]])
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_files_of_pillow_are_read_as_pillow_shows_them(mode: str, form: str, tmp_path: Path):
    image = RGBA.convert("RGB").convert(mode) if mode == "P" else RGBA.convert(mode)
    picture = read(tmp_path, pillow_file(image, form))
    shown = np.asarray(image.convert(SHOWN_AS.get(mode, mode)))
    np.testing.assert_array_equal(whole(picture), shown.reshape(whole(picture).shape))
    assert picture.dtype == np.uint8


def test_transparent_entries_of_a_palette_become_alpha(tmp_path: Path):
    data = pillow_file(RGBA.convert("RGB").quantize(8), "PNG", transparency=bytes([0, 50, 100]))
    picture = read(tmp_path, data)
    shown = Image.open(io.BytesIO(data)).convert("RGBA")
    np.testing.assert_array_equal(whole(picture), np.asarray(shown))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_8_bits_is_read_by_pillow(channels: int):
    array = np.where(noise(30, 50, 1) < 99, noise(30, 50, channels), smooth(30, 50)[..., :1])
    color, alpha = (array[..., :-1], array[..., -1]) if channels in (2, 4) else (array, None)
    shown = np.asarray(Image.open(io.BytesIO(encoded("png", color, alpha))))
    np.testing.assert_array_equal(shown.reshape(array.shape), array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits_is_exchanged_with_libpng(channels: int, tmp_path: Path):
    imagecodecs = pytest.importorskip("imagecodecs")
    array = noise(30, 50, channels, dtype="u2") * 7 + smooth(30, 50)[..., :1] * 101
    color, alpha = (array[..., :-1], array[..., -1]) if channels in (2, 4) else (array, None)
    shown = imagecodecs.png_decode(encoded("png", color, alpha))
    np.testing.assert_array_equal(shown.reshape(array.shape), array)
    picture = read(tmp_path, imagecodecs.png_encode(array))
    np.testing.assert_array_equal(samples(picture), color)
    np.testing.assert_equal(picture.alpha, alpha)


def test_png_filters_pack_a_smooth_picture():
    assert len(encoded("png", smooth(256, 256))) < 0.05 * 3 * 256 * 256


@pytest.mark.parametrize(("bits", "colour"), [(8, 0), (16, 0), (8, 2), (16, 2), (2, 0)])
def test_the_transparent_colour_of_a_png_becomes_alpha(bits: int, colour: int, tmp_path: Path):
    wide = np.random.default_rng(1).integers(0, 3, (16, 16, SAMPLES[colour]))
    key = struct.pack(f">{SAMPLES[colour]}H", *[1] * SAMPLES[colour])
    picture = read(tmp_path, png((16, 16), bits, colour, chunk(b"tRNS", key), idat(wide, bits)))
    assert picture.alpha is not None
    assert picture.alpha.dtype == picture.dtype
    np.testing.assert_array_equal(picture.alpha == 0, (wide == 1).all(-1))


def test_png_chunks_that_say_how_it_is_meant_come_back(tmp_path: Path):
    kept = [Chunk(b"gAMA", bytes(4)), Chunk(b"pHYs", bytes(9)), Chunk(b"tEXt", b"Title\0Vase")]
    parts = [chunk(c.kind, c.data) for c in kept]
    parts += [chunk(b"bKGD", bytes(2)), chunk(b"prIv", b"dropped")]
    parts.append(idat(noise(16, 16, 1), 8))
    picture = read(tmp_path, png((16, 16), 8, 0, *parts))
    again = read(tmp_path, images.encode(picture.tensor(), picture, "png"))
    assert again.chunks == picture.chunks == tuple(kept)


def test_a_damaged_profile_of_a_png_is_dropped_with_a_note(tmp_path: Path):
    parts = [chunk(b"iCCP", b"name\0\0no zlib"), idat(noise(16, 16, 1), 8)]
    picture = read(tmp_path, png((16, 16), 8, 0, *parts))
    assert picture.icc is None
    assert "profile" in picture.notes[0]


# TIFF

tifffile = pytest.importorskip("tifffile")


def tiff_file(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw", "tile": (32, 16)},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"planarconfig": "separate"},
    ],
)
def test_tiff_of_every_layout_is_read(dtype: str, options: dict, tmp_path: Path):
    pytest.importorskip("imagecodecs")
    array = noise(33, 47, 3, dtype=dtype)
    planes = np.moveaxis(array, -1, 0) if "planarconfig" in options else array
    picture = read(tmp_path, tiff_file(planes, photometric="rgb", **options))
    np.testing.assert_array_equal(samples(picture), array, strict=True)


@pytest.mark.parametrize(
    ("channels", "kinds", "alpha"),
    [(2, ["unassalpha"], 1), (4, ["unassalpha"], 3), (4, ["unspecified"], None)],
)
def test_the_alpha_of_a_tiff_is_told_from_a_colour(
    channels: int, kinds: list[str], alpha: int | None, tmp_path: Path
):
    array = noise(20, 20, channels)
    photometric = "rgb" if channels > 2 else "minisblack"
    picture = read(tmp_path, tiff_file(array, photometric=photometric, extrasamples=kinds))
    assert picture.shape[0] == channels - (alpha is not None)
    np.testing.assert_equal(picture.alpha, None if alpha is None else array[..., alpha])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_premultiplied_alpha_of_a_tiff_is_made_straight(dtype: str, tmp_path: Path):
    full = 1 if dtype == "f4" else np.iinfo(dtype).max
    straight = np.full((16, 16, 3), 0.5)
    alpha = np.where(noise(16, 16) < 128, 0.5, 1.0)
    array = np.concatenate([straight * alpha[..., None], alpha[..., None]], -1) * full
    data = tiff_file(array.astype(dtype), photometric="rgb", extrasamples=["assocalpha"])
    picture = read(tmp_path, data)
    np.testing.assert_allclose(picture.pixels, 0.5, atol=0.01)
    assert "premultiplied" in picture.notes[0]


def without(name: str):
    return lambda module: None if module == name else find_spec(module)


def test_without_imagecodecs_tiff_is_written_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    packed = encoded("tiff", smooth())
    monkeypatch.setattr("priorfit.images.tiff.find_spec", without("imagecodecs"))
    np.testing.assert_array_equal(samples(read(tmp_path, encoded("tiff", smooth()))), smooth())
    with pytest.raises(ImageFileError, match=r"needs imagecodecs: pip install"):
        read(tmp_path, packed)


def test_without_tifffile_there_is_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = encoded("tiff", smooth())
    monkeypatch.setattr("priorfit.images.tiff.find_spec", without("tifffile"))
    with pytest.raises(ImageFileError, match=r"needs tifffile: pip install"):
        read(tmp_path, data)
    with pytest.raises(ImageFileError, match=r"needs tifffile: pip install"):
        encoded("tiff", smooth())


def test_white_is_zero_is_turned(tmp_path: Path):
    array = noise(16, 16)
    picture = read(tmp_path, tiff_file(array, photometric="miniswhite"))
    np.testing.assert_array_equal(samples(picture)[..., 0], 255 - array)


def test_twelve_bits_are_widened(tmp_path: Path):
    pytest.importorskip("imagecodecs")
    array = np.resize(np.array([0, 1, 4095], np.uint16), (16, 16))
    picture = read(tmp_path, tiff_file(array, bitspersample=12, photometric="minisblack"))
    assert samples(picture).max() == 65535
    assert picture.dtype == np.uint16
    assert "12-bit" in picture.notes[0]


def test_nan_pixels_of_a_tiff_come_back(tmp_path: Path):
    array = noise(16, 16, dtype="f4")
    array[3, 4] = np.nan
    picture = read(tmp_path, tiff_file(array))
    again = read(tmp_path, images.encode(picture.tensor(), picture, "tiff"))
    np.testing.assert_array_equal(samples(again)[..., 0], array)


def test_a_smaller_copy_in_a_tiff_is_dropped_with_a_note(tmp_path: Path):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(noise(32, 32), metadata=None)
        writer.write(noise(16, 16), metadata=None, subfiletype=1)
    picture = read(tmp_path, buffer.getvalue())
    assert picture.size == (32, 32)
    assert "copies" in picture.notes[0]


def test_the_resolution_of_a_tiff_comes_back(tmp_path: Path):
    data = tiff_file(noise(16, 16), resolution=(300, 150), resolutionunit="INCH", metadata=None)
    picture = read(tmp_path, data)
    again = Image.open(io.BytesIO(images.encode(picture.tensor(), picture, "tiff")))
    assert again.info["dpi"] == (300, 150)


# JPEG and WebP


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [20, 75, 100])
def test_a_jpeg_is_written_with_the_tables_it_came_with(
    quality: int, subsampling: int, tmp_path: Path
):
    image = Image.fromarray(smooth())
    data = pillow_file(image, "JPEG", quality=quality, subsampling=subsampling)
    picture = read(tmp_path, data)
    again = read(tmp_path, images.encode(picture.tensor(), picture, "jpeg"))
    assert again.jpeg == picture.jpeg
    assert picture.jpeg is not None
    assert picture.jpeg.sampling[0] == [(1, 1), (2, 1), (2, 2)][subsampling]


def test_a_grey_jpeg_stays_grey(tmp_path: Path):
    picture = read(tmp_path, pillow_file(Image.fromarray(smooth()[..., 0]), "JPEG", quality=60))
    again = read(tmp_path, images.encode(picture.tensor(), picture, "jpeg"))
    assert again.shape == (1, 48, 40)
    assert again.jpeg == picture.jpeg


def test_a_jpeg_that_stores_red_green_and_blue_stays_one(tmp_path: Path):
    data = pillow_file(Image.fromarray(smooth()), "JPEG", quality=90, keep_rgb=True)
    picture = read(tmp_path, data)
    again = read(tmp_path, images.encode(picture.tensor(), picture, "jpeg"))
    assert again.jpeg == picture.jpeg
    assert picture.jpeg is not None
    assert not picture.jpeg.ycbcr
    assert abs(again.pixels - picture.pixels).max() < 0.05


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_is_read_as_pillow_shows_it(mode: str, lossless: bool, tmp_path: Path):
    data = pillow_file(Image.fromarray(noise(20, 24, len(mode))), "WEBP", lossless=lossless)
    picture = read(tmp_path, data)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
    np.testing.assert_array_equal(samples(picture), shown[..., :3])
    again = read(tmp_path, images.encode(picture.tensor(), picture, "webp"))
    np.testing.assert_array_equal(samples(again), samples(picture))
    np.testing.assert_equal(again.alpha, picture.alpha)


def test_a_file_made_by_hand_is_read(tmp_path: Path):
    array = noise(16, 16)
    assert (samples(read(tmp_path, tiff(array.tobytes())))[..., 0] == array).all()
    assert (samples(read(tmp_path, tiff(zlib.compress(array), t259=8)))[..., 0] == array).all()
