"""AVIF, through Pillow (imagecodecs for more than 8 bits), and HEIC, through pi-heif."""

from importlib.util import find_spec
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image, features
from PIL.AvifImagePlugin import AvifImageFile

from priorfit.errors import ImageFileError
from priorfit.images.boxes import Properties, check_names, properties
from priorfit.images.codecs import decoded, imagecodecs_for
from priorfit.images.exif import orientation_of, upright
from priorfit.images.extras import Extras
from priorfit.images.jpeg_metadata import EXIF_SIGNATURE
from priorfit.images.picture import Notes, Sheet, check_size
from priorfit.images.pillow import damage_named
from priorfit.images.scale import widened

INSTALL_HEIC = "pip install 'priorfit[heic]'"
_QUALITY = 100


def _opened(file: BinaryIO, max_pixels: int) -> tuple[bytes, Properties]:
    """The bytes of a file whose claims are checked."""
    end = file.seek(0, 2)
    file.seek(0)
    if end > 16 * max_pixels + (1 << 26):
        raise ImageFileError("is damaged: it holds far more data than any size it may have")
    data = file.read()
    said = properties(data)
    check_size(said.width, said.height, max_pixels)
    return data, said


def decode_avif(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read a still AVIF of 8 to 12 bits.

    Raises:
        ImageFileError: damaged, truncated, animated, too large or too small, or a library for it
            is not installed.
    """
    data, said = _opened(file, max_pixels)
    if not features.check("avif"):
        raise ImageFileError("is an AVIF file, which this build of Pillow does not read")
    with damage_named():
        image = AvifImageFile(BytesIO(data))
        image.load()
    if getattr(image, "n_frames", 1) > 1:
        raise ImageFileError("is an animated AVIF, expected a single image")
    check_size(*image.size, max_pixels)
    samples, notes = _parted_avif(data, image, said)
    grey = image.mode in ("L", "LA")
    alpha = samples[..., -1] if samples.shape[-1] in (2, 4) else None
    colour = samples[..., : 1 if grey else 3]
    exif = image.info.get("exif")
    exif = exif.removeprefix(EXIF_SIGNATURE) if exif else None
    extras = Extras(xmp=image.info.get("xmp"))
    icc = image.info.get("icc_profile")
    # Pillow says with EXIF how the boxes of the file turn it.
    return Sheet(colour, alpha, icc, exif, notes=said.notes + notes, extras=extras)


def _parted_avif(data: bytes, image: Image.Image, said: Properties) -> tuple[np.ndarray, Notes]:
    if said.bits <= 8:
        return np.asarray(image).reshape(image.height, image.width, -1), ()
    imagecodecs = imagecodecs_for(f"is an AVIF of {said.bits} bits, which needs")

    samples = decoded(lambda: imagecodecs.avif_decode(data, numthreads=1))
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[:2] != (image.height, image.width) or samples.dtype != np.uint16:
        raise ImageFileError("is an AVIF of a kind that is not read")
    note = f"{said.bits}-bit samples widened to 16 bits"
    return widened(samples, said.bits), (note,)


def encode_avif(sheet: Sheet) -> tuple[bytes, Notes]:
    """Write an AVIF of uint8 samples with hardly a loss.

    Returns:
        The file, and a note.

    Raises:
        ImageFileError: Pillow has no encoder for it.
    """
    if not features.check("avif"):
        raise ImageFileError("this build of Pillow does not write AVIF, choose PNG")
    samples = sheet.samples
    if sheet.alpha is not None:
        samples = np.concatenate([samples, sheet.alpha[..., None]], axis=-1)
    flat = samples[..., 0] if samples.shape[-1] == 1 else samples
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(flat)).save(
        buffer,
        "AVIF",
        quality=_QUALITY,
        subsampling="4:4:4",
        max_threads=1,
        icc_profile=sheet.icc or b"",
        exif=EXIF_SIGNATURE + sheet.exif if sheet.exif else b"",
        xmp=sheet.extras.xmp or b"",
    )
    return buffer.getvalue(), (f"compressed at AVIF quality {_QUALITY}",)


def decode_heic(file: BinaryIO, max_pixels: int) -> Sheet:
    """Read the first picture of a HEIC file, of 8 to 12 bits.

    Raises:
        ImageFileError: damaged, truncated, too large or too small, or pi-heif is not installed.
    """
    data, said = _opened(file, max_pixels)
    if find_spec("pi_heif") is None:
        raise ImageFileError(f"is a HEIC file, which needs pi-heif: {INSTALL_HEIC}")
    import pi_heif

    check_names(data)
    with damage_named():
        found = pi_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        width, height = found.size
        check_size(width, height, max_pixels)
        info, samples = found.info, np.array(found)
    samples = samples.reshape(*samples.shape[:2], -1)
    if "a" in found.mode:
        raise ImageFileError("holds colours multiplied by their alpha, which are not read")
    notes = said.notes
    if samples.dtype == np.uint16 and info.get("bit_depth", 16) < 16:
        samples = widened(samples, info["bit_depth"])
        notes += (f"{info['bit_depth']}-bit samples widened to 16 bits",)
    if len(found) > 1 or info.get("thumbnails") or info.get("depth_images") or info.get("aux"):
        notes += ("further pictures in the file dropped",)
    alpha = samples[..., -1] if samples.shape[-1] in (2, 4) else None
    exif = info.get("exif")
    exif = exif.removeprefix(EXIF_SIGNATURE) if exif else None
    return Sheet(
        samples if alpha is None else samples[..., :-1],
        alpha,
        info.get("icc_profile"),
        upright(exif),  # the decoder has turned the picture already
        1,
        notes=notes if orientation_of(exif) == 1 else (*notes, "orientation applied"),
        extras=Extras(xmp=info.get("xmp")),
    )
