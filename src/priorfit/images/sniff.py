"""What a file is, by its first bytes; its name says nothing."""

from priorfit.errors import ImageFileError

HEAD = 32
"""Bytes that `identify` wants to see."""

_READABLE = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00\x08\x00", "tiff"),
    (b"MM\x00+\x00\x08", "tiff"),
    (b"\x93NUMPY", "npy"),
)

_KNOWN = (
    (b"SIMPLE  =", "a FITS file"),
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a ZIP archive (an .npz, say)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"v/1\x01", "an OpenEXR file"),
)

EXPECTED = "expected PNG, TIFF, JPEG, WebP or .npy"


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
    if not head:
        raise ImageFileError(f"is empty, {EXPECTED}")
    raise ImageFileError(f"is {_name_of_unreadable(head)}, {EXPECTED}")


def _name_of_unreadable(head: bytes) -> str:
    for magic, name in _KNOWN:
        if head.startswith(magic):
            return f"{name}, which is not read"
    if head[4:8] == b"ftyp":
        return "a HEIF, AVIF or video file, which is not read"
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "a Netpbm file, which is not read"
    return "not an image"
