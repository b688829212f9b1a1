"""Restoration of arrays in the manner of scikit-image: ndarray in, ndarray of the same dtype out.

Every function takes, beside what its task needs:

* `channel_axis`: the axis of the channels; None for a grey image.
* `rng`: a seed, or a `numpy.random.Generator` that a seed is drawn from. The same seed gives the
  same array.
* `recipe`: a name that `priorfit recipes list` shows.
* `steps`: length of the fit; the recipe's own by default.
* `device`: cpu, cuda, cuda:N, mps or auto.

Of four channels the last is alpha, as in RGBA: it is kept, enlarged with the image, and what is
under it where it is transparent takes no part. Restore four bands that are no RGBA one by one.

What needs no restoring comes back as a copy, bit for bit and without a warning, from `denoise` and
`dejpeg`, which say when; with `force=True` they restore it all the same.

One picture gives one result whatever its units: it is fitted at a range of its own, found without
outliers, and comes back in the units and the dtype that it had. Noise levels are fractions of the
full scale of the dtype, for floats of 1 or, where they leave [0, 1], of their own range. Each
raises `PriorfitError` for what it cannot do.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage

from priorfit import recipes
from priorfit.degradations.jpeg import JpegProjection
from priorfit.degradations.mask import hole_in
from priorfit.errors import ProblemError
from priorfit.images import JpegTables, Picture, from_array, to_array, visible
from priorfit.images.jpeg_tables import jpeg_tables
from priorfit.needless import without_artefacts
from priorfit.restore import restore
from priorfit.tasks.choice import AUTO, for_hole
from priorfit.tasks.device import device_named
from priorfit.tasks.noisy import pose_noisy
from priorfit.tasks.problems import (
    KERNELS,
    Posed,
    deblurring,
    dejpegging,
    enhancing,
    for_recipe,
    fusing,
    inpainting,
    kernel_of,
    upscaling,
    whole_number,
)

Array = NDArray[np.generic]


@dataclass(frozen=True)
class _How:
    """What all tasks have in common."""

    recipe: str
    steps: int | None
    rng: int | np.random.Generator
    device: str
    left_alone: bool = False

    def solve(self, posed: Posed, like: Picture) -> Array:
        if self.steps is not None:
            whole_number("steps", self.steps, 0)
            if self.steps < 1:
                raise ProblemError(f"expected at least one step, got {self.steps}")
        device = device_named(self.device)
        made = recipes.load(self.recipe, self.steps)
        if self.left_alone:
            return to_array(like.tensor(), like)
        posed = for_recipe(posed, like, self.recipe).to(device)
        image = restore(posed.problem, posed.ending(made), [self._seed()]).image
        return to_array(image.cpu(), like)

    def _seed(self) -> int:
        if isinstance(self.rng, np.random.Generator):
            return int(self.rng.integers(2**31))
        return whole_number("rng", self.rng, 0, or_else="a numpy.random.Generator")


def denoise(
    image: ArrayLike,
    *,
    noise_std: float | None = None,
    force: bool = False,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/denoise",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Remove white noise.

    An image without it comes back as a copy: one whose noise, by estimate, is at most 2/255 of what
    it spans, or any with a `noise_std` of 0.

    Args:
        image: (H, W), or with channels.
        noise_std: standard deviation of the noise as a fraction of full scale; estimated if None.
        force: restore what seems to need no restoring too.
        channel_axis: see the module.
        rng: see the module.
        recipe: see the module.
        steps: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    noisy = pose_noisy(picture, noise_std)
    left_alone = noisy.needless is not None and not force
    return _How(recipe, steps, rng, device, left_alone).solve(noisy.posed, picture)


def inpaint(  # noqa: PLR0913, five of them are every task's
    image: ArrayLike,
    hole_mask: ArrayLike | None = None,
    *,
    grow_mask: int = 0,
    paste_back: bool = True,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = AUTO,
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Fill a hole.

    Args:
        image: (H, W), or with channels; NaN belong to the hole.
        hole_mask: (H, W), booleans or numbers, not zero where pixels are to be filled; or with an
            axis for colours at its end.
        grow_mask: pixels by which the hole, NaN included, becomes wider.
        paste_back: give known pixels back bit for bit.
        channel_axis: see the module.
        rng: see the module.
        recipe: a name, or `auto`: chosen by how much is known and how deep the hole is.
        steps: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    hole = None if hole_mask is None else hole_in(hole_mask, picture.size)
    grow = whole_number("grow_mask", grow_mask, 0, or_else="leave it out")
    posed = inpainting(picture.tensor(), hole, grow=grow, paste_back=paste_back)
    recipe = for_hole(posed.problem).recipe if recipe == AUTO else recipe
    return _How(recipe, steps, rng, device).solve(posed, picture)


def upscale(
    image: ArrayLike,
    factor: int,
    *,
    kernel: str | None = None,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/upscale",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Enlarge by a whole factor.

    Args:
        image: (H, W), or with channels.
        factor: at least 2.
        kernel: how the small image was made: lanczos3 (as Pillow does), lanczos2, bicubic or area;
            the recipe's own by default.
        channel_axis: see the module.
        rng: see the module.
        recipe: see the module.
        steps: see the module.
        device: see the module.
    """
    window = KERNELS[kernel_of(recipe, kernel)]
    picture = _picture(image, channel_axis)
    posed = upscaling(picture.tensor(), factor, window)
    return _How(recipe, steps, rng, device).solve(posed, replace(picture, stored=None))


