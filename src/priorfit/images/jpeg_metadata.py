"""What the segments of a JPEG say beside its samples, and the way back into them."""

import struct
from typing import NamedTuple

from priorfit.errors import ImageFileError
from priorfit.images.density import of_jfif, to_jfif, with_density
from priorfit.images.extras import Extras
from priorfit.images.jpeg_tables import segments
from priorfit.images.picture import Notes
from priorfit.wording import listed

EXIF_SIGNATURE, _ICC_SIGNATURE = b"Exif\0\0", b"ICC_PROFILE\0"
MOST_MARKER_BYTES = 65533
_XMP_SIGNATURE, _MORE_XMP = (
    b"http://ns.adobe.com/xap/1.0/\0",
    b"http://ns.adobe.com/xmp/extension/\0",
)
_PHOTOSHOP = b"Photoshop 3.0\0"
_APP0, _APP1, _APP2, _APP13, _APP14, _COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {
    0xF7
}  # all kinds of JPEG, and JPEG-LS
_MOST_SCANS = 200  # encoders make about ten
_MOST_VISITS = 4_000_000_000  # of pixels by scans
_IPTC = 0x0404
_REPEATED = frozenset([_IPTC, 0x0425, 0x03ED])
"""Photoshop's resources that are kept or said elsewhere: IPTC, its checksum, the resolution."""


def extras_of(data: bytes) -> tuple[Extras, Notes]:
    """Read density, XMP, IPTC and comments, and name every other segment of a JPEG.

    Raises:
        ImageFileError: a segment goes beyond the end of the file.
    """
    density, xmp, resources = None, None, b""
    comments: list[bytes] = []
    lost: list[str] = []
    for marker, body in segments(data):
        if marker == _COM:
            comments.append(body)
        elif marker == _APP0 and body.startswith(b"JFIF\0"):
            density = density or of_jfif(body[5:])
        elif marker == _APP1 and body.startswith(_XMP_SIGNATURE):
            xmp = xmp or body[len(_XMP_SIGNATURE) :]
        elif marker == _APP13 and body.startswith(_PHOTOSHOP):
            resources += body[len(_PHOTOSHOP) :]
        else:
            lost += _named(marker, body)
    iptc, more = _iptc_in(resources)
    lost += more
    notes = (f"{listed(lost)} dropped",) if lost else ()
    return Extras(density, xmp, iptc, tuple(comments)), notes


def exif_in(data: bytes) -> bytes | None:
    """EXIF among the segments of a JPEG, without its signature."""
    found = _bodies(data, _APP1, EXIF_SIGNATURE)
    return found[0] if found else None


def icc_in(data: bytes) -> bytes | None:
    """The colour profile among the segments of a JPEG; None where a part of it is missing."""
    parts = sorted(_bodies(data, _APP2, _ICC_SIGNATURE))  # (number, count, bytes)
    whole = [part[:2] for part in parts] == [bytes([i + 1, len(parts)]) for i in range(len(parts))]
    return b"".join(part[2:] for part in parts) or None if whole else None


def _bodies(data: bytes, wanted: int, signature: bytes) -> list[bytes]:
    return [
        body[len(signature) :]
        for marker, body in segments(data)
        if marker == wanted and body.startswith(signature)
    ]


def _named(marker: int, body: bytes) -> list[str]:
    """Name a segment that is not kept; nothing for those that are, or say how pixels are stored."""
    if marker == _APP1 and body.startswith(EXIF_SIGNATURE):
        return []
    if marker == _APP2 and body.startswith(_ICC_SIGNATURE):
        return []
    if marker == _APP14 and body.startswith(b"Adobe"):
        return []
    if marker == _APP2 and body.startswith(b"MPF\0"):
        return ["further pictures in the file"]
    if marker == _APP1 and body.startswith(_MORE_XMP):
        return ["the part of XMP beyond 64 kB"]
    if marker == _APP0 and body.startswith(b"JFXX\0"):
        return ["thumbnail"]
    return [f"APP{marker - _APP0} segment"] if _APP0 <= marker < _APP0 + 16 else []


def _iptc_in(resources: bytes) -> tuple[bytes | None, list[str]]:
    """IPTC among Photoshop's resources, and what else there is.

    Source: Adobe Photoshop file formats specification, image resource blocks.
    """
    iptc, others, at = None, False, 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        code = struct.unpack_from(">H", resources, at + 4)[0]
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        if at + 4 > len(resources):
            break
        size = struct.unpack_from(">I", resources, at)[0]
        body = resources[at + 4 : at + 4 + size]
        if code == _IPTC:
            iptc = body or None
        others = others or code not in _REPEATED
        at += 4 + size + size % 2
    others = others or bool(resources[at:].strip(b"\0"))
    return iptc, ["Photoshop's settings"] if others else []


def with_segments(jpeg: bytes, extras: Extras, exif: bytes | None) -> tuple[bytes, Notes]:
    """Put EXIF, XMP, IPTC, comments and density into the bytes of a JPEG that has none of them.

    Returns:
        The file, and notes on what did not fit into a segment.
    """
    jfif = jpeg[2:4] == bytes([0xFF, _APP0]) and jpeg[6:11] == b"JFIF\0"
    density = extras.density and to_jfif(extras.density) if jfif else None
    if density:
        jpeg = jpeg[:13] + density + jpeg[18:]
    elif extras.density:
        exif = with_density(exif, extras.density)
    iptc = extras.iptc and _PHOTOSHOP + _resource(extras.iptc)
    wanted = [("EXIF", _APP1, exif and EXIF_SIGNATURE + exif)]
    wanted += [("XMP", _APP1, extras.xmp and _XMP_SIGNATURE + extras.xmp)]
    wanted += [("IPTC", _APP13, iptc)]
    wanted += [("comment", _COM, comment) for comment in extras.comments]
    notes, parts = [], []
    for name, marker, body in wanted:
        if body and len(body) > MOST_MARKER_BYTES:
            notes.append(f"{name} dropped, JPEG holds 64 kB of it")
        elif body:
            parts.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
    start = 4 + struct.unpack_from(">H", jpeg, 4)[0] if jfif else 2
    return jpeg[:start] + b"".join(parts) + jpeg[start:], tuple(notes)


def _resource(iptc: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


class Frame(NamedTuple):
    """The frame header of a JPEG."""

    marker: int
    bits: int
    height: int
    width: int
    components: int


def frame_of(data: bytes) -> Frame | None:
    """Read the frame header; None where there is none before the first scan."""
    try:
        for marker, body in segments(data):
            if marker in _FRAMES and len(body) >= 6:
                return Frame(marker, *struct.unpack_from(">BHHB", body))
    except ImageFileError:
        return None
    return None


def check_scans(data: bytes, pixels: int) -> None:
    """Refuse a small file that would keep a progressive decoder busy for minutes.

    Raises:
        ImageFileError: there are too many scans.
    """
    scans = data.count(b"\xff\xda")
    if scans > _MOST_SCANS or scans * pixels > _MOST_VISITS:
        raise ImageFileError(f"is damaged: it draws its pixels in {scans} scans")
