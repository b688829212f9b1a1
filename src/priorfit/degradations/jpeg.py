"""Which images a JPEG file can stand for, and the nearest of them."""

import io
import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from priorfit.color import from_ycc, to_ycc
from priorfit.errors import ProblemError
from priorfit.images.jpeg_tables import JpegTables, jpeg_tables
from priorfit.types import Image

# EXIF orientation -> whether rows and columns change places, and which axes are flipped after it,
# to show what is stored.
_ORIENTATIONS: dict[int, tuple[bool, tuple[int, ...]]] = {
    1: (False, ()),
    2: (False, (-1,)),
    3: (False, (-2, -1)),
    4: (False, (-2,)),
    5: (True, ()),
    6: (True, (-1,)),
    7: (True, (-2, -1)),
    8: (True, (-2,)),
}


@dataclass(frozen=True, eq=False, repr=False)
class JpegProjection:
    """Move an image to where a JPEG encoder could have made the given file of it.

    A file says of every coefficient c of the discrete cosine transform that q·(k − ½) ≤ c ≤
    q·(k + ½), with q from its tables and k the integer it stores. Coefficients outside are clamped.
    Colours that share pixels are corrected alike.

    The integers are not read but recomputed from decoded pixels, k = round(c / q): the picture was
    rounded to 8 bits, so that a few are wrong at qualities above about 95, and in colour where the
    picture is saturated (`from_file` sees less of either than `from_picture`).

    In blocks that reach beyond the picture the file says something about pixels nobody sees; they
    are taken to repeat the edge, as encoders make them, and the projection goes back and forth
    between the two conditions. The integers are less certain there. This is a finishing step, not
    part of a fit.

    Args:
        tables: quantisation and sampling of the file.
        coefficients: k of every component, (B, rows of blocks, columns of blocks, 8, 8).
        size: (height, width) as stored.
    """

    tables: JpegTables
    coefficients: tuple[Tensor, ...]
    size: tuple[int, int]

    @classmethod
    def from_picture(cls, tables: JpegTables, picture: Image) -> "JpegProjection":
        """From decoded files, (B, 1 or 3, H, W) in [0, 1] and upright, with the same tables.

        Raises:
            ProblemError: the picture has not as many channels as the file has components.
        """
        _check(tables, picture.shape[1])
        stored = _stored(picture, tables.orientation)
        planes = _components(stored, tables)
        return cls(tables, _integers(planes, tables), _size(stored))

    @classmethod
    def from_file(cls, data: bytes) -> "JpegProjection":
        """From the bytes of a file that is known to be readable and not too large.

        Raises:
            ImageFileError: these are no bytes of a JPEG.
            ProblemError: the file has other than 1 or 3 components.
        """
        tables = jpeg_tables(data)
        _check(tables, len(tables.sampling))
        with JpegImageFile(io.BytesIO(data)) as file:  # Image.open has limits of its own
            if len(tables.sampling) == 3 and tables.ycbcr:
                file.draft("YCbCr", file.size)  # as decoded: saturated colours are still apart
            pixels = torch.from_numpy(np.array(file)).double()
        planes = (pixels[..., None] if pixels.ndim == 2 else pixels).permute(2, 0, 1)[:, None] - 128
        size = (pixels.shape[0], pixels.shape[1])
        return cls(tables, _integers(tuple(planes), tables), size)

    @property
    def error_std(self) -> float:
        """Guess of the root mean square error of the decoded luma, as a fraction of full scale.

        A coefficient that is not zero is off by q/√12 on average; what the zeros lost is not in the
        file, and is allowed for by a factor, measured on a photograph of little colour at qualities
        from 10 to 80 (2.5 to 2.7).
        """
        step = torch.tensor(self.tables.table(0), dtype=torch.float64)
        stored = (self.coefficients[0] != 0).double().flatten(0, 2).mean(0)
        return 2.6 * float((stored * step**2 / 12).mean().sqrt()) / 255

    def __call__(self, image: Image) -> Image:
        """Project (B, 1 or 3, H, W), upright; the result may leave [0, 1] a little.

        Raises:
            ProblemError: the image is of another size than the file, or has other channels.
        """
        _check(self.tables, image.shape[1])
        stored = _stored(image, self.tables.orientation)
        if _size(stored) != self.size or len(image) not in (1, len(self.coefficients[0])):
            raise ProblemError(
                f"expected the image of a JPEG file of {'×'.join(map(str, self.size))} pixels, "
                f"got {'×'.join(map(str, _size(stored)))}"
            )
        planes = _components(stored, self.tables)
        planes = tuple(self._project(plane, component) for component, plane in enumerate(planes))
        return _shown(_pixels(planes, self.tables), self.tables.orientation)

    def _project(self, plane: Tensor, component: int) -> Tensor:
        """Project one component, (B, H, W) at full resolution."""
        ratio = self.tables.reduction(component)
        step = _steps(self.tables, component, plane)
        middle = self.coefficients[component].to(plane) * step
        small = _reduced(plane, ratio)
        goal = small
        whole = small.shape[-1] % 8 == 0 and small.shape[-2] % 8 == 0
        for _ in range(1 if whole else 20):
            found = _transformed(goal)
            clamped = torch.minimum(torch.maximum(found, middle - step / 2), middle + step / 2)
            goal = goal + _restored(clamped - found, _size(goal))
        return plane + _enlarged(goal - small, ratio, _size(plane))

    def __repr__(self) -> str:
        height, width = self.size
        return f"JpegProjection({height}×{width}, sampling={self.tables.sampling})"


