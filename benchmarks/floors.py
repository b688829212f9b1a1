"""The whole command on named images, several seeds: PSNR and wall time beside cheap alternatives.

Every run is kept in its file at once, so that an interrupted benchmark goes on where it was.
"""

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.suites import RESULTS, SUITES, Case, cheap, score


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Args:
        suites: names in `SUITES`.
        seeds: how many, from 0.
        images: how many of each suite.
        variant: appended to the name of the recipe, such as `-unguided`.
        threads: of each command.
        results: file to keep the runs in.
    """

    suites: tuple[str, ...] = tuple(SUITES)
    seeds: int = 3
    images: int = 5
    variant: str = ""
    threads: int = 2
    results: Path = RESULTS / "floors.json"


def measure(plan: Plan) -> None:
    """Run what is not in the results yet."""
    path = plan.results
    kept: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    done = {(row["suite"], row["image"], row["recipe"], row["seed"]) for row in kept}
    for case, recipe, seed in _runs(plan):
        if (case.suite, case.name, recipe, seed) not in done:
            kept.append(_one(case, recipe, seed, plan.threads))
            path.write_text(json.dumps(kept, indent=1) + "\n")
            print(json.dumps(kept[-1]), flush=True)


def _runs(plan: Plan) -> Iterator[tuple[Case, str, int]]:
    for seed in range(plan.seeds):
        for suite in plan.suites:
            for case in list(SUITES[suite]())[: plan.images]:
                yield case, f"dip/{case.arguments[0]}{plan.variant}", seed


def _one(case: Case, recipe: str, seed: int, threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(case.damaged).save(folder / "damaged.png")
        arguments = [case.arguments[0], "damaged.png", "-o", "restored.png", *case.arguments[1:]]
        if case.hole is not None:
            Image.fromarray(case.hole).save(folder / "hole.png")
            arguments += ["--hole-mask", "hole.png"]
        arguments += ["--recipe", recipe, "--seed", str(seed), "--quiet"]
        arguments += ["--threads", str(threads)]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "priorfit", *arguments], cwd=folder, check=True)
        seconds = time.perf_counter() - started
        restored = np.asarray(Image.open(folder / "restored.png"))
        sidecar = json.loads((folder / "restored.png.json").read_text())
    alternatives = {name: round(score(case, image), 2) for name, image in cheap(case).items()}
    return {
        "suite": case.suite,
        "image": case.name,
        "recipe": recipe,
        "seed": seed,
        "psnr": round(score(case, restored), 2),
        "seconds": round(seconds, 1),
        "steps": sidecar["steps"],
        "alternatives": alternatives,
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "threads": threads,
        "torch": torch.__version__,
    }


def table(results: Path = RESULTS / "floors.json") -> str:
    """The results as Markdown, one row an image."""
    rows = json.loads(results.read_text())
    lines = []
    for key in sorted({(row["suite"], row["recipe"]) for row in rows}):
        of_key = [row for row in rows if (row["suite"], row["recipe"]) == key]
        others = list(of_key[0]["alternatives"])
        lines += ["", f"**{key[0]}**, `{key[1]}`", ""]
        lines += [f"| image | {' | '.join(others)} | ours, mean | spread | seeds | seconds |"]
        lines += ["|---" * (len(others) + 5) + "|"]
        means = []
        for image in dict.fromkeys(row["image"] for row in of_key):
            of_image = [row for row in of_key if row["image"] == image]
            psnr = [row["psnr"] for row in of_image]
            cheap_ones = [of_image[0]["alternatives"][other] for other in others]
            seconds = float(np.median([row["seconds"] for row in of_image]))
            means.append([*cheap_ones, float(np.mean(psnr))])
            lines += [_row(image, cheap_ones, psnr, seconds)]
        mean = np.mean(means, axis=0)
        lines += [f"| **mean** | {' | '.join(f'**{v:.2f}**' for v in mean)} | | | |"]
    return "\n".join(lines) + "\n"


def _row(image: str, others: list[float], psnr: list[float], seconds: float) -> str:
    cells = [image, *(f"{value:.2f}" for value in others), f"{np.mean(psnr):.2f}"]
    cells += [f"{max(psnr) - min(psnr):.2f}", str(len(psnr)), f"{seconds:.0f}"]
    return f"| {' | '.join(cells)} |"
