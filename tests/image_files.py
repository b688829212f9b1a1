"""Image files made byte by byte, for what no library writes."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from priorfit import images
from priorfit.images.picture import Sheet

ICC_RGB = bytes(12) + b"mntrRGB XYZ " + bytes(range(256)) * 2
ICC_GREY = bytes(12) + b"mntrGRAYXYZ " + bytes(range(200))

# Where Adam7 starts and steps, (down, across), pass by pass.
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], bits: int, colour: int, *parts: bytes, interlaced: int = 0) -> bytes:
    """A PNG of chunks between its header, of size (H, W), and its end."""
    header = struct.pack(">IIBBBBB", size[1], size[0], bits, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b"")


def idat(samples: np.ndarray, bits: int, interlaced: int = 0) -> bytes:
    """Unfiltered rows of (H, W, S) samples, in one pass or in Adam7's seven."""
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [samples[top::down, left::across] for top, left, down, across in passes]
    return chunk(b"IDAT", zlib.compress(b"".join(_rows(p, bits) for p in parts if p.size)))


def _rows(samples: np.ndarray, bits: int) -> bytes:
    flat = samples.reshape(len(samples), -1)
    if bits == 16:
        packed = flat.astype(">u2").view(np.uint8)
    else:
        ones = np.unpackbits(flat.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
        packed = np.packbits(ones.reshape(len(flat), -1), axis=1)
    return np.pad(packed, [(0, 0), (1, 0)]).tobytes()


def tiff(data: bytes, **tags: int) -> bytes:
    """A little-endian TIFF of one 8-bit grey strip, with the tags t256=… set otherwise."""
    usual = {"t256": 16, "t257": 16, "t258": 8, "t259": 1, "t262": 1, "t273": 400, "t277": 1}
    usual |= {"t278": 1 << 20, "t279": len(data)} | tags
    entries = sorted((int(name[1:]), value) for name, value in usual.items())
    table = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return head.ljust(400, b"\0") + data


def exif(orientation: int = 1, order: str = "<") -> bytes:
    """EXIF with a make, an orientation, a date in its own directory and a place."""
    block = Image.Exif()
    block.endian = order
    block[0x010F] = "Camera works"
    block[0x0112] = orientation
    block.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    block.get_ifd(0x8825)[0x0001] = "N"
    return block.tobytes().removeprefix(b"Exif\0\0")


def tags_of(block: bytes | None) -> tuple[object, ...]:
    """What Pillow finds in EXIF: make, orientation, date, place."""
    found = Image.Exif()
    found.load(b"Exif\0\0" + (block or b""))
    date, place = found.get_ifd(0x8769).get(0x9003), found.get_ifd(0x8825).get(0x0001)
    return found.get(0x010F), found.get(0x0112, 1), date, place


def pillow_file(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(*shape: int, dtype: str = "u1", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


def smooth(height: int = 48, width: int = 40) -> np.ndarray:
    """(H, W, 3) uint8 that JPEG hardly changes."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 3, x * 4, y + x], axis=-1).astype(np.uint8)


def stored(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    return path


def read(tmp_path: Path, data: bytes) -> images.Picture:
    return images.read(stored(tmp_path, data))


def samples(picture: images.Picture) -> np.ndarray:
    """(H, W, C) as stored."""
    return picture.samples(picture.pixels).transpose(1, 2, 0)


def encoded(name: str, array: np.ndarray, alpha: np.ndarray | None = None, **extras) -> bytes:
    return images.FORMATS[name].encode(Sheet(array, alpha, **extras))[0]
