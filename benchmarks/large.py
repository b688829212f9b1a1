"""Large pictures: memory and time foretold and taken, and whether a seam can be found.

`python -m benchmarks.large memory|megapixel|giant|seam-small|seam`, or all of them. Every figure of
memory taken is the most that a fresh process of the command had, as the system counts it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import torch

from benchmarks.speed import problem_of
from benchmarks.suites import RESULTS, SHARED
from priorfit import images, recipes
from priorfit.images import from_array
from priorfit.loop.memory import forecast
from priorfit.loop.tiles import Grid
from priorfit.metrics import psnr

KODAK = SHARED.parent / "Kodak24"
NOISE = 25 / 255
_MEGAPIXEL = (
    "dip/denoise",
    "dip/denoise-unguided",
    "dip/denoise-best",
    "dip/denoise-paper",
    "dip/inpaint",
    "dip/inpaint-best",
    "dip/upscale",
    "dip/upscale-guided",
    "dip/upscale-best",
    "dip/deblur",
    "dip/fuse",
)
_PLACE = Path(gettempdir()) / "priorfit-seam"


@dataclass(frozen=True)
class Case:
    """One command.

    Args:
        name: of the row.
        command: of priorfit, without files.
        size: (height, width) of the input.
        noisy: noise is added.
        masked: half the pixels are missing.
    """

    name: str
    command: tuple[str, ...]
    size: tuple[int, int]
    noisy: bool = False
    masked: bool = False


def _cases() -> list[Case]:
    """Recipes and sizes whose memory is measured."""
    denoise = [
        Case(name, ("denoise", "--recipe", name), (side, side), noisy=True)
        for name, side in (
            ("dip/denoise-unguided", 1024),
            ("dip/denoise", 384),
            ("dip/denoise-paper", 384),
            ("dip/denoise-unguided", 512),
        )
    ]
    inpaint = ("inpaint", "--recipe", "dip/inpaint-unguided")
    return [
        *denoise,
        Case("dip/upscale", ("upscale", "--factor", "4"), (128, 128)),
        Case("dip/inpaint-unguided", inpaint, (384, 384), masked=True),
        Case("dip/deblur", ("deblur", "--gaussian", "2"), (384, 384)),
        Case("dip/upscale", ("upscale", "--factor", "4"), (256, 256)),
    ]


def picture(size: tuple[int, int], start: int = 0) -> np.ndarray:
    """Photographs side by side, mirrored at their edges, (H, W, 3) uint8."""
    paths = sorted(KODAK.glob("*.png"))[start:]
    photographs = [np.rint(255 * images.read(path).pixels.transpose(1, 2, 0)) for path in paths]
    photographs = [photo.astype(np.uint8) for photo in photographs]
    wide = [
        photo if photo.shape[0] < photo.shape[1] else photo.transpose(1, 0, 2)
        for photo in photographs
    ]
    height, width = wide[0].shape[:2]
    rows, columns = -(-size[0] // height), -(-size[1] // width)

    def at(row: int, column: int) -> np.ndarray:
        photo = wide[(row * columns + column) % len(wide)][:height, :width]
        return photo[:: -1 if row % 2 else 1, :: -1 if column % 2 else 1]

    whole = [
        np.concatenate([at(row, column) for column in range(columns)], 1) for row in range(rows)
    ]
    return np.ascontiguousarray(np.concatenate(whole)[: size[0], : size[1]])


def _store(path: Path, array: np.ndarray) -> None:
    like = from_array(array, channel_axis=-1 if array.ndim == 3 else None)
    images.write(path, like.tensor(), like, overwrite=True)


def _inputs(case: Case, folder: Path, kind: str = "png") -> list[str]:
    """Write the files of a case and return its arguments."""
    array = picture(case.size)
    draws = np.random.default_rng(0)
    if case.noisy:
        noise = draws.standard_normal(array.shape, np.float32) * np.float32(255 * NOISE)
        array = np.clip(np.rint(array + noise), 0, 255).astype(np.uint8)
    _store(folder / f"in.{kind}", array)
    extra = []
    if case.masked:
        _store(folder / "hole.png", 255 * (draws.random(case.size) < 0.5).astype(np.uint8))
        extra = ["--hole-mask", str(folder / "hole.png")]
    return [case.command[0], str(folder / f"in.{kind}"), *case.command[1:], *extra]


def command(arguments: list[str], output: Path) -> dict[str, Any]:
    """Run the command in a process of its own, with one thread; its sidecar, peak and seconds."""
    line = [sys.executable, "-m", "priorfit", *arguments, "-o", str(output)]
    line += ["--threads", "1", "--json", "--overwrite"]
    begun_before = output.with_name(f"{output.name}.run")
    if (begun_before / "checkpoint.safetensors").is_file():
        line = [sys.executable, "-m", "priorfit", "resume", str(begun_before), "--json"]
    begun = time.perf_counter()
    with Popen(line, stdout=PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "peak": usage.ru_maxrss * 1024,
        "wall": time.perf_counter() - begun,
        "processor": usage.ru_utime + usage.ru_stime,
        "status": process.returncode,
        **json.loads(said),
    }


_KEPT = (
    "peak",
    "wall",
    "processor",
    "memory_foretold",
    "seconds_foretold",
    "seconds",
    "tiles",
    "steps",
)


def memory(results: Path) -> None:
    """Foretold beside measured peaks of recipes and sizes; what is recorded is not run again."""
    rows = json.loads(results.read_text()) if results.exists() else []
    for case in _cases():
        key = {"recipe": case.name, "size": list(case.size)}
        if any(key.items() <= row.items() for row in rows):
            continue
        with TemporaryDirectory() as folder:
            given = [*_inputs(case, Path(folder)), "--steps", "3", "--memory-limit", "1TB"]
            found = command(given, Path(folder) / "out.png")
        rows.append(key | {name: found[name] for name in _KEPT})
        results.write_text(json.dumps(rows, indent=1) + "\n")


def megapixel(results: Path) -> None:
    """What a megapixel of every task is foretold to take beside the process, by recipe."""
    found = {}
    for name in _MEGAPIXEL:
        found[name] = forecast(problem_of(name, 128), recipes.load(name)).memory(10**6)
        results.write_text(json.dumps(found, indent=1) + "\n")


def giant(results: Path, size: tuple[int, int] = (4000, 6000)) -> None:
    """24 megapixels under a limit of 8 GB, with two steps a tile."""
    case = Case(
        "dip/denoise-unguided", ("denoise", "--recipe", "dip/denoise-unguided"), size, noisy=True
    )
    with TemporaryDirectory() as folder:
        given = [*_inputs(case, Path(folder), "tif"), "--steps", "2", "--memory-limit", "8GB"]
        found = command(given, Path(folder) / "out.tif")
    row = {"recipe": case.name, "size": list(size), "limit": 8 * 10**9}
    results.write_text(json.dumps(row | {name: found[name] for name in _KEPT}, indent=1) + "\n")


def seam_of(result: torch.Tensor, reference: torch.Tensor, grid: Grid) -> dict[str, Any]:
    """Gradient of the error where tiles fade beside that right next to it, where no tile ends.

    Args:
        result: (1, C, H, W).
        reference: likewise.
        grid: the tiles.

    Returns:
        Mean absolute difference of neighbours in a strip around every fade, by that in a strip as
        wide on either side: `ratios`, columns first, and their mean; 1 means that no seam can be
        found. `elsewhere`: what lies between 5 and 95 % of such ratios along all other lines,
        and their median, since no two places of a picture are alike.
    """
    error = 255 * (result - reference)
    found, others = [], []
    for axis in (-1, -2):
        begins = sorted({window[axis + 2] for window in grid.windows})
        middles = [(after + before + grid.tile) // 2 for before, after in pairwise(begins)]
        steps = error.diff(dim=axis).abs().mean(dim=(0, 1, -1 if axis == -2 else -2))
        found += [_beside(steps, middle, grid.overlap // 2) for middle in middles]
        lines = range(3 * grid.overlap // 2, len(steps) - 3 * grid.overlap // 2, 8)
        free = [x for x in lines if all(abs(x - middle) >= grid.overlap for middle in middles)]
        others += [_beside(steps, line, grid.overlap // 2) for line in free]
    mean = sum(found) / max(len(found), 1)
    elsewhere = np.quantile(others, (0.05, 0.5, 0.95)).tolist() if others else None
    return {"ratio": mean, "ratios": found, "elsewhere": elsewhere}


def _beside(steps: torch.Tensor, line: int, half: int) -> float:
    inside = steps[line - half : line + half]
    outside = torch.cat(
        [steps[line - 3 * half : line - half], steps[line + half : line + 3 * half]]
    )
    return float(inside.mean() / outside.mean())


def seam(
    results: Path, size: tuple[int, int], tile: int, steps: int | None, *, whole: bool, folder: Path
) -> None:
    """Fit a picture in tiles, and in one piece if asked, and look for the seam.

    The run folder stays where it is until the fit is done, so that a killed one is gone on with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    case = Case(
        "dip/denoise-unguided", ("denoise", "--recipe", "dip/denoise-unguided"), size, noisy=True
    )
    given = [*_inputs(case, folder), "--noise-std", repr(NOISE)]
    given += [] if steps is None else ["--steps", str(steps)]
    reference = torch.from_numpy(picture(size)).permute(2, 0, 1)[None] / 255
    grid = Grid.of(size, tile)
    rows = {}
    ways = {"tiles": ["--tile", str(tile)]} | ({"whole": []} if whole else {})
    for name, more in ways.items():
        found = command([*given, *more], folder / f"{name}.png")
        image = images.read(folder / f"{name}.png").tensor()
        rows[name] = {key: found[key] for key in _KEPT} | {
            "psnr": psnr(image, reference).item(),
            "seam": seam_of(image, reference, grid),
        }
        entry = {"recipe": case.name, "size": list(size), "tile": tile, **rows}
        results.write_text(json.dumps(entry, indent=1) + "\n")


def _seam_small() -> None:
    place, results = _PLACE / "small", RESULTS / "large-seam-small.json"
    seam(results, (320, 480), 192, 300, whole=True, folder=place)


def _seam() -> None:
    place, results = _PLACE / "large", RESULTS / "large-seam.json"
    seam(results, (1152, 1736), 512, None, whole=False, folder=place)


PARTS: dict[str, Callable[[], None]] = {
    "memory": lambda: memory(RESULTS / "large-memory.json"),
    "megapixel": lambda: megapixel(RESULTS / "large-megapixel.json"),
    "giant": lambda: giant(RESULTS / "large-giant.json"),
    "seam-small": _seam_small,
    "seam": _seam,
}
"""What can be asked for, by name."""


def main(arguments: list[str]) -> None:
    """Run the part of a name, or all of them without one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("what", choices=list(PARTS), nargs="?")
    what = parser.parse_args(arguments).what
    for part in PARTS.values() if what is None else [PARTS[what]]:
        part()


if __name__ == "__main__":
    main(sys.argv[1:])
