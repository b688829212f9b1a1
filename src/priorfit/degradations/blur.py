"""Convolution with a point spread function (PSF), and the usual point spread functions."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from priorfit.degradations.base import NO_MARGINS, Degradation, Margins
from priorfit.degradations.resample import Border
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Shape
from priorfit.wording import described

_DIRECT = 49  # a PSF of more entries is convolved by Fourier transform: about where the two cross


@dataclass(frozen=True, eq=False, repr=False)
class Blur(Degradation):
    """Convolve every channel with one PSF.

        y = p ∗ x,   in the sense of scipy.signal.convolve: p is not mirrored

    With `Border.VALID`, right for photographs, x is a canvas larger than y by the PSF's size less
    one: what lies just outside the picture blurred into it too, and a border that is made up
    rings. `crop` cuts the part behind the picture out of the canvas.

    Args:
        psf: p, (h, w), not negative; even sizes will do. It is held centred (see `centred`), with
            sum 1, in float64.
        border: see `Border`; all but `VALID` leave the size as it is, and even PSFs then lean the
            way they do in scipy's "same".

    Raises:
        ProblemError: p has other than two axes, values that are negative or no numbers, or sum 0.
    """

    psf: Tensor
    border: Border = Border.VALID

    def __post_init__(self) -> None:
        if not isinstance(self.psf, Tensor):
            raise ProblemError(
                f"expected a PSF that is a torch tensor (height, width), got {described(self.psf)}"
            )
        psf = centred(_checked(self.psf))
        object.__setattr__(self, "psf", psf / psf.sum())

    def __call__(self, image: Image) -> Observation:
        if self.border is Border.VALID:
            return self._convolve(image)
        if self.border is Border.REPLICATE:
            return self._convolve(F.pad(image, self.margins, mode="replicate"))
        weight = self._convolve(F.pad(torch.ones_like(image[:1, :1]), self.margins))
        return self._convolve(F.pad(image, self.margins)) / weight

    @property
    def margins(self) -> Margins:
        """(left, right, top, bottom) pixels that the PSF reaches beyond what it blurs."""
        height, width = self.psf.shape
        return width // 2, (width - 1) // 2, height // 2, (height - 1) // 2

    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the image: that of the observation, and the margins on top if `VALID`."""
        channels, height, width = observation
        if self.border is not Border.VALID:
            return observation
        left, right, top, bottom = self.margins
        return channels, height + top + bottom, width + left + right

    @property
    def overhang(self) -> Margins:
        return self.margins if self.border is Border.VALID else NO_MARGINS

    @property
    def reach(self) -> int:
        return max(self.psf.shape)

    def lift(self, observation: Observation) -> Image:
        if self.overhang == NO_MARGINS:
            return observation
        return F.pad(observation, list(self.overhang), mode="replicate")

    def enlargement(self) -> int:
        return 1

    def point_spread(self) -> Tensor | None:
        return self.psf

    def _convolve(self, image: Image) -> Observation:
        """Convolve where the PSF lies inside the image, (B, C, H, W) -> (B, C, H-h+1, W-w+1)."""
        height, width = self.psf.shape
        if image.shape[-2] < height or image.shape[-1] < width:
            size = "×".join(map(str, image.shape[-2:]))
            raise ProblemError(f"a PSF of {height}×{width} does not fit into {size} pixels")
        if self.psf.numel() > _DIRECT:
            return self._convolve_by_fourier(image)
        channels = image.shape[1]
        kernel = self.psf.flip(0, 1).to(image.device, image.dtype)  # conv2d correlates
        return F.conv2d(image, kernel.expand(channels, 1, -1, -1), groups=channels)

    def _convolve_by_fourier(self, image: Image) -> Observation:
        size = (image.shape[-2], image.shape[-1])
        fast = (_fast_length(size[0]), _fast_length(size[1]))
        transfer = _transfer(self, fast, image.dtype, image.device)
        circular = torch.fft.irfft2(torch.fft.rfft2(image, s=fast) * transfer, s=fast)
        height, width = self.psf.shape
        return circular[..., height - 1 : size[0], width - 1 : size[1]]  # what did not wrap around

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Blur):
            return NotImplemented
        return self.border is other.border and torch.equal(self.psf, other.psf)

    def __hash__(self) -> int:
        return hash((self.psf.shape, self.border))

    def __repr__(self) -> str:
        height, width = self.psf.shape
        return f"Blur(psf of {height}×{width}, border={self.border})"


