"""PNG of every colour type and depth.

Chunks are parsed and written here because no library on hand keeps both 16-bit colour and profiles:
Pillow narrows the samples, imagecodecs drops the profile. Inflating and unfiltering is left to
Pillow's row decoder, which never holds more than a row beyond the image itself.
Specification: https://www.w3.org/TR/png-3/
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from priorfit.errors import ImageFileError
from priorfit.images.density import to_phys, with_density
from priorfit.images.extras import Chunk, Extras
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.png_rows import filtered
from priorfit.images.scale import widened
from priorfit.images.texts import TEXT_CHUNKS, XMP_KEYWORD, chunk_of, text_of_chunk
from priorfit.wording import listed

SIGNATURE = b"\x89PNG\r\n\x1a\n"

KEPT = (
    frozenset(b"gAMA cHRM sRGB cICP mDCV cLLI pHYs sCAL pCAL oFFs sTER tIME".split()) | TEXT_CHUNKS
)
"""Chunks that go back as they came: how colours and sizes are meant, and text, never inflated."""

_USED = frozenset([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"acTL"])
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6

# Pillow's mode and raw mode that unfilter an image of (bits, colour type). Sixteen bits go as two
# bytes a sample where Pillow has a mode with so many bytes, else as high bytes and low bytes.
_DECODERS = {
    (1, _GREY): ("P", ("P;1",)),
    (2, _GREY): ("P", ("P;2",)),
    (4, _GREY): ("P", ("P;4",)),
    (8, _GREY): ("L", ("L",)),
    (16, _GREY): ("LA", ("LA",)),
    (8, _RGB): ("RGB", ("RGB",)),
    (16, _RGB): ("RGB", ("RGB;16B", "RGB;16L")),
    (1, _PALETTE): ("P", ("P;1",)),
    (2, _PALETTE): ("P", ("P;2",)),
    (4, _PALETTE): ("P", ("P;4",)),
    (8, _PALETTE): ("P", ("P",)),
    (8, _GREY_ALPHA): ("LA", ("LA",)),
    (16, _GREY_ALPHA): ("RGBA", ("RGBA",)),
    (8, _RGB_ALPHA): ("RGBA", ("RGBA",)),
    (16, _RGB_ALPHA): ("RGBA", ("RGBA;16B", "RGBA;16L")),
}
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGB_ALPHA: 4}

_MOST_KEPT = 1 << 20
_MOST_CHUNKS, _LEAST_DATA = 10_000, 1 << 10  # bytes of pixels in a chunk: writers make 4 kB or more
_MOST_EXTRAS = 1 << 26
_MOST_PROFILE = 1 << 24
_DEFLATE_LIMIT = 1032
"""No deflate stream grows by more than this factor."""


@dataclass(frozen=True)
class Header:
    """The IHDR chunk."""

    width: int
    height: int
    bits: int
    colour: int
    interlaced: int

    @property
    def data_bytes(self) -> int:
        """Bytes of the filtered rows, to a few per row."""
        return self.height * (self.width * self.bits * _SAMPLES[self.colour] // 8 + 1)


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a PNG from its beginning.

    Raises:
        ImageFileError: damaged, truncated, animated, too large or too small.
    """
    chunks = _chunks(file)
    header = _header(next(chunks, Chunk(b"", b"")), max_pixels)
    found: dict[bytes, list[bytes]] = {}
    kept: list[Chunk] = []
    left: list[str] = []
    most = _MOST_CHUNKS + header.data_bytes // _LEAST_DATA
    room = {b"IDAT": 2 * header.data_bytes + (1 << 16), b"": _MOST_EXTRAS}
    for number, chunk in enumerate(chunks):
        if number > most:
            raise ImageFileError(f"is damaged: it holds more than {most:,} chunks")
        if chunk.kind not in KEPT | _USED or (chunk.kind in KEPT and not chunk.data):
            left.append(chunk.kind.decode("latin-1"))
            continue
        group = b"IDAT" if chunk.kind == b"IDAT" else b""
        room[group] -= len(chunk.data)
        if room[group] < 0:
            raise ImageFileError("is damaged: it holds far more data than its size needs")
        if chunk.kind in KEPT:
            kept.append(chunk)
        else:
            found.setdefault(chunk.kind, []).append(chunk.data)
    if b"acTL" in found:
        raise ImageFileError("is an animated PNG, expected a single image")
    samples = _samples(header, b"".join(found.get(b"IDAT", [])))
    colour, alpha, notes = _expanded(header, samples, found)
    icc, icc_notes = _profile(found.get(b"iCCP"))
    exif = found.get(b"eXIf", [None])[0]
    notes += icc_notes + ((f"PNG chunks dropped: {listed(left)}",) if left else ())
    xmp, others = _parted(kept)
    extras = Extras(xmp=xmp)
    return Sheet(colour, alpha, icc, exif, chunks=others, notes=notes, extras=extras)