def deblur(
    image: ArrayLike,
    psf: ArrayLike,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/deblur",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Undo a known blur.

    Args:
        image: (H, W), or with channels.
        psf: point spread function, (h, w), of any sum.
        channel_axis: see the module.
        rng: see the module.
        recipe: see the module.
        steps: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    posed = deblurring(picture.tensor(), torch.from_numpy(np.array(psf, np.float64)))
    return _How(recipe, steps, rng, device).solve(posed, picture)


def dejpeg(  # noqa: PLR0913, five of them are every task's
    image: ArrayLike,
    *,
    quality: int | None = None,
    tables: JpegTables | None = None,
    force: bool = False,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/dejpeg",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Remove the artefacts of JPEG compression; the result could be stored as the same file.

    An image that compression cost at most 2/255, by its tables, comes back as a copy.

    Args:
        image: (H, W), or with channels, as decoded.
        quality: 1 to 100 on libjpeg's scale, colours stored at half the resolution (4:2:0).
        tables: or what `priorfit.images.read(path).jpeg` found in the file.
        force: restore what seems to need no restoring too.
        channel_axis: see the module.
        rng: see the module.
        recipe: see the module.
        steps: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    if (quality is None) == (tables is None):
        raise ProblemError("expected the file's quality or its tables: one of the two")
    if tables is None:
        assert quality is not None
        tables = _usual_tables(quality, picture.shape[0])
    projection = JpegProjection.from_picture(tables, picture.tensor())
    posed = dejpegging(picture.tensor(), projection)
    left_alone = without_artefacts(projection.error_std) is not None and not force
    return _How(recipe, steps, rng, device, left_alone).solve(posed, picture)


def fuse(
    flash: ArrayLike,
    no_flash: ArrayLike,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/fuse",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Give a no-flash photograph the detail of a flash photograph of the same scene.

    Args:
        flash: (H, W), or with channels.
        no_flash: likewise, of the same size; the result has its light and its dtype.
        channel_axis: of both; see the module.
        rng: see the module.
        recipe: see the module.
        steps: see the module.
        device: see the module.
    """
    picture = _picture(no_flash, channel_axis)
    posed = fusing(_picture(flash, channel_axis).tensor(), picture.tensor())
    return _How(recipe, steps, rng, device).solve(posed, picture)


def enhance(
    image: ArrayLike,
    amount: float = 1.0,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/enhance",
    steps: int | None = None,
    device: str = "cpu",
) -> Array:
    """Boost detail: what a short fit of the picture leaves out is added to it.

    Args:
        image: (H, W), or with channels.
        amount: of the detail that is added, −1 to 10; −1 leaves the coarse layer.
        channel_axis: see the module.
        rng: see the module.
        recipe: see the module.
        steps: the fewer, the coarser the detail; see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    posed = enhancing(picture.tensor(), amount)
    return _How(recipe, steps, rng, device).solve(posed, picture)


def _picture(image: ArrayLike, channel_axis: int | None) -> Picture:
    return visible(from_array(np.asarray(image), channel_axis))


def _usual_tables(quality: int, channels: int) -> JpegTables:
    """Tables that libjpeg uses at a quality, read from a file it makes."""
    if not 1 <= quality <= 100:
        raise ProblemError(f"expected a JPEG quality of 1 to 100, got {quality}")
    file = io.BytesIO()
    mode = "L" if channels == 1 else "RGB"
    PillowImage.new(mode, (16, 16)).save(file, "JPEG", quality=quality)
    return jpeg_tables(file.getvalue())
