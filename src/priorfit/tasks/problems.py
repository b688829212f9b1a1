"""Problems posed by pictures: what is damaged, how, and what is done to the result at the end.

Pictures are (1, C, H, W) in [0, 1], as `Picture.tensor()` gives them.
"""

import math
from dataclasses import replace
from numbers import Integral, Real

import torch
from torch import Tensor

from priorfit import recipes
from priorfit.degradations import Area, Bicubic, Blur, Border, Downsample, Identity, Lanczos, Mask
from priorfit.degradations.jpeg import JpegProjection
from priorfit.degradations.mask import grown
from priorfit.degradations.resample import Kernel
from priorfit.errors import ProblemError
from priorfit.images import MAX_PIXELS, Picture
from priorfit.loop.finish import (
    BoostDetail,
    CropCanvas,
    InPictureUnits,
    KeepKnownPixels,
    RespectJpeg,
)
from priorfit.problem import Problem
from priorfit.types import Image
from priorfit.units import UNLIMITED, Limits, Units
from priorfit.wording import counted

KERNELS: dict[str, Kernel] = {
    "lanczos3": Lanczos(3),
    "lanczos2": Lanczos(2),
    "bicubic": Bicubic(),
    "area": Area(),
}
"""How a small image was made, by name; the first as Pillow's LANCZOS does."""


def in_own_units(problem: Problem, limits: Limits = UNLIMITED) -> Problem:
    """The same problem at the picture's own range, see `Units`; its finish leads back.

    Args:
        problem: on the scale of a picture.
        limits: what the file can store, on that scale.
    """
    units = Units.of(problem.observation, problem.known, limits)
    if units.is_identity:
        return problem
    local = [step for step in problem.finish if isinstance(step, CropCanvas)]
    rest = [step for step in problem.finish if step not in local]
    back = InPictureUnits(units, replace(problem, finish=rest))
    return replace(_seen_in(units, problem), finish=[*local, back])


def for_recipe(problem: Problem, picture: Picture, recipe: str) -> Problem:
    """A problem as a recipe sees it: at the picture's own range.

    Published recipes see pictures of 8 bits as they were published.

    Args:
        problem: on the scale of the picture.
        picture: it.
        recipe: name of the recipe.
    """
    if recipes.is_published(recipe) and picture.is_everyday:
        return problem
    return in_own_units(problem, picture.limits)


