"""CMYK and Lab to sRGB, through their colour profiles."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from priorfit.images.codecs import imagecodecs_for
from priorfit.images.picture import Notes

_BY_PROFILE = "CMYK turned into sRGB by its colour profile"
_BY_FORMULA = "CMYK turned into RGB by the plain formula, it has no colour profile"
_ROWS = 1 << 20  # samples of colour that are turned at a time


def from_cmyk(samples: np.ndarray, icc: bytes | None) -> tuple[np.ndarray, Notes]:
    """Turn CMYK into sRGB.

    Args:
        samples: (H, W, 4) of uint8 or uint16, 0 for no ink.
        icc: Its profile; one that is damaged or for other colours counts as none.

    Returns:
        (H, W, 3) of the same type, and a note.

    Raises:
        ImageFileError: samples of 16 bits need imagecodecs, which is not installed.
    """
    if icc and icc[16:20] == b"CMYK":
        turned = _by_profile(samples, icc)
        if turned is not None:
            return turned, (_BY_PROFILE,)
    full = float(np.iinfo(samples.dtype).max)
    out = np.empty((*samples.shape[:2], 3), samples.dtype)
    for top, block in _blocks(samples):
        unit = 1 - block.astype(np.float32) / full
        out[top : top + len(block)] = np.rint(unit[..., :3] * unit[..., 3:] * full)
    return out, (_BY_FORMULA,)


def _blocks(samples: np.ndarray) -> list[tuple[int, np.ndarray]]:
    rows = max(1, _ROWS // samples.shape[1])
    return [(top, samples[top : top + rows]) for top in range(0, len(samples), rows)]


def _by_profile(samples: np.ndarray, icc: bytes) -> np.ndarray | None:
    """Through Little CMS; None where it cannot make sense of the profile."""
    if samples.dtype == np.uint8:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            turned = ImageCms.profileToProfile(
                Image.fromarray(np.ascontiguousarray(samples), "CMYK"),
                profile,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return None
        return None if turned is None else np.asarray(turned)
    imagecodecs = imagecodecs_for("is CMYK of 16 bits, which needs")

    try:
        return imagecodecs.cms_transform(
            np.ascontiguousarray(samples),
            icc,
            imagecodecs.cms_profile("srgb"),
            colorspace="cmyk",
            outcolorspace="rgb",
            outdtype=samples.dtype,
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
        )
    except (imagecodecs.CmsError, ValueError, TypeError):
        return None


def from_lab(samples: np.ndarray, *, signed: bool) -> tuple[np.ndarray, Notes]:
    """Turn CIE L*a*b* of the white point D50 into sRGB.

    Args:
        samples: (H, W, 3) of uint8 or uint16, L over the full range.
        signed: Whether a and b are signed numbers (TIFF's CIELAB) or count from the middle (ICC's).

    Returns:
        (H, W, 3) of the same type, and a note.

    Raises:
        ImageFileError: imagecodecs is not installed.
    """
    imagecodecs = imagecodecs_for("is of L*a*b* colours, which need")

    bits = 8 * samples.dtype.itemsize
    full, step = float(2**bits - 1), float(2 ** (bits - 8))
    integers = np.dtype(f"i{samples.dtype.itemsize}")
    lab, srgb = imagecodecs.cms_profile("lab4"), imagecodecs.cms_profile("srgb")
    out = np.empty(samples.shape, samples.dtype)
    for top, block in _blocks(samples):
        colours = block.astype(np.float32)
        colours[..., 0] *= 100 / full
        if signed:
            colours[..., 1:] = np.ascontiguousarray(block[..., 1:]).view(integers) / step
        else:
            colours[..., 1:] = colours[..., 1:] / step - 128
        rgb = imagecodecs.cms_transform(
            colours, lab, srgb, colorspace="lab", outcolorspace="rgb", outdtype="f4"
        )
        out[top : top + len(block)] = np.rint(np.clip(rgb, 0, 1) * full)
    return out, ("L*a*b* turned into sRGB",)
