"""The named images of each suite, damaged as the paper damaged them, cut to a corner of 256×256."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import restoration

SHARED = Path(__file__).parent.parent.parent / "shared" / "images" / "dip_paper"
RESULTS = Path(__file__).parent / "results"
SIDE = 256

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """One damaged image: what the command is given, and what is known about the truth.

    Args:
        suite: name of the suite.
        name: of the image.
        damaged: 8-bit, (H, W) or (H, W, 3).
        truth: 8-bit.
        arguments: of the command, task first.
        hole: white where pixels are missing, for inpainting.
    """

    suite: str
    name: str
    damaged: Pixels
    truth: Pixels
    arguments: tuple[str, ...]
    hole: Pixels | None = None


def denoise25() -> Iterator[Case]:
    """Colour photographs with noise of 25/255; the authors' own noisy files."""
    arguments = ("denoise", "--noise-std", str(25 / 255))
    for name in ("kodim12", "hill", "peppers", "kodim01", "F16", "lena"):
        folder = SHARED / "denoise25"
        noisy, truth = _corner(folder / f"{name}_noisy.png"), _corner(folder / f"{name}_GT.png")
        yield Case("denoise25", name, noisy, truth, arguments)


def pixels50() -> Iterator[Case]:
    """Grey photographs, half of the pixels missing; a pixel is missing where the file has 0."""
    for name in ("Lena512", "man", "couple", "hill", "house", "barbara"):
        folder = SHARED / "pixels50"
        masked, truth = _corner(folder / f"{name}_masked.png"), _corner(folder / f"{name}_GT.png")
        hole = np.where(masked == 0, 255, 0).astype(np.uint8)
        yield Case("pixels50", name, masked, truth, ("inpaint",), hole)


def set5_x4() -> Iterator[Case]:
    """Set5, reduced four times with Pillow's LANCZOS; judged on luma inside a border of 4."""
    for name in ("baby", "butterfly", "bird", "head", "woman"):
        truth = _corner(SHARED / "set5_x4" / f"{name}_GT.png")
        truth = truth[: truth.shape[0] // 4 * 4, : truth.shape[1] // 4 * 4]
        size = (truth.shape[1] // 4, truth.shape[0] // 4)
        small = np.asarray(Image.fromarray(truth).resize(size, Image.Resampling.LANCZOS))
        yield Case("set5_x4", name, small, truth, ("upscale", "--factor", "4"))


SUITES = {"denoise25": denoise25, "pixels50": pixels50, "set5_x4": set5_x4}


def cheap(case: Case) -> dict[str, Pixels]:
    """The cheap alternatives to a case."""
    damaged = case.damaged / 255.0
    if case.suite == "denoise25":
        std = 25 / 255
        best = {}
        for strength in (0.6, 0.8):
            best[f"non-local means, h = {strength}σ"] = restoration.denoise_nl_means(
                damaged, patch_size=5, patch_distance=6, h=strength * std, sigma=std,
                fast_mode=True, channel_axis=-1,
            )  # fmt: skip
        best["total variation"] = restoration.denoise_tv_chambolle(
            damaged, weight=0.1, channel_axis=-1
        )
        return {name: _eight_bit(image) for name, image in best.items()}
    if case.suite == "pixels50":
        assert case.hole is not None
        return {"biharmonic": _eight_bit(restoration.inpaint_biharmonic(damaged, case.hole > 0))}
    size = (case.truth.shape[1], case.truth.shape[0])
    small = Image.fromarray(case.damaged)
    return {"bicubic": np.asarray(small.resize(size, Image.Resampling.BICUBIC))}


def score(case: Case, image: Pixels) -> float:
    """PSNR in dB as the suite's protocol has it."""
    a, b = image.astype(np.float64), case.truth.astype(np.float64)
    if case.suite == "set5_x4":
        weights = np.array([65.481, 128.553, 24.966]) / 255
        a, b = ((x @ weights + 16)[4:-4, 4:-4] for x in (a, b))
    return float(10 * np.log10(255**2 / np.mean((a - b) ** 2)))


def _corner(path: Path) -> Pixels:
    return np.asarray(Image.open(path))[:SIDE, :SIDE].copy()


def _eight_bit(image: NDArray[np.floating]) -> Pixels:
    return (image.clip(0, 1) * 255).round().astype(np.uint8)
