"""Pixels that are missing: holes drawn by hand, transparent or undefined pixels, text, dropouts."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from scipy import ndimage
from torch import Tensor

from priorfit.degradations.base import Degradation
from priorfit.degradations.window import Window
from priorfit.errors import ProblemError
from priorfit.types import Image, Observation, Shape
from priorfit.units import Units
from priorfit.wording import counted, described

NOTHING = 0.01
"""Share of a pixel that may be covered before it counts as covered: 2 of 255 grey levels."""


@dataclass(frozen=True, eq=False, repr=False)
class Mask(Degradation):
    """Keep the known pixels and put one value in place of the others.

        A(x) = m ⊙ x + (1 − m)·fill

    Args:
        known: m, (1 or B, 1 or C, H, W), boolean or of zeros and ones; 1 where a pixel is known.
            It is held as float32.
        fill: what stands where nothing is known; may lie outside [0, 1].

    Raises:
        ProblemError: m has other than four axes, or values between 0 and 1.
    """

    known: Tensor
    fill: float = 0.0

    masked = True

    def __post_init__(self) -> None:
        if not isinstance(self.known, Tensor):
            raise ProblemError(
                "expected a mask that is a torch tensor (batch, channels, height, width), "
                f"got {described(self.known)}"
            )
        if self.known.ndim != 4:
            raise ProblemError(
                f"expected a mask (batch, channels, height, width), got {tuple(self.known.shape)}"
            )
        known = self.known.detach().to(torch.float32)
        if not torch.all((known == 0) | (known == 1)):
            raise ProblemError("expected a mask of ones where pixels are known and zeros elsewhere")
        object.__setattr__(self, "known", known)

    def __call__(self, image: Image) -> Observation:
        self._check((image.shape[1], image.shape[2], image.shape[3]))
        known = self.known.to(image.device) > 0
        return torch.where(known, image, self.fill)  # a product would keep the NaN of a lost pixel

    def image_shape(self, observation: Shape) -> Shape:
        """Shape of the image: that of the observation.

        Raises:
            ProblemError: the mask is of another size or for another number of channels.
        """
        self._check(observation)
        return observation

    def known_in(self, observation: Observation) -> Tensor:
        return (self.known.to(observation.device) > 0.5).expand_as(observation)

    def reached(self, known: Tensor) -> Tensor:
        return known & (self.known.to(known.device) > 0.5)

    def refill(self, observation: Observation) -> Observation:
        return self(observation)

    def hide(
        self, hidden: Tensor, observation: Observation
    ) -> tuple[Degradation, Observation] | None:
        known = self.known.to(hidden.device).expand(hidden.shape)
        mask = Mask(known.where(~hidden, 0), self.fill)
        return mask, mask(observation)

    def put_back(self, image: Image, observation: Observation) -> Image:
        return image.where(~(self.known.to(image.device) > 0.5), observation)

    def lift(self, observation: Observation) -> Image:
        return observation

    def enlargement(self) -> int:
        return 1

    def part(self, window: Window) -> Degradation:
        return Mask(window.cut(self.known), self.fill)

    def resized(self, observation: Shape) -> Degradation:
        _, height, width = observation
        missing = 1 - self.known.mean().item()
        draw = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
        return Mask((draw >= min(max(missing, 0.02), 0.98)).to(self.known.device), self.fill)

    def in_units(self, units: Units, *, refilled: bool = True) -> Degradation:
        fill = self.fill if refilled else (self.fill - units.low) / units.span
        return Mask(self.known[:, :: units.copies], fill)

    def _check(self, shape: Shape) -> None:
        _, channels, height, width = self.known.shape
        if (height, width) != shape[1:] or channels not in (1, shape[0]):
            raise ProblemError(
                f"expected a mask for {_written(shape)}, "
                f"got one for {_written((channels, height, width))}"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return self.fill == other.fill and torch.equal(self.known.cpu(), other.known.cpu())

    def __hash__(self) -> int:
        return hash((self.known.shape, self.fill))

    def __repr__(self) -> str:
        size = "×".join(str(length) for length in self.known.shape)
        return f"Mask({size}, {float(self.known.mean()):.1%} known, fill={self.fill:g})"


def near(known: Tensor, reach: int) -> Tensor:
    """1 at most so many pixels, along rows and columns, from one with all its channels known.

    Args:
        known: (B, C, H, W), of ones and zeros or booleans.
        reach: in pixels.

    Returns:
        (B, 1, H, W) of float32, 0 everywhere else.
    """
    whole = known.float().amin(1, keepdim=True)
    return F.max_pool2d(whole, 2 * reach + 1, 1, reach)


def touched(coverage: Tensor) -> Tensor:
    """Where a pixel is covered, if only in part: grey at the rim of a stroke has its colour too.

    Args:
        coverage: share of each pixel that is covered, from 0 to 1, of any shape; or booleans.
    """
    return coverage if coverage.dtype == torch.bool else coverage > NOTHING


def partly(coverage: Tensor) -> int:
    """How many pixels are covered neither wholly nor not at all.

    Args:
        coverage: as for `touched`.
    """
    return int((touched(coverage) & touched(1 - coverage.float())).sum())


def grown(hole: Tensor, pixels: int) -> Tensor:
    """A hole that is wider by so many pixels, along rows, columns and diagonals.

    Args:
        hole: (H, W) booleans.
        pixels: 0 or more.

    Raises:
        ProblemError: fewer than none.
    """
    if pixels < 0:
        raise ProblemError(f"expected a mask to grow by 0 pixels or more, got {pixels}")
    if not pixels:
        return hole
    wide = ndimage.maximum_filter(hole.numpy().astype(np.uint8), 2 * pixels + 1, mode="constant")
    return torch.from_numpy(wide > 0)


def hole_in(array: ArrayLike, size: tuple[int, int]) -> Tensor:
    """The hole that an array of any numbers stands for: wherever it is not 0.

    Args:
        array: booleans, 0 and 1, 0 and 255, or floats, whose rounding errors count as 0; (H, W), or
            with an axis for colours at its end, any of which is enough.
        size: (H, W) that it has to have.

    Raises:
        ProblemError: NaN, no numbers, or another size.
    """
    samples = np.asarray(array)
    if samples.dtype.kind not in "buif":
        raise ProblemError(f"expected a mask of booleans or numbers, got {samples.dtype}")
    if np.isnan(samples).any():
        raise ProblemError("expected a mask of numbers, got NaN in it")
    if samples.ndim not in (2, 3) or samples.shape[:2] != size:
        raise ProblemError(
            f"expected a mask of {size[0]}×{size[1]} pixels (height×width), got an array of "
            f"{samples.shape}"
        )
    rounding = 1e-3 * max(1.0, float(samples.max())) if samples.dtype.kind == "f" else 0
    covered = samples > rounding if rounding else samples != 0
    return torch.from_numpy(covered if covered.ndim == 2 else covered.any(2))


def from_hole(hole: Tensor, fill: float = 0.0) -> Mask:
    """Mask from a picture that is white where pixels are to be filled; grey is to be filled too.

    Args:
        hole: (H, W), (C, H, W) or (B, C, H, W), boolean or in [0, 1]; the channels of a coloured
            picture are averaged.
        fill: see `Mask`.

    Raises:
        ProblemError: there is nothing to fill, or nothing else.
    """
    return _holey(~touched(_batch(hole).float().mean(1, keepdim=True)), fill)


def from_known(known: Tensor, fill: float = 0.0) -> Mask:
    """Mask from a picture that is white where pixels are known; grey is to be filled.

    Args:
        known: (H, W), (C, H, W) or (B, C, H, W), boolean or in [0, 1].
        fill: see `Mask`.

    Raises:
        ProblemError: there is nothing to fill, or nothing else.
    """
    return _holey(~touched(1 - _batch(known).float().mean(1, keepdim=True)), fill)


def from_alpha(alpha: Tensor, fill: float = 0.0) -> Mask:
    """Mask from a transparency channel: what is transparent, if only in part, is to be filled.

    Args:
        alpha: (H, W), (1, H, W) or (B, 1, H, W) in [0, 1], 1 where the picture is opaque.
        fill: see `Mask`.

    Raises:
        ProblemError: there is nothing to fill, or nothing else.
    """
    return from_known(alpha, fill)


def from_nan(image: Tensor, fill: float = 0.0) -> Mask:
    """Mask from an image (B, C, H, W) whose lost pixels are NaN or infinite, channel by channel.

    `Mask` itself turns such an image into an observation: the lost pixels become `fill`.

    Raises:
        ProblemError: there is nothing to fill, or nothing else.
    """
    return _holey(torch.isfinite(_batch(image)), fill)


def centre_square(size: tuple[int, int], hole: int, fill: float = 0.0) -> Mask:
    """Mask with a square hole of `hole` pixels in the middle of (height, width).

    Raises:
        ProblemError: the hole is empty or does not fit.
    """
    height, width = size
    if not 0 < hole <= min(size):
        raise ProblemError(f"a hole in {height}×{width} pixels has 1 to {min(size)}, got {hole}")
    known = torch.ones(1, 1, height, width, device="cpu")
    top, left = (height - hole) // 2, (width - hole) // 2
    known[..., top : top + hole, left : left + hole] = 0
    return Mask(known, fill)


def centre_third(size: tuple[int, int], fill: float = 0.5) -> Mask:
    """Mask with the hole of [pan2020]_: a square of about a third of the shorter side.

    It lies in the middle of that side, and begins as far from the first pixel of the other one;
    what is missing is grey, 0 on their scale of -1 to 1.

    Args:
        size: (height, width), at least 3 pixels each.
        fill: see `Mask`.

    Raises:
        ProblemError: there are too few pixels for a hole.
    """
    shorter = min(size)
    begin = (shorter - shorter // 3) // 2
    if shorter < 3:
        raise ProblemError(f"a hole of a third needs 3 pixels a side, got {size[0]}×{size[1]}")
    known = torch.ones(1, 1, *size, device="cpu")
    known[..., begin : shorter - begin, begin : shorter - begin] = 0
    return Mask(known, fill)


def text(
    size: tuple[int, int],
    words: str = "hello world",
    *,
    font_size: int = 24,
    position: tuple[int, int] | None = None,
    fill: float = 0.0,
) -> Mask:
    """Mask with letters as the hole, in the font that Pillow carries with it.

    Args:
        size: (height, width).
        words: what is written.
        font_size: height of a line in pixels.
        position: (top, left) of a single line; without it the words fill the picture, line by line.
        fill: see `Mask`.

    Raises:
        ProblemError: no letter touches the picture.
    """
    if font_size < 1 or not words.strip():
        raise ProblemError(f"expected words in a size of at least 1, got {words!r} in {font_size}")
    height, width = size
    page = PillowImage.new("L", (width, height), 255)
    pen = ImageDraw.Draw(page)
    pen.fontmode = "1"  # no grey rims: a pixel is covered or it is not
    font = ImageFont.load_default(font_size)
    for line, (top, left, written) in enumerate(_lines(size, words, font_size, position)):
        pen.text((left - 2 * font_size * (line % 3), top), written, fill=0, font=font)
    return _holey(_batch(torch.from_numpy(np.array(page) > 0)), fill)


def _lines(
    size: tuple[int, int], words: str, font_size: int, position: tuple[int, int] | None
) -> list[tuple[int, int, str]]:
    """(top, left, words) of every line."""
    if position is not None:
        return [(*position, words)]
    height, width = size
    written = f"{words} " * (2 + 4 * width // (font_size * len(words)))  # longer than a line
    return [(top, 0, written) for top in range(0, height, font_size * 3 // 2 + 1)]


def bernoulli(
    size: tuple[int, int],
    missing: float,
    generator: torch.Generator,
    *,
    channels: int = 1,
    fill: float = 0.0,
) -> Mask:
    """Mask that loses every pixel with the same probability, independently.

    Args:
        size: (height, width).
        missing: probability of loss, between 0 and 1.
        generator: where the draws come from.
        channels: 1 loses whole pixels; as many as the image has loses each channel by itself.
        fill: see `Mask`.
    """
    draws = torch.rand(1, channels, *size, generator=generator, device=generator.device)
    return thinned(draws, missing, fill)


def thinned(draws: Tensor, missing: float, fill: float = 0.0) -> Mask:
    """Mask that knows a pixel where a uniform draw exceeds `missing`, as the released code does.

    Args:
        draws: (B, C, H, W), uniform on [0, 1).
        missing: fraction to lose, between 0 and 1.
        fill: see `Mask`.

    Raises:
        ProblemError: the fraction is not between 0 and 1.
    """
    if not 0 < missing < 1:
        raise ProblemError(f"expected a missing fraction between 0 and 1, got {missing}")
    return Mask(draws > missing, fill)


def _batch(picture: Tensor) -> Tensor:
    """(H, W), (C, H, W) or (B, C, H, W) -> (B, C, H, W)."""
    if picture.ndim not in (2, 3, 4):
        raise ProblemError(f"expected a mask of two to four axes, got {tuple(picture.shape)}")
    return picture[(None,) * (4 - picture.ndim)]


def _holey(known: Tensor, fill: float) -> Mask:
    """Mask from a user's picture, which has to leave something to do and something to go by."""
    if known.all():
        raise ProblemError("the mask leaves nothing to fill: every pixel counts as known")
    if not known.any():
        raise ProblemError("the mask leaves nothing to go by: every pixel is to be filled")
    return Mask(known, fill)


def _written(shape: Shape) -> str:
    channels, height, width = shape
    return f"{counted(channels, 'channel')} of {height}×{width} pixels"