def _check(tables: JpegTables, channels: int) -> None:
    if len(tables.sampling) not in (1, 3) or channels != len(tables.sampling):
        raise ProblemError(
            f"expected a JPEG of 1 or 3 components and as many channels, "
            f"got {len(tables.sampling)} and {channels}"
        )


def _stored(image: Image, orientation: int) -> Image:
    """The image as it lies in the file."""
    transposed, flips = _ORIENTATIONS[orientation]
    image = image.flip(flips)
    return image.mT if transposed else image


def _shown(image: Image, orientation: int) -> Image:
    """The image as it is meant to be seen."""
    transposed, flips = _ORIENTATIONS[orientation]
    return (image.mT if transposed else image).flip(flips)


def _size(plane: Tensor) -> tuple[int, int]:
    return plane.shape[-2], plane.shape[-1]


def _components(image: Image, tables: JpegTables) -> tuple[Tensor, ...]:
    """(B, C, H, W) in [0, 1] -> for every component (B, H, W) in [-128, 127], JFIF's YCbCr."""
    levels = 255 * image
    if levels.shape[1] == 1 or not tables.ycbcr:
        return tuple(level - 128 for level in levels.unbind(1))
    luma, blue, red = to_ycc(levels)
    return luma - 128, blue, red


def _pixels(planes: tuple[Tensor, ...], tables: JpegTables) -> Image:
    """The inverse of `_components`."""
    if len(planes) == 1 or not tables.ycbcr:
        return (torch.stack(planes, 1) + 128) / 255
    return from_ycc(planes[0] + 128, planes[1], planes[2]) / 255


def _integers(planes: tuple[Tensor, ...], tables: JpegTables) -> tuple[Tensor, ...]:
    """k of every component, from decoded planes (B, H, W) at full resolution."""
    integers = []
    for component, plane in enumerate(planes):
        small = _as_before_decoding(plane.detach(), tables.reduction(component))
        integers.append((_transformed(small) / _steps(tables, component, small)).round())
    return tuple(integers)


def _steps(tables: JpegTables, component: int, like: Tensor) -> Tensor:
    return torch.from_numpy(tables.table(component).copy()).to(like)


def _reduced(plane: Tensor, ratio: tuple[int, int]) -> Tensor:
    """Mean over the pixels that share a value, as encoders do: (B, H, W) -> (B, h, w)."""
    across, down = ratio
    height, width = _size(plane)
    padded = F.pad(plane, (0, -width % across, 0, -height % down), mode="replicate")
    return F.avg_pool2d(padded, (down, across))


def _enlarged(small: Tensor, ratio: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The same for all pixels that share a value, so that `_reduced` gives it back."""
    across, down = ratio
    large = small.repeat_interleave(down, -2).repeat_interleave(across, -1)
    return large[..., : size[0], : size[1]]


def _as_before_decoding(plane: Tensor, ratio: tuple[int, int]) -> Tensor:
    """Undo a decoder's upsampling: (B, H, W) -> (B, h, w).

    libjpeg doubles by linear interpolation, whose means are smoother than what was stored, and
    repeats values for other ratios.
    """
    small = _reduced(plane, ratio)
    if max(ratio) != 2:
        return small
    across, down = ratio
    size = (small.shape[-2] * down, small.shape[-1] * across)
    height, width = _size(plane)
    for _ in range(16):  # the error shrinks to 0.6 each time, for any frequency
        large = F.interpolate(small[:, None], size, mode="bilinear", align_corners=False)[:, 0]
        small = small + 1.6 * _reduced(plane - large[..., :height, :width], ratio)
    return small


def _transformed(small: Tensor) -> Tensor:
    """Cosine transform of every block: (B, h, w) -> (B, rows, columns, 8, 8)."""
    height, width = _size(small)
    padded = F.pad(small, (0, -width % 8, 0, -height % 8), mode="replicate")
    blocks = padded.unflatten(-1, (-1, 8)).unflatten(-3, (-1, 8)).transpose(-3, -2)
    basis = _cosines(small)
    return basis @ blocks @ basis.T


def _restored(coefficients: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of `_transformed`; of pixels that repeat the edge, their mean."""
    basis = _cosines(coefficients)
    blocks = basis.T @ coefficients @ basis
    padded = blocks.transpose(-3, -2).flatten(-2).flatten(-3, -2)
    for axis, length in zip((-2, -1), size, strict=True):
        inner = padded.narrow(axis, 0, length - 1)
        edge = padded.narrow(axis, length - 1, padded.shape[axis] - length + 1)
        padded = torch.cat((inner, edge.mean(axis, keepdim=True)), axis)
    return padded


def _cosines(like: Tensor) -> Tensor:
    """(8, 8), orthonormal: row u is the cosine of frequency u."""
    rows = [
        math.sqrt((1 if u == 0 else 2) / 8) * math.cos((2 * x + 1) * u * math.pi / 16)
        for u, x in product(range(8), range(8))
    ]
    return torch.tensor(rows, dtype=like.dtype, device=like.device).reshape(8, 8)
