"""7 and 9: masks with grey rims, holes larger than what is known, masks of one bit."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import tifffile
from PIL import Image, ImageDraw

import priorfit as pf
from benchmarks.strangers_desk import (
    Array,
    Desk,
    Seen,
    Situation,
    colour,
    eight,
    failed,
    grey,
    psnr,
)

Shape = Callable[[int], Array]
"""Side of a square to the places that are known."""

KNOWN: dict[str, Shape] = {
    "left 40 %": lambda n: np.arange(n)[None] < 0.4 * np.ones((n, 1)) * n,
    "left tenth": lambda n: np.arange(n)[None] < 0.1 * np.ones((n, 1)) * n,
    "middle quarter": lambda n: _block(n, n // 4, n // 4, n // 2),
    "corner quarter": lambda n: _block(n, 0, 0, n // 2),
    "one column": lambda n: _block(n, 0, n // 2, n) & (np.arange(n)[None] == n // 2),
    "scratches, upside down": lambda n: np.random.default_rng(0).random((n, n)) < 0.08,
}


def situations() -> Iterator[Situation]:
    """Known parts of several shapes in files and arrays, rims, masks of one bit."""
    right = "a picture; what is known bit for bit"
    for name, shape in KNOWN.items():
        for seed in (0, 1, 2):
            look = partial(_array, shape=shape, seed=seed)
            yield Situation(9, f"{name} known, seed {seed}", right, look)
    for name in ("left 40 %", "scratches, upside down"):
        yield Situation(9, f"{name} known, files", right, partial(_files, shape=KNOWN[name]))
    yield Situation(9, "outpainting through alpha", right, _outpaint)
    yield Situation(9, "nothing known, nothing missing", "one line each, exit 1", _empty)
    right = "white is the hole, or a line that it was turned"
    for way in ("tifffile", "white is zero", "Pillow"):
        yield Situation(9, f"TIFF mask of one bit, {way}", right, partial(_one_bit, way=way))
    right = "as good as with a mask of two values, within 1 dB"
    yield Situation(7, "anti-aliased mask", right, partial(_soft, jpeg=False))
    yield Situation(7, "anti-aliased mask as JPEG", right, partial(_soft, jpeg=True))
    yield Situation(7, "--grow-mask 2 on a mask too narrow", "no rim left", _grown)


def _block(n: int, top: int, left: int, side: int) -> Array:
    known = np.zeros((n, n), bool)
    known[top : top + side, left : left + side] = True
    return known


def _kept(ours: Array, image: Array, known: Array) -> Seen:
    """Whether what was known is the same, and the rest a picture."""
    same = np.array_equal(ours[known], image[known])
    there = np.isfinite(ours).all() and np.ptp(ours[~known]) > 0
    return Seen(
        "kept, filled" if same and there else f"kept {same}, filled {there}", same and there
    )


def _array(desk: Desk, shape: Shape, seed: int) -> Seen:
    image, known = eight(grey(64)), shape(64)
    ours = pf.inpaint(image, ~known, rng=seed, steps=3)
    return _kept(ours, image, known)


def _files(desk: Desk, shape: Shape) -> Seen:
    image, known = eight(colour(64)), shape(64)
    desk.png("a.png", image)
    desk.png("hole.png", eight(~known))
    ran = desk.command("inpaint", "a.png", "--hole-mask", "hole.png", "-o", "b.png", "--steps", 3)
    return failed(ran) or _kept(desk.read("b.png"), image, known)


def _outpaint(desk: Desk) -> Seen:
    image = np.zeros((80, 80, 4), np.uint8)
    image[24:56, 24:56] = np.dstack([eight(colour(32)), np.full((32, 32), 255, np.uint8)])
    desk.png("a.png", image)
    ran = desk.command("inpaint", "a.png", "--hole-from-alpha", "-o", "b.png", "--steps", 3)
    known = image[..., 3] == 255
    return failed(ran) or _kept(desk.read("b.png")[..., :3], image[..., :3], known)


def _empty(desk: Desk) -> Seen:
    desk.png("a.png", eight(grey(48)))
    lines = []
    for value in (0, 255):
        desk.png("m.png", np.full((48, 48), value, np.uint8))
        ran = desk.command("inpaint", "a.png", "--hole-mask", "m.png", "-o", "b.png")
        lines.append((ran.status, ran.is_plain, ran.said))
    right = all(status == 1 and plain for status, plain, _ in lines)
    return Seen("; ".join(said[-80:] for *_, said in lines), right)


def _one_bit(desk: Desk, way: str) -> Seen:
    hole = ~KNOWN["corner quarter"](48)
    image = eight(grey(48))
    desk.png("a.png", image)
    path = desk.folder / "m.tif"
    if way == "tifffile":
        tifffile.imwrite(path, hole)
    elif way == "white is zero":
        tifffile.imwrite(path, eight(~hole), photometric="miniswhite")
    else:
        Image.fromarray(hole).save(path)
    ran = desk.command("inpaint", "a.png", "--hole-mask", "m.tif", "-o", "b.png", "--steps", 2)
    return failed(ran) or _kept(desk.read("b.png"), image, ~hole)


def _strokes(side: int) -> Array:
    """Strokes with soft rims, (side, side), 255 in their middle."""
    drawing = Image.new("L", (4 * side, 4 * side))
    draw = ImageDraw.Draw(drawing)
    for start, end in (((10, 30), (200, 350)), ((300, 20), (60, 330)), ((20, 200), (370, 210))):
        points = [tuple(value * side // 96 for value in point) for point in (start, end)]
        draw.line(points, fill=255, width=14 * side // 96)
    return np.asarray(drawing.resize((side, side), Image.BOX))


def _soft(desk: Desk, *, jpeg: bool) -> Seen:
    clean, strokes = eight(grey(96)), _strokes(96)
    share = strokes / 255
    desk.png("a.png", (share * 255 + (1 - share) * clean).round().astype(np.uint8))
    desk.png("hard.png", eight(strokes > 0))
    soft = "soft.jpg" if jpeg else "soft.png"
    Image.fromarray(strokes).save(desk.folder / soft, **({"quality": 95} if jpeg else {}))
    found = []
    for mask in (soft, "hard.png"):
        options = ("--hole-mask", mask, "-o", "out.png", "--overwrite", "--steps", desk.steps)
        ran = desk.command("inpaint", "a.png", *options)
        if (wrong := failed(ran)) is not None:
            return wrong
        found.append(psnr(desk.read("out.png"), clean, 255))
    return Seen(f"{found[0]:.2f}, with two values {found[1]:.2f} dB", found[0] > found[1] - 1)


def _grown(desk: Desk) -> Seen:
    clean, strokes = eight(grey(96)), _strokes(96)
    desk.png("a.png", np.where(strokes > 0, 255, clean).astype(np.uint8))
    desk.png("m.png", eight(strokes > 250))
    found = []
    for grow in (0, 2):
        options = ("-o", "out.png", "--overwrite", "--grow-mask", grow, "--steps", desk.steps)
        ran = desk.command("inpaint", "a.png", "--hole-mask", "m.png", *options)
        if (wrong := failed(ran)) is not None:
            return wrong
        found.append(psnr(desk.read("out.png"), clean, 255))
    return Seen(f"{found[0]:.2f} to {found[1]:.2f} dB", found[1] > found[0] + 3)
