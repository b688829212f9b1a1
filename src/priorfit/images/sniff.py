"""What a file is, by its first bytes; its name says nothing."""

from priorfit.errors import ImageFileError

HEAD = 64
"""Bytes that `identify` wants to see."""

_READABLE = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00\x08\x00", "tiff"),
    (b"MM\x00+\x00\x08", "tiff"),
    (b"\x93NUMPY", "npy"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
)
_NETPBM = {b"P1": "pgm", b"P2": "pgm", b"P3": "ppm", b"P4": "pgm", b"P5": "pgm", b"P6": "ppm"}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes
_AVIF, _HEIC = (b"avif", b"avis"), (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_EITHER = (b"mif1", b"msf1", b"miaf")

_KNOWN = (
    (b"SIMPLE  =", "a FITS file"),
    (b"GIF8", "a GIF"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a ZIP archive (an .npz, say)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"v/1\x01", "an OpenEXR file"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML or SVG file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"#?RADIANCE", "a Radiance file"),
    (b"FUJIFILM", "a raw file of a camera"),
    (b"II\xbc", "a JPEG XR file"),
)

EXPECTED = "expected PNG, TIFF, JPEG, WebP, AVIF, HEIC, JPEG 2000, JPEG XL, BMP, PPM, PGM or .npy"


def identify(head: bytes) -> str:
    """Name the format of a file that begins with `head`, a name in `FORMATS`.

    Raises:
        ImageFileError: no image, or one of a format that is not read.
    """
    for magic, name in _READABLE:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] in _NETPBM and head[2:3].isspace():
        return _NETPBM[head[:2]]
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[4:8] == b"ftyp" and _is_still(head):
        return "avif" if any(brand in head[8:] for brand in _AVIF) else "heic"
    if not head:
        raise ImageFileError(f"is empty, {EXPECTED}")
    raise ImageFileError(f"is {_name_of_unreadable(head)}, {EXPECTED}")


def _name_of_unreadable(head: bytes) -> str:
    for magic, name in _KNOWN:
        if head.startswith(magic):
            return f"{name}, which is not read"
    if head[4:8] == b"ftyp":
        return "a video or other media file, which is not read"
    if head[:2] in (b"P7", b"Pf", b"PF", b"PG") and head[2:3].isspace():
        return "a PAM or PFM file, which is not read"
    return "not an image"


def _is_still(head: bytes) -> bool:
    """Whether a media file says that it is a picture, by its brands."""
    length = int.from_bytes(head[:4], "big")
    brands = [head[at : at + 4] for at in (8, *range(16, min(length, len(head)), 4))]
    return any(brand in _AVIF + _HEIC + _EITHER for brand in brands)
