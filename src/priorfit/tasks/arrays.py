"""Restoration of arrays in the manner of scikit-image: ndarray in, ndarray of the same dtype out.

What every function takes beside what its task needs, its own help says.

Of four channels the last is alpha, as in RGBA: it is kept, enlarged with the image, and what is
under it where it is transparent takes no part. Restore four bands that are no RGBA one by one.

What needs no restoring comes back as a copy, bit for bit and without a warning, from `denoise` and
`dejpeg`, which say when; with `force=True` they restore it all the same.

No image comes back worse than it came, as far as evidence without a clean image can tell: where a
fit is not better than a cheap method, that one's result is returned, with a warning, and where both
are good a mixture. With `steps`, or a published recipe, the fit itself is returned.

One picture gives one result whatever its units: it is fitted at a range of its own, found without
outliers, and comes back in the units and the dtype that it had. Noise levels are fractions of the
full scale of the dtype, for floats of 1 or, where they leave [0, 1], of their own range. Each
raises `PriorfitError` for what it cannot do.
"""

import io
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from PIL import Image as PillowImage

from priorfit.classical.needless import without_artefacts
from priorfit.degradations.jpeg import JpegProjection
from priorfit.degradations.mask import hole_in
from priorfit.errors import ProblemError
from priorfit.images import JpegTables, Picture, from_array, visible
from priorfit.images.jpeg_tables import jpeg_tables
from priorfit.tasks.choice import AUTO, for_hole
from priorfit.tasks.noisy import pose_noisy
from priorfit.tasks.problems import (
    KERNELS,
    deblurring,
    dejpegging,
    enhancing,
    fusing,
    inpainting,
    kernel_of,
    upscaling,
    whole_number,
)
from priorfit.tasks.solving import Array, Callback, How, explained


@explained
def denoise(
    image: ArrayLike,
    *,
    noise_std: float | None = None,
    force: bool = False,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/denoise",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    noisy = pose_noisy(picture, noise_std)
    left_alone = noisy.needless is not None and not force
    return How(
        "denoise",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
        left_alone=left_alone,
        force=force,
        white=noisy.white,
        filled=noisy.specks > 0,
    ).solve(noisy.problem, picture)


@explained
def inpaint(
    image: ArrayLike,
    hole_mask: ArrayLike | None = None,
    *,
    grow_mask: int = 0,
    paste_back: bool = True,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = AUTO,
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    hole = None if hole_mask is None else hole_in(hole_mask, picture.size)
    grow = whole_number("grow_mask", grow_mask, 0, or_else="leave it out")
    problem = inpainting(picture.tensor(), hole, grow=grow, paste_back=paste_back)
    recipe = for_hole(problem).recipe if recipe == AUTO else recipe
    return How(
        "inpaint",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
    ).solve(problem, picture)


@explained
def upscale(
    image: ArrayLike,
    factor: int,
    *,
    kernel: str | None = None,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/upscale",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    window = KERNELS[kernel_of(recipe, kernel)]
    picture = _picture(image, channel_axis)
    problem = upscaling(picture.tensor(), factor, window)
    return How(
        "upscale",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
    ).solve(problem, replace(picture, stored=None))


@explained
def deblur(
    image: ArrayLike,
    psf: ArrayLike,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/deblur",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    problem = deblurring(picture.tensor(), torch.from_numpy(np.array(psf, np.float64)))
    return How(
        "deblur",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
    ).solve(problem, picture)


@explained
def dejpeg(
    image: ArrayLike,
    *,
    quality: int | None = None,
    tables: JpegTables | None = None,
    force: bool = False,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/dejpeg",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    if (quality is None) == (tables is None):
        raise ProblemError("expected the file's quality or its tables: one of the two")
    if tables is None:
        assert quality is not None
        tables = _usual_tables(quality, picture.shape[0])
    projection = JpegProjection.from_picture(tables, picture.tensor())
    problem = dejpegging(picture.tensor(), projection)
    left_alone = without_artefacts(projection.error_std) is not None and not force
    return How(
        "dejpeg",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
        left_alone=left_alone,
        force=force,
    ).solve(problem, picture)


@explained
def fuse(
    flash: ArrayLike,
    no_flash: ArrayLike,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/fuse",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(no_flash, channel_axis)
    problem = fusing(_picture(flash, channel_axis).tensor(), picture.tensor())
    return How(
        "fuse",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
    ).solve(problem, picture)


@explained
def enhance(
    image: ArrayLike,
    amount: float = 1.0,
    *,
    channel_axis: int | None = None,
    rng: int | np.random.Generator = 0,
    recipe: str = "dip/enhance",
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    callback: Callback | None = None,
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
        time_limit: see the module.
        stop: see the module.
        callback: see the module.
        device: see the module.
    """
    picture = _picture(image, channel_axis)
    problem = enhancing(picture.tensor(), amount)
    return How(
        "enhance",
        recipe,
        steps,
        rng,
        device,
        time_limit,
        stop,
        callback,
    ).solve(problem, picture)


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
