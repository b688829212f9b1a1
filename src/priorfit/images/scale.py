"""Between stored samples of any kind and pixels in [0, 1]."""

from dataclasses import dataclass

import numpy as np

from priorfit.errors import ImageFileError


@dataclass(frozen=True)
class Scale:
    """How stored samples became pixels: stored = low + pixel · (high − low).

    Args:
        low: Stored value of a pixel of 0.
        high: Stored value of a pixel of 1; equal to `low` for a constant image.
    """

    low: float
    high: float

    @property
    def span(self) -> float:
        """What a difference of 1 between two pixels is in stored samples."""
        return self.high - self.low

    @property
    def is_identity(self) -> bool:
        """Whether pixels are stored as they are."""
        return (self.low, self.high) == (0.0, 1.0)

    def pixels(self, samples: np.ndarray) -> np.ndarray:
        """Map stored samples to float32 pixels, low to 0 and high to 1; NaN stays NaN."""
        if self.is_identity:
            return samples.astype(np.float32)
        if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2 and self.low == 0:
            return samples.astype(np.float32) / np.float32(self.high)
        span = (self.high - self.low) or 1.0
        return ((samples.astype(np.float64) - self.low) / span).astype(np.float32)

    def samples(self, pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Map float32 pixels to stored samples: integers rounded and clipped to their range.

        Raises:
            ImageFileError: a pixel is NaN and the samples are integers.
        """
        if dtype.kind == "f":
            stored = pixels if self.is_identity else self._stretched(pixels)
            largest = np.finfo(dtype).max
            return np.clip(stored, -largest, largest).astype(dtype)
        if np.isnan(pixels).any():
            raise ImageFileError(f"got NaN pixels, which {dtype.name} samples cannot hold")
        info = np.iinfo(dtype)
        stored = np.rint(self._stretched(pixels))
        # The float just below 2⁶⁴ is the largest that survives the cast to uint64.
        return np.clip(stored, info.min, np.nextafter(float(info.max) + 1, 0)).astype(dtype)

    def _stretched(self, pixels: np.ndarray) -> np.ndarray:
        return self.low + pixels.astype(np.float64) * (self.high - self.low)


def scale_of(samples: np.ndarray) -> Scale:
    """Scale of stored samples.

    Full range for unsigned samples of 8 and 16 bits; none for floats within [0, 1]; for everything
    else the range of the finite values, since no other range means anything for them. Values a
    thousand times as far out as nearly all others, such as the -3.4e38 of missing data in maps,
    are left out of it: they would leave no digits for the rest.

    Raises:
        ImageFileError: infinite values, nothing but NaN, or values too far apart.
    """
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        return Scale(0.0, float(np.iinfo(samples.dtype).max))
    if np.isinf(samples).any():
        raise ImageFileError("holds infinite pixels, expected finite ones")
    if np.isnan(samples).all():
        raise ImageFileError("holds nothing but NaN, expected an image")
    low, high = float(np.nanmin(samples)), float(np.nanmax(samples))
    if samples.dtype.kind == "f" and low >= 0 and high <= 1:
        return Scale(0.0, 1.0)
    low, high = _without_outliers(samples, low, high)
    if high - low == float("inf"):
        raise ImageFileError(f"holds values too far apart, from {low:g} to {high:g}")
    return Scale(low, high)


_TAIL = 0.001  # share of the values at either end that may be outliers
_FAR = 1000.0  # times what the others span
_MOST = 1_000_000  # values looked at, spread over a large picture


def _without_outliers(samples: np.ndarray, low: float, high: float) -> tuple[float, float]:
    flat = samples.reshape(-1)[:: -(-samples.size // _MOST)]
    flat = flat[~np.isnan(flat)] if flat.dtype.kind == "f" else flat
    if not flat.size:
        return low, high
    inner = [float(x) for x in np.quantile(flat.astype(np.float64), [_TAIL, 1 - _TAIL])]
    reach = _FAR * (inner[1] - inner[0])
    if not 0 < reach < float("inf"):
        return low, high
    return (
        inner[0] if low < inner[0] - reach else low,
        inner[1] if high > inner[1] + reach else high,
    )


def pixels_of(samples: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray | None]:
    """Turn (H, W, C) samples into (C, H, W) pixels, and keep the samples where floats lose digits.

    Returns:
        Pixels, float32 in [0, 1]; the samples in the same order of axes, or None where `scale`
        gives them back exactly.
    """
    channels_first = np.ascontiguousarray(samples.transpose(2, 0, 1))
    short = channels_first.dtype.itemsize <= (4 if scale.is_identity else 2)
    exact = short and (scale.is_identity or channels_first.dtype.kind in "iu")
    return scale.pixels(channels_first), None if exact else channels_first


def check_samples(dtype: np.dtype) -> None:
    """Refuse samples that are not plain integers or floats of up to 64 bits.

    Raises:
        ImageFileError: booleans, complex numbers, objects, long doubles and the like.
    """
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ImageFileError(
            f"holds samples of {dtype}, expected integers or floats of up to 64 bits"
        )


def widened(samples: np.ndarray, bits: int) -> np.ndarray:
    """Spread unsigned samples of `bits` bits over the full range of their own dtype."""
    top, full = 2**bits - 1, np.iinfo(samples.dtype).max
    if top == full:
        return samples
    table = np.rint(np.arange(top + 1) * (full / top)).astype(samples.dtype)
    return table[np.minimum(samples, top)]
