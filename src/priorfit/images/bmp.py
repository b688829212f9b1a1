"""BMP, through Pillow's plug-in."""

import struct
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

from priorfit.errors import ImageFileError
from priorfit.images.density import METRE, density
from priorfit.images.extras import Extras
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.pillow import damage_named

_PER_METRE = 38  # where a header of 40 bytes or more has it
_LARGEST_OLD_HEADER = 16


def decode(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a BMP of 1 to 32 bits from its beginning.

    Raises:
        ImageFileError: damaged, truncated, too large or too small.
    """
    with damage_named():
        image = BmpImageFile(file)
    check_size(*image.size, max_pixels)
    with damage_named():
        image.load()
    notes: Notes = ()
    alpha = None
    if image.mode == "P":
        samples, notes = np.asarray(image.convert("RGB")), ("palette expanded",)
    elif image.mode == "1":
        samples, notes = np.asarray(image.convert("L")), ("1-bit grey widened to 8 bits",)
    elif image.mode in ("L", "RGB"):
        samples = np.asarray(image)
    elif image.mode == "RGBA":
        whole = np.asarray(image)
        samples, alpha = whole[..., :3], whole[..., 3]
    else:
        raise ImageFileError(f"is a BMP of the kind {image.mode}, which is not read")
    samples = samples.reshape(image.height, image.width, -1)
    return Sheet(samples, alpha, notes=notes, extras=_extras(file))


def _extras(file: BinaryIO) -> Extras:
    file.seek(0)
    head = file.read(_PER_METRE + 8)
    if len(head) < _PER_METRE + 8 or head[14] <= _LARGEST_OLD_HEADER:
        return Extras()
    across, down = struct.unpack_from("<ii", head, _PER_METRE)
    return Extras(density=density(across, down, METRE))


def encode(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write a BMP of uint8 samples, grey or of three colours.

    Returns:
        The file, and notes on a resolution that it cannot hold.
    """
    flat = sheet.samples[..., 0] if sheet.samples.shape[-1] == 1 else sheet.samples
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(flat)).save(buffer, "BMP")
    data, said = buffer.getvalue(), sheet.extras.density
    whole = said and said.whole(METRE, 2**31 - 1)
    stored = struct.pack("<ii", *(whole or (0, 0)))  # Pillow would claim 96 dpi
    lost: Notes = ("resolution dropped, BMP cannot hold it",) if said and not whole else ()
    return data[:_PER_METRE] + stored + data[_PER_METRE + 8 :], lost