def _parted(kept: list[Chunk]) -> tuple[bytes | None, tuple[Chunk, ...]]:
    """The XMP packet, which stands among the texts, and all other chunks."""
    texts = {i: text_of_chunk(chunk) for i, chunk in enumerate(kept) if chunk.kind == b"iTXt"}
    packets = {i: text for i, text in texts.items() if text and text.keyword == XMP_KEYWORD}
    others = tuple(chunk for i, chunk in enumerate(kept) if i not in packets)
    return next((text.text.encode() for text in packets.values()), None), others


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks; skip the data of those that do not matter.

    Raises:
        ImageFileError: the file ends before its IEND, or a chunk's checksum is wrong.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(len(SIGNATURE))
    while True:
        head = file.read(8)
        if len(head) < 8 or file.tell() + 4 + struct.unpack(">I", head[:4])[0] > end:
            raise ImageFileError("is truncated: its last chunk is missing")
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in _USED and not (kind in KEPT and length <= _MOST_KEPT):
            if not kind[0] & 0x20:  # an upper-case letter: the image makes no sense without it
                raise ImageFileError(f"is damaged: it holds an unknown chunk {kind!r}")
            file.seek(length + 4, os.SEEK_CUR)
            yield Chunk(kind, b"")
            continue
        data, checksum = file.read(length), file.read(4)
        if struct.pack(">I", zlib.crc32(kind + data)) != checksum:
            raise ImageFileError(f"is damaged: the checksum of a chunk {kind.decode()} is wrong")
        yield Chunk(kind, data)


def _header(chunk: Chunk, max_pixels: int) -> Header:
    if chunk.kind != b"IHDR" or len(chunk.data) != 13:
        raise ImageFileError("is damaged: it does not begin with a header")
    width, height, bits, colour, compression, filters, interlaced = struct.unpack(
        ">IIBBBBB", chunk.data
    )
    if (bits, colour) not in _DECODERS or compression or filters or interlaced > 1:
        raise ImageFileError("is damaged: its header makes no sense")
    check_size(width, height, max_pixels)
    return Header(width, height, bits, colour, interlaced)


def _samples(header: Header, data: bytes) -> np.ndarray:
    """Inflate and unfilter: (H, W, S) samples as stored, uint8 or uint16."""
    if header.data_bytes > _DEFLATE_LIMIT * len(data):
        raise ImageFileError("is truncated: it holds less data than its size needs")
    mode, raw_modes = _DECODERS[header.bits, header.colour]
    planes = [_unfiltered(header, data, mode, raw) for raw in raw_modes]
    if header.bits < 16:
        return planes[0]
    if len(planes) == 1:
        return planes[0].view(">u2").astype(np.uint16)
    high, low = planes
    return high.astype(np.uint16) << 8 | low


def _unfiltered(header: Header, data: bytes, mode: str, raw: str) -> np.ndarray:
    size = header.width, header.height
    try:
        image = Image.frombytes(mode, size, data, "zip", raw, header.interlaced)
    except ValueError as error:
        raise ImageFileError("is damaged or truncated: its pixels cannot be decoded") from error
    array = np.asarray(image)
    return array.reshape(header.height, header.width, -1)


