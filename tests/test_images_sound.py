"""JPEGs that are not whole are refused, and headers that cost time or memory end at once."""

import io
import itertools
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from priorfit import images
from priorfit.errors import ImageFileError
from priorfit.images.picture import TooManyPixelsError
from tests.image_files import chunk, noise, stored, tiff

SIDE = 64
KINDS = {
    f"{mode} {'progressive' if progressive else 'sequential'} {sampling} {restarts}": (
        mode,
        {"progressive": progressive, "subsampling": sampling, "restart_marker_rows": restarts},
    )
    for mode, progressive, sampling, restarts in itertools.product(
        ["L", "RGB", "CMYK"], [False, True], [0, 2], [0, 1]
    )
}


def jpeg(kind: str, side: int = SIDE) -> bytes:
    mode, manner = KINDS[kind]
    samples = noise(side, side, 3)
    buffer = io.BytesIO()
    Image.fromarray(samples).convert(mode).save(buffer, "JPEG", quality=80, **manner)
    return buffer.getvalue()


def scan(data: bytes) -> int:
    """Where the first pixels stand."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def refused(data: bytes, tmp_path: Path, match: str = "damaged|truncated") -> None:
    with pytest.raises(ImageFileError, match=match):
        images.read(stored(tmp_path, data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_jpeg_is_read_without_a_word(kind: str, tmp_path: Path):
    assert not [n for n in images.read(stored(tmp_path, jpeg(kind))).notes if "pixel" in n]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_is_cut_and_says_that_it_ends_is_refused(
    kind: str, share: float, tmp_path: Path
):
    data = jpeg(kind)
    start, end = scan(data), data.rindex(b"\xff\xd9")
    cut = data[: start + int(share * (end - start))].rstrip(b"\xff")
    refused(cut + b"\xff\xd9", tmp_path)
    refused(cut, tmp_path)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "sequential" in kind])
def test_a_jpeg_whose_middle_is_missing_is_refused(kind: str, tmp_path: Path):
    data = jpeg(kind)
    start, end = scan(data), data.rindex(b"\xff\xd9")
    third = (end - start) // 3
    refused(data[: start + third] + data[end - third :], tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [2000, 14_000])
def test_a_jpeg_that_claims_more_than_it_holds_is_refused_at_once(
    kind: str, side: int, tmp_path: Path
):
    data = bytearray(jpeg(kind))
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    began = time.process_time()
    refused(bytes(data), tmp_path, "less data than its size needs" if side > 9000 else "damaged")
    assert time.process_time() - began < 2


def test_bytes_between_pixels_and_end_are_said(tmp_path: Path):
    data = jpeg("RGB sequential 0 0")
    end = data.rindex(b"\xff\xd9")
    notes = images.read(stored(tmp_path, data[:end] + bytes(7) + data[end:])).notes
    assert any("bytes that belong to no pixel" in note for note in notes)


def stuffed_jpeg() -> bytes:
    data = jpeg("RGB sequential 0 0")
    return data[:2] + b"\xff" * 20_000_000 + data[2:]


def split_jpeg() -> bytes:
    data = jpeg("RGB sequential 0 0")
    return data[:2] + b"\xff\xfe\0\2" * 3_000_000 + data[2:]


def split_png() -> bytes:
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(16 * 17))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", b"") * 2_000_000, chunk(b"IDAT", pixels)]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IEND", b"")])


def split_tiff() -> bytes:
    data = bytearray(tiff(bytes(256)))
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    count = 3_000_000
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from(order + "H", data, at)[0], 12):
        tag = struct.unpack_from(order + "H", data, entry)[0]
        if tag in (273, 279):
            struct.pack_into(order + "HII", data, entry + 2, 4, count, len(data))
        if tag == 278:
            struct.pack_into(order + "HII", data, entry + 2, 4, 1, 1)
    return bytes(data) + np.full(count, 8, order + "u4").tobytes()


@pytest.mark.parametrize("made", [stuffed_jpeg, split_jpeg, split_png, split_tiff])
def test_a_header_of_millions_of_pieces_is_refused_at_once(made, tmp_path: Path):
    path = stored(tmp_path, made())
    began = time.process_time()
    with pytest.raises(ImageFileError):
        images.read(path)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "JPEG2000", "AVIF"])
def test_a_mask_that_is_too_large_is_refused_by_its_header(form: str, tmp_path: Path):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 24)).save(buffer, form)
    with pytest.raises(ImageFileError, match="is a mask of 40×24 pixels, expected 16×20") as caught:
        images.read_mask(stored(tmp_path, buffer.getvalue()), (20, 16))
    assert isinstance(caught.value.__cause__.__cause__, TooManyPixelsError)


def test_a_picture_that_is_too_large_says_its_size(tmp_path: Path):
    with pytest.raises(TooManyPixelsError, match="claims 16×16 pixels") as caught:
        images.read(stored(tmp_path, tiff(bytes(256))), max_pixels=255)
    assert (caught.value.width, caught.value.height) == (16, 16)
