"""11: what is said of wrong input and wrong usage, in one line that helps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import tifffile
from PIL import Image

from benchmarks.strangers_desk import Desk, Seen, Situation, eight, grey


@dataclass(frozen=True)
class Line:
    """A command and what it ought to say.

    Args:
        command: as it is typed, in a folder with the files of `_lay`.
        status: of its exit.
        words: that are said.
        never: words that are not.
        seconds: that it may take at most.
    """

    command: str
    status: int
    words: tuple[str, ...]
    never: tuple[str, ...] = ()
    seconds: float = 60


LINES = (
    Line("denoise scans -o out", 1, ("scans", "folder"), ("cannot be written",)),
    Line("denoise Thumbs.db -o out/", 1, ("Thumbs.db", "image"), ("cannot be written",)),
    Line("denoise gone.png -o out.png", 1, ("gone.png",), ("cannot be written",)),
    Line("denoise empty.png -o out.png", 1, ("empty.png",)),
    Line("denoise cut.png -o out.png", 1, ("cut.png",)),
    Line("denoise a.png b.png -o there.png", 1, ("there.png",)),
    Line("denoise a.png -o -", 2, ("standard output",)),
    Line("denoise a.png -o a.png", 2, ("a.png",)),
    Line("denoise a.png b.png -o out/ --device gpu", 1, ("gpu", "cuda")),
    Line("denoise a.png -o out.png --memory-limit 10", 1, ("memory",), ("0×0", " 0 pixels")),
    Line("denoise a.png -o out.png --memory-limit lots", 2, ("8GB",)),
    Line("denoise https://example.org/a.png -o out.png", 1, ("https://example.org", "address")),
    Line("denoise a.png -o https://example.org/a.png", 2, ("address",)),
    Line("inpaint a.png --mask m.png -o out.png", 2, ("--hole-mask",)),
    Line("inpaint a.png -o out.png", 1, ("mask",)),
    Line("denoise a.png --sigma 0.1 -o out.png", 2, ("--noise-std",)),
    Line("deblur a.png --sigma 2 -o out.png", 2, ("--gaussian",)),
    Line("upscale a.png --scale 2 -o out.png", 2, ("--factor",)),
    Line("upscale a.png --factor 0 -o out.png", 2, ("factor",)),
    Line("upscale a.png --factor 1.5 -o out.png", 2, ("whole number",)),
    Line("denoise a.png --time-limit 0 -o out.png", 2, ("above 0",)),
    Line("denoise a.png --recipe dip/denoize -o out.png", 2, ("dip/denoise",)),
    Line("deblur a.png --psf stack.tif -o out.png", 1, ("stack.tif",)),
    Line("deblur a.png --psf flat.npy -o out.png", 1, ("PSF", "flat.npy")),
    Line("denoise stack.tif -o out.tif", 1, ("stack.tif", "page")),
    Line("dejpeg a.png -o out.png", 1, ("JPEG",)),
    Line("denose a.png -o out.png", 2, ("denoise",)),
    Line("sr a.png -o out.png", 2, ("upscale",)),
    Line("a.png -o out.png", 2, ("command",)),
    Line("colorize a.png -o out.png", 2, ("on its way",)),
    Line("invert a.png -o out.png", 2, ("on its way",)),
    Line("edit a.png -o out.png", 2, ("on its way",)),
    Line("denoise one.png -o out.png --steps 1 --force", 0, ("1 step",), ("1 steps", "e-")),
    Line("resume nothing.run", 1, ("nothing.run",)),
    Line("--version", 0, ("priorfit 0",), seconds=3),
    Line("-h", 0, ("denoise",), seconds=5),
    Line("denoise -h", 0, ("--hand-out", "--time-limit"), seconds=5),
    Line("--help", 0, ("--install-completion",), seconds=5),
)


def situations() -> Iterator[Situation]:
    """Every line."""
    for line in LINES:
        right = f"exit {line.status}, says {', '.join(line.words)}"
        right += f" in {line.seconds:g} s" if line.seconds < 60 else ""
        yield Situation(11, f"`priorfit {line.command}`", right, partial(_said, line=line))


def _lay(desk: Desk) -> None:
    """The files that the commands name."""
    pixels = eight(grey(64))
    for name in ("a.png", "b.png", "there.png"):
        desk.png(name, pixels)
    desk.png("one.png", np.full((48, 48), 100, np.uint8))
    desk.png("m.png", eight(np.eye(64)))
    (desk.folder / "scans").mkdir()
    desk.png("scans/c.png", pixels)
    (desk.folder / "Thumbs.db").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    (desk.folder / "empty.png").write_bytes(b"")
    whole = (desk.folder / "a.png").read_bytes()
    (desk.folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(pixels).save(desk.folder / "a.bmp")
    tifffile.imwrite(desk.folder / "stack.tif", np.ones((5, 9, 9), np.float32))
    np.save(desk.folder / "flat.npy", np.zeros((5, 5)))


def _said(desk: Desk, line: Line) -> Seen:
    _lay(desk)
    before = {path.name for path in desk.folder.iterdir()}
    ran = desk.command(*line.command.split())
    said = all(word.lower() in ran.said.lower() for word in line.words)
    never = any(word in ran.said for word in line.never)
    right = ran.status == line.status and said and not never and ran.is_plain
    left = {path.name for path in desk.folder.iterdir()} - before
    clean = line.status == 0 or not left
    wall = "" if line.seconds == 60 else f", {ran.seconds:.1f} s"
    told = f"exit {ran.status}{wall}: {ran.said[:110] if line.status == 0 else ran.said[-150:]}"
    told += f"; left {', '.join(sorted(left))}" if not clean else ""
    return Seen(told, right and clean and ran.seconds <= line.seconds)
