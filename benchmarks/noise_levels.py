"""Estimates of the noise level beside what was put in: `python -m benchmarks noise-levels`.

Eight photographs that the estimator was not made on, their middle 256×256 pixels, three seeds. The
truth is the root mean square of what was done to the clean picture.
"""

import json
import math
import platform
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import mean

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from skimage import restoration

from benchmarks.camera import pattern
from benchmarks.suites import RESULTS, SHARED
from priorfit.classical.noise_level import estimate_noise
from priorfit.degradations.simulate import jpeg
from priorfit.types import Image

KODAK = SHARED.parent / "Kodak24"
PICTURES = (
    *(SHARED / "denoise25" / f"{name}_GT.png" for name in ("kodim02", "kodim12", "peppers")),
    *(KODAK / f"kodim{number}.png" for number in ("05", "07", "13", "19", "23")),
)
SIDE = 256
SEEDS = 3

Damage = Callable[[Image, torch.Generator], tuple[Image, Image]]
"""A clean picture to a noisy one, and to what is clean beside it."""


def white(std: float) -> Damage:
    """Independent noise of so many 255ths, stored in 8 bits."""
    return lambda x, g: (stored(x + std / 255 * normal(x, g)), x)


def blurred(std: float) -> Damage:
    """Noise blurred by (1, 2, 1) along both axes, of so many 255ths afterwards."""

    def damage(x: Image, g: torch.Generator) -> tuple[Image, Image]:
        noise = smooth(normal(x, g))
        return stored(x + std / 255 * noise / noise.std()), x

    return damage


def demosaicked(std: float) -> Damage:
    """Noise in the pixels of a Bayer pattern, colours then interpolated linearly."""
    return lambda x, g: (stored(bayer(x + std / 255 * normal(x, g))), bayer(x))


def compressed(std: float, quality: int) -> Damage:
    """White noise, then JPEG; the truth counts what JPEG did too."""
    return lambda x, g: (jpeg(x + std / 255 * normal(x, g), quality).observation, x)


def photons(peak: float) -> Damage:
    """Counts of so many photons in a white pixel."""
    return lambda x, g: (stored(torch.poisson(peak * x, generator=g) / peak), x)


DAMAGES: dict[str, Damage] = {
    "none": lambda x, g: (x, x),
    "white, 5": white(5),
    "white, 15": white(15),
    "white, 25": white(25),
    "white, 50": white(50),
    "blurred, 5": blurred(5),
    "blurred, 15": blurred(15),
    "demosaicked, 15": demosaicked(15),
    "white, 15, JPEG 90": compressed(15, 90),
    "white, 15, JPEG 75": compressed(15, 75),
    "photons, 60": photons(60),
    "photons, 300": photons(300),
}


def measure() -> None:
    """Estimate everything and write the table, level by level in 255ths."""
    rows = []
    for path in PICTURES:
        x = cut(path)
        for name, damage in DAMAGES.items():
            for seed in range(1 if name == "none" else SEEDS):
                noisy, clean = damage(x, torch.Generator().manual_seed(seed))
                found = estimate_noise(noisy)
                picture = noisy[0].permute(1, 2, 0).double().numpy()
                finest = restoration.estimate_sigma(picture, average_sigmas=True, channel_axis=-1)
                rows.append(
                    {
                        "image": path.stem.removesuffix("_GT"),
                        "damage": name,
                        "seed": seed,
                        "truth": 255 * float((noisy - clean).square().mean().sqrt()),
                        "ours": 255 * found.std,
                        "correlation": found.correlation,
                        "white": found.white,
                        "skimage": 255 * float(finest),
                    }
                )
    told = {
        "command": "python -m benchmarks noise-levels --threads 1",
        "machine": platform.processor() or platform.machine(),
        "date": date.today().isoformat(),
        "rows": [
            {k: round(v, 3) if isinstance(v, float) else v for k, v in r.items()} for r in rows
        ],
    }
    (RESULTS / "noise-levels.json").write_text(json.dumps(told, indent=0) + "\n")
    print(table(rows))


def table(rows: list[dict]) -> str:
    """Markdown: truth, and of both estimates the mean and the mean relative error."""
    lines = [
        "| noise, of 255 | truth | ours | error | called white | skimage | error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in DAMAGES:
        of = [row for row in rows if row["damage"] == name]
        cells = [f"{mean(row['truth'] for row in of):.1f}"]
        for method in ("ours", "skimage"):
            cells.append(f"{mean(row[method] for row in of):.1f}")
            if name == "none":
                cells.append(f"at most {max(row[method] for row in of):.1f}")
            else:
                off = [abs(math.log(row[method] / row["truth"])) for row in of]
                cells.append(f"{100 * (math.exp(mean(off)) - 1):.0f} %")
            if method == "ours":
                cells.append(f"{sum(row['white'] for row in of)} of {len(of)}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cut(path: Path) -> Image:
    """The middle of a photograph, (1, 3, 256, 256)."""
    pixels = np.asarray(PillowImage.open(path).convert("RGB"))
    top, left = ((side - SIDE) // 2 for side in pixels.shape[:2])
    part = pixels[top : top + SIDE, left : left + SIDE].astype(np.float32) / 255
    return torch.from_numpy(part).permute(2, 0, 1)[None].contiguous()


def normal(x: Image, generator: torch.Generator) -> Image:
    """Standard normal numbers of the shape of a picture."""
    return torch.randn(x.shape, generator=generator)


def stored(x: Image) -> Image:
    """In 8 bits."""
    return (x.clamp(0, 1) * 255).round() / 255


def smooth(x: Image) -> Image:
    """Blurred by (1, 2, 1) / 4 along both axes."""
    taps = torch.tensor([1.0, 2, 1]) / 4
    return F.conv2d(x, torch.outer(taps, taps).expand(3, 1, 3, 3), padding=1, groups=3)


def bayer(x: Image) -> Image:
    """The colours that a Bayer pattern sees, interpolated linearly."""
    seen = pattern(x.shape[-2], x.shape[-1]).to(x)
    return smooth(x * seen) / smooth(seen)
