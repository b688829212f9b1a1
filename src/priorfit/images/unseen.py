"""Colours under what is transparent are no part of a picture: nothing may be mixed with them."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from priorfit.images.picture import Picture

_UNSEEN = 0.01  # of full opacity: two of 255 levels, too little to keep a colour in
_RIM = 8  # pixels that repeat the nearest colour where there is nothing to mirror


def visible(picture: Picture) -> Picture:
    """The picture with its own colours under what is transparent, as if it went on there.

    The colours that a file has there, mostly black, are nobody's; whatever blurs, enlarges or fits
    the picture would draw them into its rim. Instead the picture is mirrored at its rim, noise and
    all; farther out than that goes there is its mean. A pixel that nobody changes is still written
    as the sample that it was.

    Returns:
        The picture itself where it has no alpha, or nothing that is seen or nothing that is not.
    """
    if picture.alpha is None:
        return picture
    opaque = 1.0 if picture.alpha.dtype.kind == "f" else float(np.iinfo(picture.alpha.dtype).max)
    unseen = ~(picture.alpha > _UNSEEN * opaque)
    known = ~unseen & np.isfinite(picture.pixels).all(0)
    if not unseen.any() or not known.any():
        return picture
    pixels = picture.pixels.copy()
    pixels[:, unseen] = _continued(picture.pixels, unseen, known)
    stored = picture.stored
    if stored is None:
        integers = picture.dtype.kind in "iu"
        unscaled = np.nan_to_num(picture.pixels) if integers else picture.pixels
        stored = picture.scale.samples(unscaled, picture.dtype)
    return replace(picture, pixels=pixels, stored=stored)


def _continued(pixels: np.ndarray, unseen: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(C, N) colours for the N pixels that are not seen, in the order of their rows."""
    distance, nearest = ndimage.distance_transform_edt(~known, return_indices=True)
    places = np.stack(np.nonzero(unseen))
    rim = nearest[:, unseen]
    mirrored = 2 * rim - places
    height, width = known.shape
    inside = (mirrored >= 0).all(0) & (mirrored[0] < height) & (mirrored[1] < width)
    mirrored = np.where(inside, mirrored, rim)
    works = inside & known[mirrored[0], mirrored[1]]
    row, column = np.where(works, mirrored, rim)
    far = ~works & (distance[unseen] > _RIM)
    mean = pixels[:, known].mean(1, dtype=np.float64, keepdims=True).astype(np.float32)
    return np.where(far, mean, pixels[:, row, column])
