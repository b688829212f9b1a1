"""Pictures of simulated cameras, and what is made of them: `python -m benchmarks camera-noise`.

Crops of photographs go through cameras of our own (`benchmarks.camera`): photons and reading noise
on a Bayer mosaic, colours made of it in two ways, JPEG. Truth is the same camera without noise.
"""

import json
import statistics
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage

from benchmarks.camera import Camera, bilinear, gradient_corrected
from benchmarks.suites import RESULTS, SHARED
from priorfit.classical import guides
from priorfit.classical.camera_noise import camera_denoised
from priorfit.classical.noise_level import estimate_noise
from priorfit.degradations import Identity
from priorfit.metrics import psnr
from priorfit.problem import Problem
from priorfit.types import Image

KODAK = SHARED.parent / "Kodak24"
PICTURES = ("kodim05", "kodim15", "kodim19", "kodim23")
SIDE, CORNER = 128, 150
LIGHT = ((None, 300.0), (98, 300.0), (95, 300.0), (85, 1000.0))
"""Quality of the JPEG, and photons in a white pixel."""


def run() -> None:
    """Print and keep the table."""
    rows = []
    for name in PICTURES:
        scene = crop(KODAK / f"{name}.png")
        for demosaick in (bilinear, gradient_corrected):
            for quality, photons in LIGHT:
                camera = Camera(demosaick, photons, 0.01, quality)
                noisy, clean = camera(scene, torch.Generator().manual_seed(0))
                row = {"picture": name, "colours": demosaick.__name__, "jpeg": quality}
                rows.append(row | measured(noisy, clean))
                print(" ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    gains = [row["ours"] - max(row["non-local means"], row["block matching"]) for row in rows]
    worst = min(row["ours"] - row["noisy"] for row in rows)
    print(f"above the best of both: {statistics.mean(gains):+.2f} dB, least {min(gains):+.2f}")
    print(f"above the noisy picture: least {worst:+.2f} dB")
    (RESULTS / "camera-noise.json").write_text(json.dumps(rows, indent=1) + "\n")


def crop(path: Path) -> Image:
    """The middle of a photograph, (1, 3, 128, 128)."""
    pixels = np.asarray(PillowImage.open(path).convert("RGB"))
    cut = pixels[CORNER : CORNER + SIDE, CORNER : CORNER + SIDE].copy()
    return torch.from_numpy(cut).permute(2, 0, 1)[None].float() / 255


def measured(noisy: Image, clean: Image) -> dict[str, float]:
    """PSNR in dB of the picture, of cheap methods with the estimated level, and of ours."""
    found = estimate_noise(noisy)
    problem = Problem(noisy, Identity(), noise_std=found.std)
    made = {
        "noisy": noisy,
        "non-local means": guides.non_local_means(problem),
        "block matching": guides.block_matching(problem),
        "ours": camera_denoised(problem),
    }
    values = {name: round(psnr(image, clean).item(), 2) for name, image in made.items()}
    true = float((noisy - clean).square().mean().sqrt())
    return values | {"level": round(255 * found.std, 1), "true level": round(255 * true, 1)}
