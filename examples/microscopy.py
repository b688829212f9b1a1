"""Denoise a stack of microscope images: 12-bit counts in 16-bit integers.

    python examples/microscopy.py

`pf.denoise` takes arrays of any type and returns the same type in the same units. The stack here is
simulated; read yours with `tifffile.imread("stack.tif")`, which also gives (frames, H, W).
"""

import numpy as np
from numpy.typing import NDArray
from skimage import data

import priorfit as pf

NOISE = 120.0  # counts


def simulate(frames: int = 2, side: int = 96, seed: int = 0) -> tuple[NDArray, NDArray]:
    """A clean and a noisy stack, (frames, H, W), uint16 up to 4095."""
    draws = np.random.default_rng(seed)
    cells = data.cell()[200 : 200 + side, 200 : 200 + side].astype(float) / 255
    clean = np.stack([np.roll(cells, 2 * number, axis=1) for number in range(frames)]) * 3000 + 300
    noisy = clean + draws.normal(0, NOISE, clean.shape)
    return (x.clip(0, 4095).round().astype(np.uint16) for x in (clean, noisy))


def main(steps: int | None = 300) -> NDArray:
    """Restore the stack frame by frame.

    Args:
        steps: length of each fit; None for the recipe's own.
    """
    clean, noisy = simulate()
    fraction = NOISE / np.iinfo(noisy.dtype).max  # noise_std is a fraction of full scale
    restored = np.stack([pf.denoise(frame, noise_std=fraction, steps=steps) for frame in noisy])
    for number, (truth, before, after) in enumerate(zip(clean, noisy, restored, strict=True), 1):
        errors = [np.sqrt(np.mean((x.astype(float) - truth) ** 2)) for x in (before, after)]
        print(f"frame {number}: error {errors[0]:.0f} counts before, {errors[1]:.0f} after")
    return restored


if __name__ == "__main__":
    main()
