"""JPEG of 12 bits, which Pillow does not read, through imagecodecs; and names for other kinds."""

import numpy as np

from priorfit.errors import ImageFileError
from priorfit.images.codecs import decoded, imagecodecs_for
from priorfit.images.jpeg_metadata import Frame
from priorfit.images.picture import Notes
from priorfit.images.scale import widened

_LOSSLESS, _JPEG_LS = frozenset([0xC3, 0xC7, 0xCB, 0xCF]), 0xF7
_DCT = frozenset([0xC0, 0xC1, 0xC2])
_BITS = 12
_END, _SCAN = b"\xff\xd9", b"\xff\xda"


def decode_deep(data: bytes, frame: Frame) -> tuple[np.ndarray, Notes]:
    """Read a JPEG that is not one of 8 bits and DCT blocks.

    Args:
        data: The file.
        frame: Its frame header, whose size is checked.

    Returns:
        (H, W, C) of uint16 over the full range, and a note.

    Raises:
        ImageFileError: damaged, of a kind that is not read, or imagecodecs is not installed.
    """
    if frame.marker == _JPEG_LS or frame.marker in _LOSSLESS:
        kind = "JPEG-LS" if frame.marker == _JPEG_LS else "lossless JPEG"
        raise ImageFileError(f"is a {kind} file, which is not read: save it as PNG or TIFF")
    if frame.marker not in _DCT:
        raise ImageFileError("is a hierarchical JPEG, which is not read: save it anew")
    if frame.bits != _BITS or frame.components not in (1, 3):
        raise ImageFileError(
            f"is a JPEG of {frame.bits} bits and {frame.components} components, which is not read"
        )
    imagecodecs = imagecodecs_for("is a JPEG of 12 bits, which needs")

    if data.rfind(_END) < data.rfind(_SCAN):  # the decoder would fill what is missing with grey
        raise ImageFileError("is truncated: its end is missing")
    samples = decoded(lambda: imagecodecs.jpeg8_decode(data))
    if samples.dtype != np.uint16 or samples.shape[:2] != (frame.height, frame.width):
        raise ImageFileError("is damaged: its headers contradict each other")
    samples = samples.reshape(frame.height, frame.width, -1)
    return widened(samples, _BITS), ("12-bit samples widened to 16 bits",)
