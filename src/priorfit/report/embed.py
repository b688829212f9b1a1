"""Pictures as data URIs: 8-bit PNG, large ones reduced."""

import base64
import io
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

from priorfit.images import Picture
from priorfit.types import Image
from priorfit.units import Units

LONGEST_SIDE = 1280
"""Pixels; what is larger is shown reduced by a whole factor."""


@dataclass(frozen=True)
class Embedded:
    """A picture inside a page.

    Args:
        name: what the page calls it.
        uri: of the PNG.
        width: in pixels, of the picture itself.
        height: likewise.
        caveats: how what is shown differs from the picture.
    """

    name: str
    uri: str
    width: int
    height: int
    caveats: tuple[str, ...] = ()


_HALF = 0.5
"""Share of what a file can store from which a picture is shown as it is."""


def seen_in(picture: Picture) -> Units:
    """What is shown as black and as white: the range of a picture that fills little of its file's.

    Twelve bits in a file of 16 would be nearly black otherwise.
    """
    if picture.is_everyday:
        return Units()
    found = Units.of(picture.tensor(), limits=picture.limits)
    return Units() if found.high >= _HALF and found.low <= _HALF else Units(found.low, found.high)


def embed(
    name: str, image: Image, *, icc: bytes | None = None, units: Units | None = None
) -> Embedded:
    """Make a picture part of a page.

    Args:
        name: what the page calls it.
        image: (1, C, H, W) in [0, 1]; of more than three channels the first three are shown, of
            two the first. What is not a number is black.
        icc: colour profile that the PNG carries.
        units: whose range is shown from black to white; 0 to 1 by default.
    """
    _, channels, height, width = image.shape
    shown = image[:, : 3 if channels >= 3 else 1].float()
    caveats = []
    if units is not None and not units.is_identity:
        shown = (shown - units.low) / units.span
        caveats.append(
            f"shown from {units.low:.2g} (black) to {units.high:.2g} (white) of the file's range"
        )
    shown = shown.nan_to_num(0.0)
    if channels not in (1, 3):
        caveats.append(f"{shown.shape[1]} of {channels} channels shown")
    factor = -(-max(height, width) // LONGEST_SIDE)
    if factor > 1:
        shown = F.avg_pool2d(shown, factor, ceil_mode=True, count_include_pad=False)
        caveats.append(f"shown at 1/{factor} of its {width}×{height} pixels")
    profile = icc if channels in (1, 3) else None  # of other channels it would tell lies
    return Embedded(name, _uri(shown[0], profile), width, height, tuple(caveats))


def levels(pixels: Tensor) -> PillowImage.Image:
    """Round (1 or 3, H, W) in [0, 1] to a Pillow image of 8 bits."""
    rounded = (pixels.clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    array = rounded[0] if len(rounded) == 1 else rounded.permute(1, 2, 0)
    return PillowImage.fromarray(array.numpy())


def png(picture: PillowImage.Image, *, icc: bytes | None = None) -> bytes:
    """Give the bytes of a PNG file."""
    file = io.BytesIO()
    picture.save(file, "PNG", icc_profile=icc)
    return file.getvalue()


def _uri(pixels: Tensor, icc: bytes | None) -> str:
    return "data:image/png;base64," + base64.b64encode(png(levels(pixels), icc=icc)).decode("ascii")
