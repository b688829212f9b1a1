"""What the recipes for more time blend in, measured alone: the estimates without a network.

`python -m benchmarks.best [IMAGE ...]`: the smallest images of every suite, whole, from the
published inputs. The recipes themselves are measured by `priorfit bench dip --recipe
dip/denoise-best` and the like. What is measured is kept at once and not measured again.
"""

import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch

from benchmarks.suites import RESULTS, SHARED
from priorfit.bench.damages import levels
from priorfit.bench.suites import SUITES
from priorfit.classical import guides
from priorfit.cli.session import set_up
from priorfit.problem import Problem
from priorfit.recipes.dip.parts import ENLARGED, FILLED_LONGER
from priorfit.types import Image

SMALLEST = {
    "pixels50": ("Cameraman256", "house", "montage", "peppers256"),
    "set5_x4": ("butterfly", "head", "woman", "bird"),
    "denoise25": ("hill", "F16", "baboon", "lena"),
    "set14_x4": ("face", "comic", "coastguard", "foreman"),
}
ESTIMATES: dict[str, tuple[str, Callable[[Problem], Image]]] = {
    "denoise25": ("block matching", guides.block_matching),
    "pixels50": ("plug and play", FILLED_LONGER),
    "set5_x4": ("plug and play", ENLARGED),
    "set14_x4": ("plug and play", ENLARGED),
}


def measure(path: Path, only: tuple[str, ...]) -> None:
    """Measure what is not in the file yet."""
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(row["suite"], row["image"]) for row in rows}
    for suite, names in SMALLEST.items():
        for name in names:
            if (suite, name) not in done and (not only or name in only):
                rows.append(_one(suite, name))
                path.write_text(json.dumps(rows, indent=1) + "\n")
                print(json.dumps(rows[-1]), flush=True)


def _one(suite: str, name: str) -> dict[str, object]:
    case = SUITES[suite].case(name, SHARED)
    problem = case.problem
    about, estimate = ESTIMATES[suite]
    started = time.process_time()
    image = estimate(problem)
    seconds = time.process_time() - started
    psnr = case.score(levels(problem.apply_finish(image)))["psnr"]
    return {
        "suite": suite,
        "image": name,
        "estimate": about,
        "psnr": round(psnr, 2),
        "processor_seconds": round(seconds, 1),
        "command": "python -m benchmarks.best",
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
    }


if __name__ == "__main__":
    set_up(1)
    measure(RESULTS / "best.json", tuple(sys.argv[1:]))