def _seen_in(units: Units, problem: Problem) -> Problem:
    """A problem of a picture, in the units of a fit."""
    y, degradation, shape = units.inward(problem.observation), problem.degradation, problem.shape
    if isinstance(degradation, Mask):
        degradation = replace(degradation, known=degradation.known[:, :: units.copies])
        y = degradation(y)
    std, companion = problem.noise_std, problem.companion
    return replace(
        problem,
        observation=y,
        degradation=degradation,
        image_shape=(shape[0] // units.copies, *shape[1:]),
        noise_std=None if std is None else std / units.span,
        companion=None
        if companion is None
        else replace(Units.of(companion), copies=1).inward(companion),
    )


def denoising(image: Image, noise_std: float | None = None) -> Problem:
    """Remove white noise.

    Args:
        image: (1, C, H, W).
        noise_std: standard deviation of the noise as a fraction of full scale, if known.

    Raises:
        ProblemError: pixels that are not numbers, or a standard deviation outside [0, 1].
    """
    if noise_std is not None:
        check_noise_std(noise_std)
    return Problem(_whole(image), Identity(), noise_std=noise_std)


def whole_number(name: str, value: object, least: int, *, or_else: str = "None") -> int:
    """A whole number, if a value is one.

    Args:
        name: of the argument.
        value: that it was given.
        least: number that will do.
        or_else: what else may be given.

    Raises:
        ProblemError: it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ProblemError(
            f"expected {name} to be a whole number of {least} or more, or {or_else}, got {value!r}"
        )
    return int(value)


def check_noise_std(noise_std: float) -> None:
    """Refuse what is no standard deviation on a scale of 0 to 1.

    Raises:
        ProblemError: outside [0, 1].
    """
    if isinstance(noise_std, bool) or not isinstance(noise_std, Real):
        raise ProblemError(
            "expected noise_std as a number from 0 to 1, or None to have it estimated, got "
            f"{noise_std!r}"
        )
    if noise_std > 1 and math.isfinite(noise_std):
        raise ProblemError(
            f"expected noise_std as a fraction of full scale, 0 to 1, got {noise_std:g}: say "
            f"{noise_std:g}/255 for grey levels of 8 bits; what is in the picture's own units is "
            "divided by their full scale"
        )
    if not 0 <= noise_std <= 1:
        raise ProblemError(f"expected a standard deviation from 0 to 1, got {noise_std:g}")


def inpainting(
    image: Image, hole: Tensor | None = None, *, grow: int = 0, paste_back: bool = True
) -> Problem:
    """Fill a hole.

    Args:
        image: (1, C, H, W); pixels that are not numbers belong to the hole.
        hole: (H, W), true where pixels are to be filled.
        grow: pixels by which the hole becomes wider, in all channels.
        paste_back: give known pixels back bit for bit.

    Raises:
        ProblemError: the hole is of another size than the image, or there is nothing to fill, or
            nothing to go by.
    """
    known = torch.isfinite(image)
    if hole is not None:
        if hole.shape != image.shape[-2:]:
            raise ProblemError(f"expected a mask of {_size(image)} pixels, got {_size(hole)}")
        known = known & ~hole.bool()
    if grow:
        known = known & ~grown(~known[0].all(0), grow)
    if known.all():
        raise ProblemError("there is nothing to fill: the hole is empty (it is white in a mask)")
    if not known.flatten(2).any(2).all():
        raise ProblemError(
            "there is nothing to go by: every pixel is to be filled (the hole is white in a mask)"
        )
    mask = Mask(known)
    finish = [KeepKnownPixels()] if paste_back else []
    return Problem(mask(image), mask, finish=finish)


def kernel_of(recipe: str, asked: str | None) -> str:
    """Name of the window that made a small image: what is asked for, or what the recipe takes.

    Raises:
        ProblemError: there is no window of that name.
        RecipeError: there is no recipe of that name.
    """
    setting = recipes.find(recipe)
    own = "lanczos3" if setting.kernel is None else setting.kernel.value
    name = own if asked is None else asked
    if name not in KERNELS:
        raise ProblemError(f"expected a kernel among {', '.join(KERNELS)}, got '{name}'")
    return name


def upscaling(image: Image, factor: int, kernel: Kernel = KERNELS["lanczos3"]) -> Problem:
    """Enlarge.

    Args:
        image: (1, C, H, W).
        factor: how many times larger, at least 2.
        kernel: how the small image was made.

    Raises:
        ProblemError: the factor is no whole number of at least 2, or the result would be too large.
    """
    if factor in (0, 1):
        raise ProblemError(f"expected a factor of 2 or more, got {factor}, which enlarges nothing")
    # The published setting repeats the edge; Pillow, and most cameras' software, renormalise.
    border = Border.REPLICATE if kernel == Lanczos(2) else Border.RENORMALISE
    degradation = Downsample(factor, kernel, border=border)
    _, height, width = degradation.image_shape((1, image.shape[-2], image.shape[-1]))
    if height * width > MAX_PIXELS:  # every result can be read again
        raise ProblemError(
            f"{height}×{width} pixels are more than {MAX_PIXELS:,}: lower the factor"
        )
    return Problem(_whole(image), degradation)


def deblurring(image: Image, psf: Tensor) -> Problem:
    """Undo a known blur.

    Args:
        image: (1, C, H, W).
        psf: point spread function, (h, w), of any sum; it is centred.

    Raises:
        ProblemError: the PSF is larger than the image, negative, empty or not a picture.
    """
    blur = Blur(psf)
    if any(reach > side for reach, side in zip(blur.psf.shape, image.shape[-2:], strict=True)):
        raise ProblemError(
            f"expected a PSF no larger than the image, {_size(image)}, got {_size(blur.psf)}"
        )
    return Problem(_whole(image), blur, finish=[CropCanvas()])


def dejpegging(image: Image, projection: JpegProjection) -> Problem:
    """Remove the artefacts of JPEG compression.

    Args:
        image: (1, 1 or 3, H, W), as decoded.
        projection: onto the images that the file can stand for.

    Raises:
        ProblemError: the projection is for another size or number of channels.
    """
    sides, channels = sorted(image.shape[-2:]), image.shape[1]  # it may lie on its side in the file
    if sides != sorted(projection.size) or channels != len(projection.tables.sampling):
        raise ProblemError(
            f"expected {projection} for a picture of {_size(image)} pixels in "
            f"{counted(channels, 'channel')}"
        )
    # What compression left is not white, but Stein's estimate with its size is the best guard
    # against following it.
    std, finish = projection.error_std, [RespectJpeg(projection)]
    return Problem(_whole(image), Identity(), noise_std=std, finish=finish)


def fusing(flash: Image, no_flash: Image) -> Problem:
    """Give a no-flash photograph the detail of a flash photograph of the same scene.

    Args:
        flash: (1, c, H, W), free of noise.
        no_flash: (1, C, H, W), whose light is kept.

    Raises:
        ProblemError: the two are of different sizes.
    """
    if flash.shape[-2:] != no_flash.shape[-2:]:
        raise ProblemError(
            "expected two photographs of one size, got "
            f"{_size(flash)} pixels with flash and {_size(no_flash)} without"
        )
    return Problem(_whole(no_flash), Identity(), companion=_whole(flash))


def enhancing(image: Image, amount: float = 1.0) -> Problem:
    """Boost the detail of a picture: what a short fit of it leaves out.

    Args:
        image: (1, C, H, W).
        amount: of the detail that is added; −1 takes it away and leaves the coarse layer.

    Raises:
        ProblemError: pixels that are not numbers, or an amount outside [−1, 10].
    """
    if not -1 <= amount <= 10:
        raise ProblemError(f"expected an amount from -1 to 10, got {amount:g}")
    return Problem(_whole(image), Identity(), finish=[BoostDetail(amount)])


def _whole(image: Image) -> Image:
    if not torch.isfinite(image).all():
        raise ProblemError("the image has pixels that are not numbers: `inpaint` fills them")
    return image


def _size(picture: Tensor) -> str:
    """Height×width, as messages give it."""
    return "×".join(str(side) for side in picture.shape[-2:])
