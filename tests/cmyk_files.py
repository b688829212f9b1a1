"""CMYK files, and a profile for them."""

import io
import struct

import numpy as np
import tifffile
from PIL import Image

from tests.image_files import pillow_file, smooth


def tiff(array: np.ndarray, **options: object) -> bytes:
    """A TIFF of an array with nothing beside it."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **{"metadata": None, "software": False} | options)
    return buffer.getvalue()


def cmyk_profile() -> bytes:
    """A profile whose ink of either kind darkens L*, and whose colour is none: 2⁴ corners."""
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), -1).reshape(16, 4)
    light = 255 * (1 - 0.2 * corners[:, :3].sum(1)) * (1 - 0.9 * corners[:, 3])
    table = np.stack([light, np.full(16, 128), np.full(16, 128)], -1).astype(np.uint8)
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    lut = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table.tobytes() + ramp * 3
    )
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    parts, entries, at = b"", b"", 128 + 4 + 3 * 12
    for tag, body in ((b"desc", name), (b"wtpt", white), (b"A2B0", lut)):
        body += bytes(-len(body) % 4)
        entries += tag + struct.pack(">II", at + len(parts), len(body))
        parts += body
    head = struct.pack(
        ">I4sI4s4s4s", at + len(parts), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab "
    )
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + entries + parts


INKS = np.stack([smooth()[..., 0], smooth()[..., 1], 255 - smooth()[..., 0], smooth()[..., 2]], -1)
CMYK = {
    "jpeg": lambda icc: pillow_file(
        Image.fromarray(INKS, "CMYK"), "JPEG", quality=100, icc_profile=icc
    ),
    "tiff": lambda icc: pillow_file(Image.fromarray(INKS, "CMYK"), "TIFF", icc_profile=icc),
    "tiff of 16 bits": lambda icc: tiff(
        INKS.astype(np.uint16) * 257, photometric="separated", iccprofile=icc
    ),
}
