"""The suites: named images, where they come from, and how they are damaged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from skimage import color, data

from priorfit.bench.damages import NOISE25, PIXELS50, SMALL, Damage, Pixels, crop_corner, tensor
from priorfit.bench.published import names
from priorfit.errors import ImageFileError, PriorfitError
from priorfit.problem import Problem

_WHERE = (
    "the published inputs are not part of priorfit: put the pictures of "
    "github.com/DmitryUlyanov/dmitryulyanov.github.io (assets/deep-image-prior) and their "
    "originals into folders as docs/cli.md says and name the folder with --images, or take --quick "
    "or a suite that begins with 'samples'"
)


@dataclass(frozen=True, eq=False)
class BenchCase:
    """One damaged image: what the command is given, and what is known about the truth.

    Args:
        suite: name of the suite.
        name: of the image.
        damage: what happened to it.
        damaged: 8-bit, (H, W) or (H, W, 3).
        truth: 8-bit.
        hole: white where pixels are missing, for inpainting.
    """

    suite: str
    name: str
    damage: Damage
    damaged: Pixels
    truth: Pixels
    hole: Pixels | None = None

    @property
    def problem(self) -> Problem:
        """As the core takes it."""
        return self.damage.pose(tensor(self.damaged), self.hole)

    def score(self, image: Pixels) -> dict[str, float]:
        """PSNR in dB by the suite's protocol, and SSIM, of an 8-bit picture."""
        return self.damage.score(image, self.truth)


@dataclass(frozen=True)
class Suite:
    """Images under one damage.

    Args:
        name: of the suite, and of the folder with its images.
        damage: what happens to each.
        samples: pictures that scikit-image carries, by name; none for the published images.
    """

    name: str
    damage: Damage
    samples: Mapping[str, Callable[[], Pixels]] | None = None

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images."""
        return names(self.name) if self.samples is None else tuple(self.samples)

    def case(self, image: str, folder: Path | None = None, side: int | None = None) -> BenchCase:
        """Read, or make, one image.

        Args:
            image: its name.
            folder: holds the folders of the published suites.
            side: of the top left corner that is taken, in pixels; the whole image by default.

        Raises:
            PriorfitError: the image is published and there is no folder.
            ImageFileError: a file is missing or no picture.
        """
        truth = crop_corner(self._truth(image, folder), side)
        if self.damage.suffix is not None and self.samples is None:
            damaged = crop_corner(read(self._file(image, folder, self.damage.suffix)), side)
        else:
            if self.damage.task.on_luma:
                height, width = (length // 4 * 4 for length in truth.shape[:2])
                truth = truth[:height, :width]
            damaged = self.damage.make(truth, np.random.default_rng(0))
        hole = self.damage.hole(damaged, truth, np.random.default_rng(0))
        return BenchCase(self.name, image, self.damage, damaged, truth, hole)

    def _truth(self, image: str, folder: Path | None) -> Pixels:
        if self.samples is not None:
            return self.samples[image]()
        return read(self._file(image, folder, "GT"))

    def _file(self, image: str, folder: Path | None, suffix: str) -> Path:
        if folder is None:
            raise PriorfitError(f"{self.name}: {_WHERE}")
        return folder / self.name / f"{image}_{suffix}.png"


def read(path: Path) -> Pixels:
    """Read an 8-bit PNG, grey or in colour.

    Raises:
        ImageFileError: there is none, or it is no such picture.
    """
    try:
        with PillowImage.open(path, formats=["PNG"]) as picture:
            plain = picture.mode in ("L", "RGB")
            return np.asarray(picture if plain else picture.convert("RGB"))
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{path}: is no PNG") from error
    except OSError as error:
        raise ImageFileError(f"{path}: cannot be read: {error.strerror or error}") from error


def _centre(photograph: Callable[[], Pixels]) -> Callable[[], Pixels]:
    """The middle 256×256 pixels."""

    def crop() -> Pixels:
        whole = photograph()
        top, left = ((side - 256) // 2 for side in whole.shape[:2])
        return whole[top : top + 256, left : left + 256]

    return crop


def _grey(photograph: Callable[[], Pixels]) -> Callable[[], Pixels]:
    return lambda: (color.rgb2gray(photograph()) * 255).round().astype(np.uint8)


_COLOUR = {name: _centre(getattr(data, name)) for name in ("astronaut", "chelsea", "coffee")}
_GREY = {"camera": _centre(data.camera), "astronaut": _grey(_COLOUR["astronaut"])}

SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("denoise25", NOISE25),
        Suite("pixels50", PIXELS50),
        Suite("set5_x4", SMALL),
        Suite("set14_x4", SMALL),
        Suite("samples-denoise25", NOISE25, _COLOUR),
        Suite("samples-pixels50", PIXELS50, _GREY),
        Suite("samples-x4", SMALL, _COLOUR),
    )
}
"""By name: the published ones, and those made of what scikit-image carries with it."""

PUBLISHED = tuple(name for name, suite in SUITES.items() if suite.samples is None)
SAMPLES = tuple(name for name in SUITES if name not in PUBLISHED)