def _expanded(
    header: Header, samples: np.ndarray, found: dict[bytes, list[bytes]]
) -> tuple[np.ndarray, np.ndarray | None, Notes]:
    """Colour and alpha of whole 8- or 16-bit samples, and what had to be changed for it."""
    transparent = found.get(b"tRNS", [b""])[0]
    if header.colour == _PALETTE:
        palette = found.get(b"PLTE", [b""])[0]
        return *_looked_up(samples[..., 0], palette, transparent), ("palette expanded",)
    if header.colour in (_GREY_ALPHA, _RGB_ALPHA):
        return samples[..., :-1], samples[..., -1], ()
    alpha = _keyed(samples, transparent) if transparent else None
    notes: Notes = ("transparent colour turned into an alpha channel",) if transparent else ()
    if header.bits < 8:
        notes += (f"{header.bits}-bit grey widened to 8 bits",)
        samples = widened(samples, header.bits)
    return samples, alpha, notes


def _looked_up(
    index: np.ndarray, palette: bytes, transparent: bytes
) -> tuple[np.ndarray, np.ndarray | None]:
    if not palette or len(palette) % 3 or len(palette) > 768:
        raise ImageFileError("is damaged: its palette is missing or makes no sense")
    # Entries beyond the palette are black, as libpng shows them.
    colours = np.frombuffer(palette.ljust(768, b"\0"), np.uint8).reshape(256, 3)
    if not transparent:
        return colours[index], None
    return colours[index], np.frombuffer(transparent.ljust(256, b"\xff")[:256], np.uint8)[index]


def _keyed(samples: np.ndarray, transparent: bytes) -> np.ndarray:
    """Alpha of the one colour that tRNS makes transparent."""
    channels = samples.shape[-1]
    if len(transparent) != 2 * channels:
        raise ImageFileError("is damaged: its transparent colour makes no sense")
    opaque = (samples != np.frombuffer(transparent, ">u2")).any(-1)
    return opaque * samples.dtype.type(np.iinfo(samples.dtype).max)


def _profile(found: list[bytes] | None) -> tuple[bytes | None, Notes]:
    if not found:
        return None, ()
    _, _, rest = found[0].partition(b"\0")
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(rest[1:], _MOST_PROFILE)  # rest[0]: the method, always 0
    except zlib.error:
        return None, ("damaged colour profile dropped",)
    if inflate.unconsumed_tail:
        raise ImageFileError(f"holds a colour profile of more than {_MOST_PROFILE:,} bytes")
    return profile, ()


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a PNG of uint8 or uint16 samples with one or three colours.

    Returns:
        The file, and notes (none).
    """
    samples = sheet.samples
    if sheet.alpha is not None:
        samples = np.concatenate([samples, sheet.alpha[..., None]], axis=-1)
    height, width, count = samples.shape
    colour = {1: _GREY, 2: _GREY_ALPHA, 3: _RGB, 4: _RGB_ALPHA}[count]
    header = struct.pack(">IIBBBBB", width, height, 8 * samples.itemsize, colour, 0, 0, 0)
    parts = [SIGNATURE, _packed(b"IHDR", header)]
    if sheet.icc:
        parts.append(_packed(b"iCCP", b"ICC profile\0\0" + zlib.compress(sheet.icc)))
    chunks, exif = _described(sheet)
    parts += [_packed(chunk.kind, chunk.data) for chunk in chunks]
    if exif:
        parts.append(_packed(b"eXIf", exif))
    rows = samples.astype(samples.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    parts += [_packed(b"IDAT", part) for part in _deflated(rows, count * samples.itemsize)]
    return b"".join([*parts, _packed(b"IEND", b"")]), ()


def _described(sheet: Sheet) -> tuple[list[Chunk], bytes | None]:
    """Chunks to write, and EXIF; a PNG may hold a profile or sRGB, not both."""
    chunks = [chunk for chunk in sheet.chunks if not (sheet.icc and chunk.kind == b"sRGB")]
    exif, density = sheet.exif, sheet.extras.density
    if density is not None and not any(chunk.kind == b"pHYs" for chunk in chunks):
        whole = to_phys(density)
        chunks += [Chunk(b"pHYs", whole)] if whole else []
        exif = exif if whole else with_density(exif, density)
    if sheet.extras.xmp:
        chunks.append(chunk_of(XMP_KEYWORD, sheet.extras.xmp))
    return chunks, exif


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _deflated(rows: np.ndarray, pixel_bytes: int) -> Iterator[bytes]:
    deflate = zlib.compressobj(6)
    for block in filtered(rows, pixel_bytes):
        yield deflate.compress(block)
    yield deflate.flush()
