"""The pictures of docs/gallery.md, made by the command line from photographs of scikit-image alone.

`python -m benchmarks.gallery [--only NAME] [--threads N] [--work FOLDER]`; an exhibit that is there
is not made again, nor is a result in the folder. Figures go to benchmarks/results/gallery.json,
pictures to docs/gallery/.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks import gallery_inputs as inputs
from benchmarks.gallery_inputs import Files
from benchmarks.suites import RESULTS
from priorfit import images
from priorfit.metrics import psnr
from priorfit.report.sheet import side_by_side
from priorfit.types import Image

ROOT = Path(__file__).resolve().parents[1]
PICTURES, FIGURES = ROOT / "docs" / "gallery", RESULTS / "gallery.json"


@dataclass(frozen=True)
class Exhibit:
    """A task, shown.

    Args:
        make: gives the files by name, without ending; `truth` is what results are measured with,
            `damaged` what is restored; those of masks are (1, 1, H, W).
        commands: result's name to the words after `priorfit`; files by the names of `make`, `OUT`
            is the result's own.
        shown: the names of what the picture shows, in order.
        classical: further results by name, of no network.
        scale: how many times larger it is shown.
    """

    make: Callable[[], Files]
    commands: Mapping[str, str]
    shown: tuple[str, ...]
    classical: Mapping[str, Callable[[Files], Image]] = field(default_factory=dict)
    scale: int = 2


_MASK = "--hole-mask hole.png"

EXHIBITS = {
    "before-after": Exhibit(
        lambda: inputs.noisy_and_overwritten("chelsea"),
        {
            "denoised": "denoise noisy.png -o OUT",
            "filled": f"inpaint overwritten.png {_MASK} -o OUT",
        },
        ("noisy", "denoised", "overwritten", "filled"),
        scale=1,
    ),
    "pixels50": Exhibit(
        lambda: inputs.missing("camera", 0.5),
        {"restored": f"inpaint damaged.png {_MASK} -o OUT --steps 400"},
        ("damaged", "biharmonic", "restored", "truth"),
        {"biharmonic": inputs.biharmonic},
    ),
    "jpeg": Exhibit(
        lambda: inputs.compressed("chelsea", 15),
        {"restored": "dejpeg damaged.jpg -o OUT"},
        ("damaged", "total variation", "restored", "truth"),
        {"total variation": inputs.smoothed},
    ),
    "blur": Exhibit(
        lambda: inputs.blurred("coffee", 1.6),
        {"restored": "deblur damaged.png --gaussian 1.6 -o OUT --steps 400"},
        ("damaged", "Wiener", "restored", "truth"),
        {"Wiener": inputs.wiener},
    ),
    "region": Exhibit(
        lambda: inputs.cut_out("coffee", inputs.blobs),
        {"restored": f"inpaint damaged.png {_MASK} -o OUT --steps 400"},
        ("damaged", "biharmonic", "restored", "truth"),
        {"biharmonic": inputs.biharmonic},
    ),
    "large-hole": Exhibit(
        lambda: inputs.cut_out("brick", inputs.square, 128),
        {
            "default": f"inpaint damaged.png {_MASK} -o OUT --steps 400",
            "restored": f"inpaint damaged.png {_MASK} -o OUT --recipe dip/inpaint-large",
            "published": f"inpaint damaged.png {_MASK} -o OUT --recipe dip/inpaint-large-paper "
            "--steps 400",
        },
        ("damaged", "biharmonic", "default", "restored", "published", "truth"),
        {"biharmonic": inputs.biharmonic},
    ),
    "sparse": Exhibit(
        lambda: inputs.missing("coffee", 0.98),
        {"restored": f"inpaint damaged.png {_MASK} -o OUT"},
        ("damaged", "nearest", "biharmonic", "restored", "truth"),
        {"biharmonic": inputs.biharmonic, "nearest": inputs.nearest},
    ),
    "flash": Exhibit(
        lambda: inputs.flashed("chelsea"),
        {
            "fused": "fuse --flash flash.png --no-flash damaged.png -o OUT",
            "denoised": "denoise damaged.png -o OUT --steps 400",
        },
        ("damaged", "flash", "denoised", "fused", "truth"),
    ),
    "enhance": Exhibit(
        lambda: {"picture": inputs.photograph("astronaut")},
        {
            "coarse": "enhance picture.png -o OUT --amount -1",
            "enhanced": "enhance picture.png -o OUT",
        },
        ("picture", "coarse", "enhanced", "unsharp mask"),
        {"unsharp mask": inputs.unsharp},
    ),
    "snapshots": Exhibit(
        lambda: inputs.noisy("astronaut", 64),
        {
            "restored": "denoise damaged.png --noise-std 25/255 -o OUT --recipe dip/denoise-paper "
            "--steps 2400 --snapshots 1,100,600,2400"
        },
        (
            "damaged",
            "restored-step1",
            "restored-step100",
            "restored-step600",
            "restored-step2400",
            "truth",
        ),
        scale=3,
    ),
}


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__)
    parser.add_argument("--only", choices=[*EXHIBITS], help="this one, again if it is there")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, help="keep the files of the commands there")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for name, exhibit in EXHIBITS.items():
        there = name in _figures() and (PICTURES / f"{name}.jpg").exists()
        if name == asked.only or (asked.only is None and not there):
            with tempfile.TemporaryDirectory() as place:
                folder = Path(asked.work or place) / name
                folder.mkdir(parents=True, exist_ok=True)
                _keep(name, _made(name, exhibit, folder, asked.threads))


def _made(name: str, exhibit: Exhibit, folder: Path, threads: int) -> dict[str, object]:
    """Run the commands of an exhibit, write its picture, and give its figures."""
    files = exhibit.make()
    for role, image in files.items():
        inputs.write(folder, role, image)
    found = {role: image for role, image in files.items() if isinstance(image, torch.Tensor)}
    found |= {role: make(files) for role, make in exhibit.classical.items()}
    for role, words in exhibit.commands.items():
        if not (folder / f"{role}.png").exists():
            _run(folder, words.replace("OUT", f"{role}.png"), threads)
    for path in (*folder.glob("*.png"), *folder.glob("*.jpg")):
        found.setdefault(path.stem, images.read(path).tensor())
    figures = _decibels(found)
    row = [(_label(role, figures), _large(found[role], exhibit.scale)) for role in exhibit.shown]
    sheet = side_by_side(row)
    sheet.save(PICTURES / f"{name}.jpg", quality=87)
    commands = {role: f"priorfit {words}" for role, words in exhibit.commands.items()}
    told: dict[str, object] = {"psnr": figures, "commands": commands}
    return told | {"threads": threads, "date": str(date.today())}


def _run(folder: Path, words: str, threads: int) -> None:
    command = [sys.executable, "-P", "-m", "priorfit", *shlex.split(words)]
    more = ["--threads", str(threads), "--quiet", "--overwrite"]
    subprocess.run([*command, *more], cwd=folder, check=True)


def _decibels(found: Mapping[str, Image]) -> dict[str, float]:
    truth = found.get("truth")
    if truth is None:
        return {}
    return {
        role: round(psnr(image, truth).item(), 2)
        for role, image in sorted(found.items())
        if role not in ("truth", "hole", "flash") and image.shape == truth.shape
    }


def _label(role: str, figures: Mapping[str, float]) -> str:
    name = role.removeprefix("restored-").replace("step1", "start", role.endswith("step1"))
    return f"{name}  {figures[role]:.2f} dB" if role in figures else name


def _large(image: Image, scale: int) -> Image:
    return F.interpolate(image, scale_factor=scale) if scale > 1 else image


def _figures() -> dict[str, object]:
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else {}


def _keep(name: str, told: Mapping[str, object]) -> None:
    FIGURES.write_text(json.dumps(_figures() | {name: told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
