"""PNG's row filters: bytes become differences to their neighbours, which deflate packs better."""

from collections.abc import Iterator

import numpy as np

_BLOCK_BYTES = 1 << 20
"""Rows are filtered in blocks of about this size, so that memory does not grow with the image."""


def filtered(rows: np.ndarray, pixel_bytes: int) -> Iterator[bytes]:
    """Filter (H, N) uint8 rows, each by the filter whose differences are smallest.

    Args:
        rows: Bytes of the image, a row each.
        pixel_bytes: Bytes of one pixel: the distance to the neighbour on the left.

    Yields:
        Filtered rows, each with the number of its filter before it, a block at a time.
    """
    height, length = rows.shape
    step = max(1, _BLOCK_BYTES // length)
    for top in range(0, height, step):
        block = rows[top : top + step]
        above = np.zeros_like(block)
        above[1:] = block[:-1]
        if top:
            above[0] = rows[top - 1]
        choices = np.stack(_differences(block, above, pixel_bytes))  # (5, rows, N)
        # Minimum sum of absolute differences, the heuristic of the specification, section 12.7.
        costs = np.minimum(choices, -choices).sum(-1, dtype=np.int64)
        best = costs.argmin(0)
        chosen = choices[best, np.arange(len(block))]
        yield np.concatenate([best[:, None].astype(np.uint8), chosen], axis=1).tobytes()


def _differences(x: np.ndarray, above: np.ndarray, pixel_bytes: int) -> list[np.ndarray]:
    """The five filters of a block: none, sub, up, average, Paeth; all modulo 256."""
    left, corner = _shifted(x, pixel_bytes), _shifted(above, pixel_bytes)
    average = ((left.astype(np.uint16) + above) // 2).astype(np.uint8)
    return [x, x - left, x - above, x - average, x - _paeth(left, above, corner)]


def _shifted(x: np.ndarray, pixel_bytes: int) -> np.ndarray:
    out = np.zeros_like(x)
    out[:, pixel_bytes:] = x[:, :-pixel_bytes]
    return out


def _paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Whichever neighbour is nearest to left + above − corner; ties go left, above, corner."""
    a, b, c = (array.astype(np.int16) for array in (left, above, corner))
    to_left, to_above, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
