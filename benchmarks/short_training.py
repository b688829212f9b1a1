"""A training of two minutes from scratch, as a user starts it, on patches of sample photographs.

What comes of it is no good generator: the figures show that it learns at all, and how fast.
"""

import json
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from priorfit.networks.classifier import Classifier
from priorfit.networks.generator import Generator
from priorfit.records.state_file import load_state
from priorfit.train.data import load
from priorfit.train.families import FAMILIES
from priorfit.train.judge import Judge
from priorfit.train.run import STATE

SIZE, EACH = 16, 400
"""Side of the patches in pixels, and how many are cut from each photograph."""

_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_FEATURES = "scenes-features"


def patches(folder: Path) -> None:
    """Cut patches out of sample photographs of scikit-image, each photograph a class."""
    draw = np.random.default_rng(0)
    for name in _PHOTOGRAPHS:
        place = folder / name
        place.mkdir(parents=True)
        whole = Image.fromarray(getattr(data, name)())
        for number in range(EACH):
            side = int(draw.integers(SIZE, 6 * SIZE))
            left, top = (int(draw.integers(0, extent - side)) for extent in whole.size)
            patch = whole.crop((left, top, left + side, top + side))
            patch.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(place / f"{number}.png")


def measure(minutes: float, results: Path, threads: int) -> None:
    """Train each family for a share of the minutes, and write how far it came."""
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        patches(folder / "patches")
        for family in ("biggan", "stylegan"):
            rows[family] = _trained(folder, family, minutes / 2, threads)
    report = {
        "command": "python -m benchmarks short-training",
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "threads": threads,
        "torch": torch.__version__,
        "photographs": f"{EACH * len(_PHOTOGRAPHS)} patches of {SIZE}×{SIZE} pixels",
        "families": rows,
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    results.write_text(text + "\n")
    print(text)


def _trained(folder: Path, family: str, minutes: float, threads: int) -> dict[str, float]:
    arguments = ["train", "generator", "--data", "patches", "-o", family, "--family", family]
    arguments += ["--size", str(SIZE), "--minutes", str(minutes), "--threads", str(threads)]
    command = [sys.executable, "-m", "priorfit", *arguments, "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    learnt = load(folder / "patches", SIZE)
    judge = Judge(Classifier.from_pretrained(_FEATURES).embed, learnt.images)
    untrained, _ = FAMILIES[family](SIZE, len(learnt.classes), 32).started(0)
    curve = load_state(folder / family / STATE)["curve"]
    seen, seconds = curve[-1]["images"], curve[-1]["seconds"]
    after = judge.judge(Generator.from_pretrained(folder / family))
    return {
        "images": seen,
        "images a second": round(seen / seconds, 1),
        "distance before": round(judge.judge(untrained).distance, 2),
        "distance after": round(after.distance, 2),
    }
