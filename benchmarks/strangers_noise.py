"""2, 3 and 6: how strong noise is, noise of cameras, and specks."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks.camera import bilinear, gradient_corrected, pattern
from benchmarks.strangers_desk import (
    Array,
    Desk,
    Seen,
    Situation,
    colour,
    eight,
    failed,
    grey,
    noise,
    psnr,
    sixteen,
)

SIDE = 192
STD = 10 / 255

Damage = Callable[[Array], Array]
"""A noisy photograph in 8 bits, (H, W, 3), to a larger or partly covered one."""


def situations() -> Iterator[Situation]:
    """Borders, captions, saturation and files; simulated cameras; specks of several kinds."""
    yield Situation(2, "noise of 10/255, borders of one value", _QUARTER, _borders)
    yield Situation(2, "captions, white and black strips with letters", _QUARTER, _captions)
    yield Situation(2, "saturated and flat areas", _QUARTER, _saturated)
    yield Situation(2, "8 and 16 bits, 12 bits in 16, floats", _QUARTER, _depths)
    yield Situation(2, "JPEG of quality 85 to 98", _QUARTER, _compressed)
    yield Situation(2, "levels of 3, 20 and 40/255 with a border", _QUARTER, _levels)
    yield Situation(2, "level never above the picture's own deviation", "all below", _bounded)
    yield Situation(2, "a picture of one value", "left as it was, no warning", _constant)
    right = "0.3 dB above the best cheap method"
    for way in ("bilinear", "gradient-corrected"):
        for quality in (90, 98):
            look = partial(_camera, way=way, quality=quality)
            yield Situation(3, f"camera, {way} demosaicking, JPEG {quality}", right, look)
    yield Situation(3, "camera, its true level told", "not below the noisy picture", _told)
    right = "specks gone, or named with what removes them"
    for kind in ("salt and pepper", "salt", "hot pixels", "dead pixels", "coloured specks"):
        yield Situation(6, f"{kind}, noise beside", right, partial(_specks, kind=kind, std=0.02))
    for kind in ("salt and pepper", "hot pixels"):
        look = partial(_specks, kind=kind, std=0)
        yield Situation(6, f"{kind}, no other noise", right, look)


_QUARTER = "within a quarter of the truth"


def _photograph(std: float = STD, seed: int = 0) -> tuple[Array, float]:
    """A noisy photograph of 8 bits, and how far it is from the clean one."""
    clean = 0.1 + 0.8 * colour(SIDE)
    noisy = eight(clean + noise(clean.shape, std, seed))
    return noisy, float(np.sqrt(np.square(noisy / 255 - clean).mean()))


def _estimates(desk: Desk, files: list[Path]) -> list[float] | Seen:
    """Noise levels of pictures by the command, as fractions of full scale."""
    names = [path.name for path in files]
    ran = desk.command("denoise", *names, "-o", "out/", "--steps", 1, "--force", "--json")
    if (wrong := failed(ran)) is not None:
        return wrong
    return [record["noise_std"] for record in ran.records]


def _within(desk: Desk, files: list[Path], truths: list[float]) -> Seen:
    """Whether every estimate is within a quarter of the truth."""
    found = _estimates(desk, files)
    if isinstance(found, Seen):
        return found
    ratios = {p.stem: each / t for p, each, t in zip(files, found, truths, strict=True)}
    listed = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    return Seen(f"of the truth: {listed}", all(0.75 <= r <= 1.25 for r in ratios.values()))


def _damaged(desk: Desk, damages: dict[str, Damage], std: float = STD) -> Seen:
    noisy, truth = _photograph(std)
    files = [desk.png(f"{name}.png", damage(noisy)) for name, damage in damages.items()]
    return _within(desk, files, [truth] * len(files))


def _border(width: int, value: int) -> Damage:
    sides = ((width, width), (width, width), (0, 0))
    return lambda y: np.pad(y, sides, constant_values=value)


def _borders(desk: Desk) -> Seen:
    values = {f"16 of {value}": _border(16, value) for value in (0, 1, 3, 64, 128, 254, 255)}
    widths = {f"{width} of 128": _border(width, 128) for width in (4, 48)}
    return _damaged(desk, values | widths)


def _captions(desk: Desk) -> Seen:
    def caption(paper: int, ink: int, height: int) -> Damage:
        def add(y: Array) -> Array:
            strip = Image.new("RGB", (y.shape[1], height), (paper,) * 3)
            ImageDraw.Draw(strip).text((5, 3), "Fig. 3: a sample, 10 µm", (ink,) * 3)
            return np.concatenate([y, np.asarray(strip)])

        return add

    shapes = {"white": (255, 0, 24), "black": (0, 255, 24), "grey, high": (200, 20, 90)}
    return _damaged(desk, {name: caption(*how) for name, how in shapes.items()})


def _saturated(desk: Desk) -> Seen:
    def covered(value: int, share: float) -> Damage:
        return lambda y: np.where(np.arange(len(y))[:, None, None] < share * len(y), value, y)

    shapes = {
        "third white": covered(255, 0.33),
        "half black": covered(0, 0.5),
        "half grey": covered(117, 0.5),
    }
    return _damaged(desk, {n: lambda y, d=d: d(y).astype(np.uint8) for n, d in shapes.items()})


def _depths(desk: Desk) -> Seen:
    clean = 0.1 + 0.8 * grey(SIDE)
    noisy = clean + noise(clean.shape, STD)
    np.save(desk.folder / "float32.npy", noisy.astype(np.float32))
    np.save(desk.folder / "float32-4095.npy", (4095 * noisy).astype(np.float32))
    files = [
        desk.png("8bits.png", eight(noisy)),
        desk.png("16bits.png", sixteen(noisy)),
        desk.png("12bits.png", sixteen(noisy, 4095)),
        desk.folder / "float32.npy",
    ]
    return _within(desk, files, [STD, STD, STD * 4095 / 65535, STD])


def _compressed(desk: Desk) -> Seen:
    clean = 0.1 + 0.8 * colour(SIDE)
    noisy = Image.fromarray(eight(clean + noise(clean.shape, STD)))
    files, truths = [], []
    for quality in (85, 92, 98):
        files.append(desk.folder / f"q{quality}.jpg")
        noisy.save(files[-1], quality=quality)
        stored = np.asarray(Image.open(files[-1])) / 255
        truths.append(float(np.sqrt(np.square(stored - clean).mean())))
    return _within(desk, files, truths)


def _levels(desk: Desk) -> Seen:
    files, truths = [], []
    for level in (3, 20, 40):
        noisy, truth = _photograph(level / 255)
        files.append(desk.png(f"{level}.png", _border(16, 128)(noisy)))
        truths.append(truth)
    return _within(desk, files, truths)


def _bounded(desk: Desk) -> Seen:
    made = {
        "noise": 0.5 + noise((96, 96), 0.1),
        "letters": (grey(96) > 0.5).astype(float),
        "one speck": np.pad(np.ones((1, 1)), ((40, 55), (40, 55))),
        "stripes": np.tile([0.2, 0.8], (96, 48)),
        "two halves": np.repeat([[0.1, 0.9]], 96, 0).repeat(48, 1),
    }
    files = [desk.png(f"{name}.png", eight(image)) for name, image in made.items()]
    found = _estimates(desk, files)
    if isinstance(found, Seen):
        return found
    stds = [float(eight(image).std()) / 255 for image in made.values()]
    found_and_own = zip(made, found, stds, strict=True)
    over = [f"{n} {255 * e:.0f} of {255 * s:.0f}" for n, e, s in found_and_own if e > s + 0.002]
    return Seen(", ".join(over) + " above" if over else "all below", not over)


def _constant(desk: Desk) -> Seen:
    name = desk.png("one.png", np.full((64, 64), 90, np.uint8)).name
    ran = desk.command("denoise", name, "-o", "out.png")
    if (wrong := failed(ran)) is not None:
        return wrong
    same = (desk.read("out.png") == 90).all()
    return Seen(ran.said[-120:], bool(same) and not re.search(r"\de-\d", ran.said))


def _shot(desk: Desk, way: str, quality: int) -> float:
    """Write what a camera makes of a photograph, and the same without noise; its noise level."""
    side = 96 if desk.quick else 192
    clean = 0.05 + 0.9 * colour(side)
    generator = np.random.default_rng(0)
    seen = pattern(side, side)
    light = (np.moveaxis(clean, -1, 0) * seen[0].numpy()).sum(0)
    raw = generator.poisson(light * 400) / 400 + generator.normal(0, 0.01, light.shape)
    demosaick = {"bilinear": bilinear, "gradient-corrected": gradient_corrected}[way]

    def developed(mosaic: Array) -> Array:
        colours = demosaick(torch.from_numpy(mosaic)[None, None], seen)
        return eight(colours[0].permute(1, 2, 0).numpy())

    truth = developed(light)
    Image.fromarray(truth).save(desk.folder / "clean.png")
    Image.fromarray(developed(raw)).save(desk.folder / "shot.jpg", quality=quality)
    stored = np.asarray(Image.open(desk.folder / "shot.jpg"))
    return float(np.sqrt(np.square((stored - truth.astype(float)) / 255).mean()))


def _camera(desk: Desk, way: str, quality: int) -> Seen:
    _shot(desk, way, quality)
    clean, limit = desk.read("clean.png"), ("--time-limit", 20) if desk.quick else ()
    found = {"noisy": psnr(desk.read("shot.jpg"), clean, 255)}
    for name in ("best", "non-local-means", "block-matching"):
        how = (*limit, "--hand-out", name) if name == "best" else ("--hand-out", name)
        ran = desk.command("denoise", "shot.jpg", "-o", f"{name}.png", *how)
        if (wrong := failed(ran)) is not None:
            return wrong
        found[name] = psnr(desk.read(f"{name}.png"), clean, 255)
    ours = found.pop("best")
    listed = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    least = max(found["non-local-means"], found["block-matching"]) + 0.3
    return Seen(f"{ours:.2f} dB, {listed}", ours >= max(least, found["noisy"]))


def _told(desk: Desk) -> Seen:
    level = _shot(desk, "bilinear", 95)
    options = ("--reference", "clean.png", "--json", "--noise-std", f"{level:.4f}")
    limit = ("--time-limit", 15) if desk.quick else ()
    ran = desk.command("denoise", "shot.jpg", "-o", "out.png", *options, *limit)
    if (wrong := failed(ran)) is not None:
        return wrong
    truth = desk.read("clean.png")
    before, after = (psnr(desk.read(n), truth, 255) for n in ("shot.jpg", "out.png"))
    return Seen(f"{before:.2f} to {after:.2f} dB", after >= before)


def _specks(desk: Desk, kind: str, std: float) -> Seen:
    side = 96 if desk.quick else 192
    clean = 0.15 + 0.7 * (colour(side) if kind == "coloured specks" else grey(side))
    damaged = eight(clean + noise(clean.shape, std))
    generator = np.random.default_rng(3)
    where = generator.random(clean.shape) < (0.05 if "salt" in kind else 0.004)
    light = generator.random(clean.shape) < 0.5
    values = {"salt": 255, "hot pixels": 255, "dead pixels": 0}
    value = values.get(kind, np.where(light, 255, 0))
    damaged = np.where(where, value, damaged).astype(np.uint8)
    desk.png("specks.png", damaged)
    limit = ("--time-limit", 12) if desk.quick else ()
    ran = desk.command("denoise", "specks.png", "-o", "out.png", "--json", *limit)
    if (wrong := failed(ran)) is not None:
        return wrong
    ours = desk.read("out.png") / 255
    push = (damaged / 255 - clean)[where]
    told_apart = np.abs(push) > 0.2  # white on white is no speck
    left = ((ours - clean)[where] / push)[told_apart] > 0.5
    notes = " ".join(ran.records[0]["notes"])
    named = "inpaint" in notes and any(word in notes for word in ("speck", "hot", "impulse"))
    before, after = psnr(damaged / 255, clean), psnr(ours, clean)
    told = f"{before:.2f} to {after:.2f} dB, {100 * left.mean():.0f} % of them left"
    gone = left.mean() <= 0.1 and after > before
    return Seen(told + (", named" if named else ""), bool(gone) or named)