@lru_cache(maxsize=16)
def _transfer(
    blur: Blur, size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Fourier transform of the PSF on a grid of this size."""
    with torch.inference_mode(False), torch.no_grad():  # cached: see resample._matrix
        transfer = torch.fft.rfft2(blur.psf, s=size)
        return transfer.to(device, dtype.to_complex())


def _fast_length(length: int) -> int:
    """The next length that has no prime factor above five."""
    while _without_small_factors(length) > 1:
        length += 1
    return length


def _without_small_factors(length: int) -> int:
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    return length


def _checked(psf: Tensor) -> Tensor:
    psf = psf.detach().to("cpu", torch.float64)
    if psf.ndim != 2 or not psf.numel():
        raise ProblemError(f"expected a PSF (height, width), got {tuple(psf.shape)}")
    if not torch.isfinite(psf).all() or (psf < 0).any() or not psf.any():
        raise ProblemError("expected a PSF of finite values, none negative and not all zero")
    return psf


def centred(psf: Tensor) -> Tensor:
    """Cut empty rims off a PSF (h, w), and bring its centre of mass to the middle of the array.

    It is moved by whole pixels, by adding zeros on one side: blurring should not shift a picture.
    A PSF whose centre of mass is less than half a pixel from the middle keeps its place.
    """
    rows, columns = (torch.nonzero(psf.sum(axis)).flatten() for axis in (1, 0))
    psf = psf[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    left, right = _balance(psf.sum(0))
    top, bottom = _balance(psf.sum(1))
    return F.pad(psf, (left, right, top, bottom))


def _balance(profile: Tensor) -> tuple[int, int]:
    """Zeros to put before and behind a profile so that its centre of mass is in the middle."""
    places = torch.arange(len(profile), dtype=profile.dtype, device=profile.device)
    excess = 2 * float((profile * places).sum() / profile.sum()) - (len(profile) - 1)
    # Half a pixel, less the rounding of a symmetric PSF's centre of mass.
    zeros = 0 if abs(excess) < 1 + 1e-9 else round(excess)
    return max(-zeros, 0), max(zeros, 0)


def gaussian_psf(std: float) -> Tensor:
    """Gaussian of this standard deviation in pixels, cut at four of them, (k, k) with k odd.

    Raises:
        ProblemError: the standard deviation is not positive.
    """
    _positive("standard deviation", std)
    radius = max(1, int(4 * std + 0.5))
    distance = torch.arange(-radius, radius + 1, dtype=torch.float64, device="cpu")
    profile = torch.exp(-(distance**2) / (2 * std**2))
    return torch.outer(profile, profile) / profile.sum() ** 2


def motion_psf(length: float, angle: float = 0.0) -> Tensor:
    """Even motion along a straight line: its length in every pixel, (k, k) with k odd.

    Args:
        length: of the line in pixels.
        angle: of the line in degrees, 0 along the rows, counter-clockwise.

    Raises:
        ProblemError: the length is not positive.
    """
    _positive("length", length)
    samples = 64 * math.ceil(length)
    steps = torch.arange(samples, dtype=torch.float64, device="cpu") + 0.5
    along = length * (steps / samples - 0.5)
    radius = math.ceil(length / 2)
    rows = radius - (along * math.sin(math.radians(angle))).round().long()
    columns = radius + (along * math.cos(math.radians(angle))).round().long()
    side = 2 * radius + 1
    hits = torch.bincount(rows * side + columns, minlength=side**2).double().reshape(side, side)
    return (hits + hits.flip(0, 1)) / (2 * samples)  # samples on the rim of a pixel go both ways


def defocus_psf(radius: float) -> Tensor:
    """Disc of this radius in pixels, its rim weighted by the covered area, (k, k) with k odd.

    Raises:
        ProblemError: the radius is not positive.
    """
    _positive("radius", radius)
    reach, parts = math.ceil(radius), 8  # each pixel is sampled on a grid of 8×8 points
    points = (
        torch.arange((2 * reach + 1) * parts, dtype=torch.float64, device="cpu") + 0.5
    ) / parts
    square = (points - reach - 0.5) ** 2
    inside = (square[:, None] + square <= radius**2).double()
    disc = F.avg_pool2d(inside[None, None], parts)[0, 0]
    return disc / disc.sum()


def _positive(what: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ProblemError(f"expected a positive {what} in pixels, got {value}")
