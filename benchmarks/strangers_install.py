"""14: a wheel that is small and free of weights for research only."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.strangers_desk import Desk, Seen, Situation

ROOT = Path(__file__).parents[1]


def situations() -> Iterator[Situation]:
    """Both wheels, and what is said where the networks are not there."""
    yield Situation(14, "the wheel priorfit", "below 1.5 MB, no weights, Apache-2.0", _wheel)
    yield Situation(14, "the wheel priorfit-zoo", "the networks and their licence", _zoo)


def _built(desk: Desk, folder: Path) -> zipfile.ZipFile:
    """Build a wheel of a folder."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(desk.folder)]
    subprocess.run(line, cwd=folder, check=True, capture_output=True)
    return zipfile.ZipFile(next(desk.folder.glob("*.whl")))


def _wheel(desk: Desk) -> Seen:
    with _built(desk, ROOT) as wheel:
        names = wheel.namelist()
        size = sum(info.compress_size for info in wheel.infolist()) / 1e6
        metadata = wheel.read(next(n for n in names if n.endswith("METADATA"))).decode()
    weights = [name for name in names if name.endswith((".safetensors", ".pt", ".pth", ".npz"))]
    free = "License-Expression: Apache-2.0\n" in metadata
    told = f"{size:.2f} MB, {len(weights)} files of weights, {'' if free else 'not '}Apache-2.0"
    return Seen(told, size < 1.5 and not weights and free)


def _zoo(desk: Desk) -> Seen:
    with _built(desk, ROOT / "src" / "priorfit" / "zoo") as wheel:
        names = wheel.namelist()
        size = sum(info.compress_size for info in wheel.infolist()) / 1e6
    weights = [name for name in names if name.endswith(".safetensors")]
    licence = any("LICENSE" in name for name in names)
    return Seen(f"{size:.1f} MB, {len(weights)} networks", bool(weights) and licence)
