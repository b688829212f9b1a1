"""2, 3, 6 and 12: texture that is taken for noise, dots that are taken for faults, byte order."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from skimage import data

from benchmarks.camera import Camera, bilinear, gradient_corrected
from benchmarks.strangers_desk import (
    Array,
    Desk,
    Seen,
    Situation,
    eight,
    failed,
    grey,
    noise,
    psnr,
)

SIDE = 160


def situations() -> Iterator[Situation]:
    """Grass, gravel and bricks with noise of several kinds; stipple, sand, stars and drawn dots."""
    for name in _TEXTURES:
        right = "level between 0.75 and 1.6 of the truth"
        yield Situation(2, f"{name}, white noise of 5/255", right, partial(_white, name=name))
        look = partial(_through, name=name)
        yield Situation(3, f"{name} through a camera", "not 1 dB below the noisy picture", look)
    for photons in (30, 200):
        look = partial(_photons, photons=photons)
        yield Situation(2, f"{photons} photons in white", "within a quarter of the truth", look)
    for name, drawn in _DOTS.items():
        look = partial(_kept, drawn=drawn)
        yield Situation(6, f"{name} on uneven ground", "not filled", look)
    right = "bytes in the same order, same values"
    for dtype in (">f4", ">u2", ">i4"):
        look = partial(_order, dtype=dtype)
        yield Situation(12, f".npy of {dtype}", right, look)


_TEXTURES = {"grass": data.grass, "gravel": data.gravel, "bricks": data.brick}


def _level(desk: Desk, noisy: Array, truth: float, bounds: tuple[float, float]) -> Seen:
    desk.png("a.png", noisy)
    options = ("--noise-std", "auto", "--steps", 1, "--force", "--json")
    ran = desk.command("denoise", "a.png", "-o", "out.png", *options)
    if (wrong := failed(ran)) is not None:
        return wrong
    ratio = ran.records[0]["noise_std"] / truth
    return Seen(f"{ratio:.2f} of the truth", bounds[0] <= ratio <= bounds[1])


def _white(desk: Desk, name: str) -> Seen:
    clean = _TEXTURES[name]()[:SIDE, :SIDE] / 255
    noisy = eight(clean + noise(clean.shape, 5 / 255))
    return _level(desk, noisy, float(np.sqrt(np.square(noisy / 255 - clean).mean())), (0.75, 1.6))


def _photons(desk: Desk, photons: int) -> Seen:
    clean = 0.05 + 0.85 * grey(SIDE)
    noisy = eight(np.random.default_rng(0).poisson(photons * clean) / photons)
    truth = float(np.sqrt(np.square(noisy / 255 - clean).mean()))
    return _level(desk, noisy, truth, (0.75, 1.25))


def _through(desk: Desk, name: str) -> Seen:
    scene = torch.from_numpy(_TEXTURES[name]()[:SIDE, :SIDE] / 255).expand(1, 3, -1, -1)
    said, right = [], True
    for demosaick, photons, quality in ((bilinear, 300, 95), (gradient_corrected, 1000, 90)):
        camera = Camera(demosaick, photons, 0.01, quality)
        noisy, clean = (
            each[0].permute(1, 2, 0).numpy()
            for each in camera(scene, torch.Generator().manual_seed(0))
        )
        desk.png("a.png", eight(noisy))
        ran = desk.command("denoise", "a.png", "-o", "out.png", "--overwrite")
        if (wrong := failed(ran)) is not None:
            return wrong
        before, after = psnr(noisy, clean), psnr(desk.read("out.png") / 255, clean)
        said.append(f"{before:.2f} to {after:.2f} dB")
        right &= after > before - 1
    return Seen(", ".join(said), right)


def _ground(side: int = 128) -> Array:
    rows, columns = np.mgrid[:side, :side] / side
    return 0.3 + 0.3 * rows + 0.1 * np.sin(6 * columns)


def _stippled(draws: np.random.Generator) -> Array:
    return np.where(draws.random((128, 128)) < 0.03, _ground() + 0.3, _ground())


def _sand(draws: np.random.Generator) -> Array:
    grains = draws.normal(0, 0.25, (128, 128))
    return np.where(draws.random((128, 128)) < 0.1, _ground() + grains, _ground())


def _stars(draws: np.random.Generator) -> Array:
    lights = np.where(draws.random((128, 128)) < 0.01, draws.exponential(0.3, (128, 128)), 0)
    return 0.1 * _ground() + lights + draws.normal(0, 0.004, (128, 128))


def _drawing(draws: np.random.Generator) -> Array:
    density = 0.06 * (_ground() / _ground().max()) ** 6
    return np.where(draws.random((128, 128)) < density, 0.0, 0.4 + 0.2 * _ground())


_DOTS = {"stipple": _stippled, "sand": _sand, "stars": _stars, "dots that shade": _drawing}


def _kept(desk: Desk, drawn: Callable[[np.random.Generator], Array]) -> Seen:
    picture = eight(drawn(np.random.default_rng(5)))
    desk.png("a.png", picture)
    ran = desk.command("denoise", "a.png", "-o", "out.png", "--noise-std", 0, "--json")
    if (wrong := failed(ran)) is not None:
        return wrong
    changed = int((desk.read("out.png") != picture).sum())
    notes = [note for note in ran.records[0]["notes"] if "not filled" in note]
    return Seen(f"{changed} changed; {' '.join(notes)[:80]}", changed == 0)


def _order(desk: Desk, dtype: str) -> Seen:
    stored = (1000 * grey(40)).astype(dtype)
    np.save(desk.folder / "a.npy", stored)
    options = ("--noise-std", 0.05, "--steps", 1, "--hand-out", "as-it-was")
    ran = desk.command("denoise", "a.npy", "-o", "b.npy", *options)
    if (wrong := failed(ran)) is not None:
        return wrong
    ours = np.load(desk.folder / "b.npy")
    same = ours.dtype == stored.dtype and np.allclose(ours, stored, rtol=1e-6)
    return Seen(f"{ours.dtype.str}, {'same' if same else 'other'} values", same)
