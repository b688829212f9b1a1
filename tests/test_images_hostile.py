"""Files that are damaged, lie, or are something else: one line, quickly, without much memory."""

import io
import logging
import os
import struct
import tracemalloc
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from priorfit import images
from priorfit.errors import ImageFileError
from tests.heic_files import HEIC, HEIC_OF_10_BITS
from tests.image_files import (
    ICC_RGB,
    chunk,
    encoded,
    exif,
    idat,
    noise,
    pillow_file,
    png,
    smooth,
    stored,
    tiff,
)

imagecodecs = pytest.importorskip("imagecodecs")

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def npy(shape: object, descr: object = "<f4", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def frames(form: str) -> bytes:
    pictures = [Image.fromarray(noise(20, 20, 3, seed=i)) for i in range(2)]
    return pillow_file(pictures[0], form, save_all=True, append_images=pictures[1:])


def imagej_stack() -> bytes:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, noise(3, 20, 20), imagej=True)
    return buffer.getvalue()


WIDE = smooth().astype(np.uint16) * 16
GREY = idat(noise(16, 16, 1), 8)


def bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head


def codestream(width: int, height: int, tile: int = 1 << 30) -> bytes:
    sizes = struct.pack(">8IH", width, height, 0, 0, tile, tile, 0, 0, 1)
    return b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + sizes + b"\x07\1\1" + b"\xff\xd9"


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def still(brand: bytes, side: int) -> bytes:
    size = box(b"ispe", struct.pack(">III", 0, side, side))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", size)))
    return box(b"ftyp", brand + bytes(4) + b"mif1" + brand) + meta


def jpeg_of(side: int) -> bytes:
    return pillow_file(Image.new("L", (side, side)), "JPEG")


WHOLE = {
    "png": encoded("png", smooth(), noise(48, 40), icc=ICC_RGB, exif=exif(6)),
    "png of 16 bits": encoded("png", noise(16, 16, 3, dtype="u2")),
    "png with a palette": pillow_file(Image.fromarray(smooth()).quantize(9), "PNG", transparency=1),
    "jpeg": encoded("jpeg", smooth(), icc=ICC_RGB, exif=exif(6)),
    "progressive jpeg": pillow_file(Image.fromarray(smooth()), "JPEG", progressive=True),
    "webp": encoded("webp", smooth(), noise(48, 40), icc=ICC_RGB, exif=exif(6)),
    "lossy webp": pillow_file(Image.fromarray(smooth()), "WEBP"),
    "npy": encoded("npy", noise(16, 16, 3, dtype="f4")),
    "tiff": encoded("tiff", smooth(), noise(48, 40), icc=ICC_RGB, exif=exif(6)),
    "plain tiff": tiff(noise(16, 16).tobytes()),
    "tiff of jpeg": pillow_file(Image.fromarray(smooth()), "TIFF", compression="jpeg"),
    "tiff of a fax": pillow_file(
        Image.fromarray(smooth()).convert("1"), "TIFF", compression="group4"
    ),
    "tiff of inks": pillow_file(Image.fromarray(smooth()).convert("CMYK"), "TIFF"),
    "jpeg of inks": pillow_file(Image.fromarray(smooth()).convert("CMYK"), "JPEG"),
    "jpeg of 12 bits": bytes(imagecodecs.jpeg8_encode(WIDE, 90, bitspersample=12)),
    "bmp": encoded("bmp", smooth()),
    "bmp with a palette": pillow_file(Image.fromarray(smooth()).quantize(9), "BMP"),
    "ppm": encoded("ppm", smooth()),
    "pgm of 16 bits": encoded("pgm", noise(20, 24, 1, dtype="u2")),
    "jp2": encoded("jp2", smooth(), icc=ICC_RGB, exif=exif(1)),
    "codestream": bytes(imagecodecs.jpeg2k_encode(smooth(), 30, codecformat="j2k")),
    "jxl": encoded("jxl", smooth(), noise(48, 40), exif=exif(1)),
    "lossy jxl": bytes(imagecodecs.jpegxl_encode(smooth(), 80)),
    "avif": encoded("avif", smooth(), noise(48, 40), icc=ICC_RGB, exif=exif(1)),
    "avif of 10 bits": bytes(imagecodecs.avif_encode(WIDE // 4, 80, bitspersample=10)),
    **({"heic": HEIC, "heic of 10 bits": HEIC_OF_10_BITS} if find_spec("pi_heif") else {}),
}

LIES = {
    "a huge png": (png((100_000, 100_000), 8, 2, idat(noise(16, 16, 3), 8)), "100000×100000"),
    "a large empty png": (png((14_000, 14_000), 8, 2, idat(noise(16, 16, 3), 8)), "less data"),
    "a large png of zeros": (
        png((14_000, 14_000), 8, 0, chunk(b"IDAT", zlib.compress(bytes(190_000)) + bytes(190_000))),
        "decoded",
    ),
    "a png with too much data": (
        png((16, 16), 8, 0, chunk(b"IDAT", noise(100_000).tobytes())),
        "more data",
    ),
    "a profile that inflates": (
        png((16, 16), 8, 0, chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(40_000_000))), GREY),
        "profile",
    ),
    "a png without pixels": (png((16, 16), 8, 0), "less data"),
    "a png of nothing": (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "header"),
    "a png of no known kind": (png((16, 16), 4, 2, idat(noise(16, 16, 3), 8)), "header"),
    "a png without a palette": (png((16, 16), 8, 3, idat(noise(16, 16, 1), 8)), "palette"),
    "a png with a strange chunk": (png((16, 16), 8, 0, chunk(b"CgBI", b"")), "CgBI"),
    "a tiny png": (png((15, 16), 8, 0, idat(noise(15, 16, 1), 8)), "16×15"),
    "an animated png": (frames("PNG"), "animated"),
    "an animated webp": (frames("WEBP"), "animated"),
    "a gif": (frames("GIF"), "GIF"),
    "a huge tiff": (tiff(bytes(256), t256=2**31, t257=2**31), "2147483648"),
    "a large empty tiff": (tiff(bytes(256), t256=14_000, t257=14_000), "less data"),
    "a tiff of many samples": (tiff(bytes(256), t277=65535, t256=4000, t257=4000), "samples"),
    "a tiff of huge tiles": (
        tiff(bytes(256), t322=2**31 - 16, t323=2**31 - 16, t324=400, t325=256),
        "damaged",
    ),
    "a tiff that inflates": (tiff(zlib.compress(bytes(40_000_000)), t259=8), "damaged"),
    "a tiff beyond its end": (tiff(bytes(256), t273=2**31), "missing"),
    "a tiff with a jpeg inside": (tiff(bytes(256), t259=7), "JPEG"),
    "a tiff of other inks": (tiff(bytes(1024), t262=5, t277=4, t332=2), "inks"),
    "a tiff of floats in cmyk": (tiff(bytes(4096), t258=32, t262=5, t277=4, t339=3), "CMYK"),
    "a tiff of plain ycbcr": (tiff(bytes(768), t262=6, t277=3), "YCbCr"),
    "a tiff with an old jpeg inside": (tiff(bytes(256), t259=6), "JPEG"),
    "a tiff of pages": (frames("TIFF"), "several pages"),
    "an imagej stack": (imagej_stack(), "stack|pages"),
    "a camera's raw file": (tiff(bytes(256), t254=1), "raw"),
    "a huge npy": (npy((10**6, 10**6)), "1000000×1000000"),
    "a short npy": (npy((1000, 1000)), "truncated"),
    "an npy of objects": (npy((16, 16), "|O"), "object"),
    "an npy of booleans": (npy((16, 16), "|b1", bytes(256)), "bool"),
    "an npy of complex numbers": (npy((16, 16), "<c8"), "complex"),
    "an npy of records": (npy((16, 16), [("a", "<f4")]), "numbers"),
    "an npy of a negative size": (npy((-16, -16)), "-16"),
    "an npy stack": (npy((5, 16, 16)), "stacks"),
    "an npy with a formula": (npy("__import__('os').getpid()"), "header"),
    "an npy of brackets": (npy("(" * 5000), "header"),
    "an npy of tomorrow": (b"\x93NUMPY\x09\x00" + bytes(100), "damaged|version"),
    "an infinite npy": (npy((16, 16), "<f4", np.full(256, np.inf, "f4").tobytes()), "infinite"),
    "an npy of NaN": (npy((16, 16), "<f4", np.full(256, np.nan, "f4").tobytes()), "NaN"),
    "a huge bmp": (bmp(1 << 20, 1 << 20), "1048576×1048576"),
    "a bmp without pixels": (bmp(1000, 1000), "decoded"),
    "a huge ppm": (b"P6 1000000 1000000 255\n" + bytes(99), "1000000×1000000"),
    "a short ppm": (b"P6 1000 1000 255\n" + bytes(99), "truncated"),
    "a ppm of no depth": (b"P6 16 16 0\n" + bytes(768), "header"),
    "a ppm of much depth": (b"P6 16 16 70000\n" + bytes(768), "header"),
    "a ppm of words": (b"P3 16 16 255\n" + b"one " * 768, "numbers"),
    "a pgm above its largest": (b"P5 16 16 9\n" + bytes([10]) * 256, "above its largest"),
    "two pgm": ((b"P5 16 16 9\n" + bytes(256)) * 2, "several images"),
    "a huge codestream": (codestream(1 << 30, 1 << 30), "1073741824×1073741824"),
    "a codestream of many tiles": (codestream(4000, 4000, tile=1), "header"),
    "a codestream of hardly a byte": (codestream(14_000, 14_000), "less data"),
    "a codestream without pixels": (codestream(64, 64), "truncated|damaged"),
    "a huge jxl": (
        b"\xff\x0a" + (1 << 33 | 0x7FFFFFF << 3 | 0b110).to_bytes(12, "little"),
        "claims",
    ),
    "a huge avif": (still(b"avif", 1 << 30), "1073741824×1073741824"),
    "a huge heic": (still(b"heic", 1 << 30), "1073741824×1073741824"),
    "an avif without pixels": (still(b"avif", 64), "decoded"),
    "an animated avif": (frames("AVIF"), "animated"),
    "a tiff of jpeg that lies": (tiff(jpeg_of(2000), t259=7), "larger than its strip"),
    "a text file": (b"To whom it may concern: this is no image.", "not an image"),
    "nothing": (b"", "empty"),
    "a fits file": (b"SIMPLE  =                    T".ljust(2880), "FITS"),
    "a zip": (b"PK\x03\x04" + bytes(100), "ZIP"),
    "a heif without a picture": (b"\0\0\0\x18ftypheic" + bytes(100), "damaged|truncated"),
    "a video": (b"\0\0\0\x18ftypisom\0\0\0\0mp41" + bytes(100), "video"),
    "a riff of sound": (b"RIFF\0\0\0\0WAVE" + bytes(100), "not an image"),
    "a large webp": (
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\xff" * 2,
        "16777216",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_told_in_one_line_and_costs_little(name: str, tmp_path: Path):
    data, told = LIES[name]
    path = stored(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(ImageFileError, match=told) as caught:
            images.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert peak < 100e6


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_read_and_none_that_is_cut(name: str, tmp_path: Path):
    data = WHOLE[name]
    whole = images.read(stored(tmp_path, data))
    for length in {
        *range(0, len(data), 1 + len(data) // 60),
        *range(max(0, len(data) - 9), len(data)),
    }:
        try:
            cut = images.read(stored(tmp_path, data[:length]))
        except ImageFileError:
            continue
        # Only the four zeros that close the directory of a TIFF are missing.
        assert length >= len(data) - 4
        assert (cut.icc, cut.exif) == (whole.icc, whole.exif)


@pytest.mark.parametrize("name", ["png", "png of 16 bits", "png with a palette"])
def test_a_png_cut_at_any_chunk_is_refused(name: str, tmp_path: Path):
    data, at = WHOLE[name], 8
    while at < len(data):
        with pytest.raises(ImageFileError, match="truncated"):
            images.read(stored(tmp_path, data[:at]))
        at += 12 + struct.unpack_from(">I", data, at)[0]


@pytest.mark.parametrize("name", ["png", "png of 16 bits"])
def test_a_changed_byte_of_a_png_is_noticed(name: str, tmp_path: Path):
    data = WHOLE[name]
    for at in range(8, len(data), 1 + len(data) // 40):
        with pytest.raises(ImageFileError):
            images.read(stored(tmp_path, data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]))


def read_or_refused(path: Path) -> None:
    try:
        picture = images.read(path)
    except ImageFileError:
        return
    assert min(picture.size) >= 16
    assert picture.pixels.dtype == np.float32


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
@quick
def test_a_file_with_changed_bytes_is_read_or_refused(name: str, data, tmp_path: Path, caplog):
    changed = bytearray(WHOLE[name])
    places = st.one_of(st.integers(0, 150), st.integers(0, 10_000), st.integers(-450, -1))
    changes = st.tuples(places, st.sampled_from([0, 1, 2, 4, 16, 64, 127, 128, 255]))
    for at, value in data.draw(st.lists(changes, min_size=1, max_size=4)):
        changed[at % len(changed)] = value
    with caplog.at_level(logging.DEBUG, "tifffile"):
        read_or_refused(stored(tmp_path, bytes(changed)))
    assert not [record for record in caplog.records if record.name == "tifffile"]


@pytest.mark.parametrize("name", WHOLE)
@given(tail=st.binary(max_size=300), kept=st.integers(4, 200))
@quick
def test_random_bytes_after_a_good_beginning_are_refused(
    name: str, tail: bytes, kept: int, tmp_path: Path
):
    read_or_refused(stored(tmp_path, WHOLE[name][:kept] + tail))


@given(data=st.binary(max_size=300))
@quick
def test_random_bytes_are_refused(data: bytes, tmp_path: Path):
    with pytest.raises(ImageFileError):
        images.read(stored(tmp_path, data))


@pytest.mark.skipif(find_spec("pi_heif") is None, reason="needs pi-heif")
@pytest.mark.parametrize("changed", [b"\xffxif", b"Ex\x80f", b"\xed\xa0\x80f"])
def test_names_in_a_heic_that_are_no_text_are_refused(changed: bytes, tmp_path: Path):
    """They would end the process inside pi-heif."""
    with pytest.raises(ImageFileError, match="no text"):
        images.read(stored(tmp_path, HEIC.replace(b"Exif", changed, 1)))


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path):
    data = WHOLE["progressive jpeg"]
    start = data.rindex(b"\xff\xda")
    with pytest.raises(ImageFileError, match="scans"):
        images.read(stored(tmp_path, data[:-2] + data[start:-2] * 1000 + data[-2:]))


@pytest.mark.parametrize("name", WHOLE)
def test_the_limit_of_pixels_is_the_callers(name: str, tmp_path: Path):
    with pytest.raises(ImageFileError, match="255"):
        images.read(stored(tmp_path, WHOLE[name]), max_pixels=255)


def test_a_tag_that_claims_billions_of_values_is_refused(tmp_path: Path):
    data = bytearray(tiff(bytes(256)))
    count = 10 + 12 * 5 + 4  # StripOffsets is the sixth entry
    data[count : count + 4] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(ImageFileError):
        images.read(stored(tmp_path, bytes(data)))


# Places instead of files


def test_what_is_no_file_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path, told in [("pipe", "not a file"), (".", "is a folder"), ("none.png", "No such file")]:
        with pytest.raises(ImageFileError, match=told):
            images.read(tmp_path / path)


def test_a_name_says_nothing_about_a_file(tmp_path: Path):
    path = tmp_path / "photo.png"
    path.write_bytes(WHOLE["jpeg"])
    assert images.read(path).format == "jpeg"
    path.write_text("To whom it may concern")
    with pytest.raises(ImageFileError, match=r"photo\.png: is not an image"):
        images.read(path)
