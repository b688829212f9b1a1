"""1: one picture gives one result whatever its units are."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import tifffile

import priorfit as pf
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
    sixteen,
)

STD = 0.07  # of the span
TYPES = {
    "0..65535 in 16 bits": (0, 65535, np.uint16),
    "0..4095 in 16 bits": (0, 4095, np.uint16),
    "300..1300 in 16 bits": (300, 1300, np.uint16),
    "0..444 in 16 bits": (0, 444, np.uint16),
    "−1000..1000 in int16": (-1000, 1000, np.int16),
    "0..255 in float32": (0, 255, np.float32),
    "−5..3 in float64": (-5, 3, np.float64),
    "1e6..1.001e6 in float64": (1e6, 1.001e6, np.float64),
    "0..1e−6 in float32": (0, 1e-6, np.float32),
}

Task = Callable[[Array, int], Array]


def situations() -> Iterator[Situation]:
    """Ranges and types by task, in arrays and files; noise levels as they are typed."""
    right = "as the picture in 0..1, within 0.1 dB (in quick runs 1.5)"
    for name, (low, high, kind) in TYPES.items():
        look = partial(_array, low=low, high=high, kind=kind)
        yield Situation(1, f"denoise an array, {name}", right, look)
    for task in ("inpaint", "upscale", "deblur", "fuse"):
        for name in ("0..4095 in 16 bits", "−5..3 in float64"):
            low, high, kind = TYPES[name]
            look = partial(_task, name=task, low=low, high=high, kind=kind)
            yield Situation(1, f"{task} an array, {name}", right, look)
    yield Situation(1, "photon counts 0..23 in 16 bits", "2 dB gained, same mean", _counts)
    yield Situation(1, "floats with two hot pixels", "3 dB gained beside them", _hot)
    right = "0.1 dB apart (in quick runs 1.5)"
    yield Situation(1, "PNG of 16 bits, 0..65535, 0..4095 and 0..444", right, _files)
    yield Situation(1, "TIFF of floats, 0..1 and 0..4095", right, _floats)
    for typed, std in (("0.1", 0.1), ("25/255", 25 / 255), ("8.5/255", 8.5 / 255)):
        look = partial(_typed, typed=typed, std=std, counts=None)
        yield Situation(1, f"--noise-std {typed}", f"noise_std {std:.4f}", look)
    look = partial(_typed, typed="12counts", std=12 / 65535, counts=12)
    yield Situation(1, "--noise-std 12counts, 16 bits", "noise_std 12/65535, and counts", look)
    right = "exit 2, both readings offered"
    yield Situation(1, "--noise-std 12", right, partial(_refused, typed="12"))
    yield Situation(1, "--noise-std 2.5", right, partial(_refused, typed="2.5"))


def _allowed(desk: Desk) -> float:
    """Decibels: roundings lead fits apart for some hundred steps, then they come together."""
    return 1.5 if desk.quick else 0.1


def _clean(side: int) -> Array:
    return 0.25 + 0.5 * grey(side)  # nothing is cut off at either end


def _denoise(image: Array, steps: int) -> Array:
    return pf.denoise(image, steps=steps)


def _apart(desk: Desk, task: Task, image: Array, clean: Array, how: tuple) -> Seen:
    """PSNR of a task in 0..1 and in other units."""
    low, high, kind = how
    scaled = low + (high - low) * image
    typed = scaled.round() if np.issubdtype(kind, np.integer) else scaled
    ours = np.asarray(task(typed.astype(kind), desk.steps), float)
    base = psnr(task(image.astype(np.float32), desk.steps), clean)
    other = psnr((ours - low) / (high - low), clean)
    return Seen(f"{other:.2f} dB, in 0..1 {base:.2f}", abs(other - base) <= _allowed(desk))


def _array(desk: Desk, low: float, high: float, kind: type) -> Seen:
    clean = _clean(desk.side)
    return _apart(desk, _denoise, clean + noise(clean.shape, STD), clean, (low, high, kind))


def _task(desk: Desk, name: str, low: float, high: float, kind: type) -> Seen:
    clean = _clean(desk.side)
    psf = np.outer(*[np.exp(-np.square(np.arange(-4, 5)) / 4)] * 2)
    hole = np.random.default_rng(1).random(clean.shape) < 0.5
    blurred = np.real(np.fft.ifft2(np.fft.fft2(clean) * np.fft.fft2(_around(psf, clean.shape))))
    small = clean.reshape(len(clean) // 2, 2, -1, 2).mean((1, 3))
    tasks: dict[str, tuple[Task, Array]] = {
        "inpaint": (lambda y, n: pf.inpaint(y, hole, steps=n), np.where(hole, 0.5, clean)),
        "upscale": (lambda y, n: pf.upscale(y, 2, kernel="area", steps=n), small),
        "deblur": (lambda y, n: pf.deblur(y, psf, steps=n), blurred),
        "fuse": (lambda y, n: pf.fuse(_like(clean, y, (low, high)), y, steps=n), clean**1.2),
    }
    task, image = tasks[name]
    return _apart(desk, task, image, clean, (low, high, kind))


def _like(flash: Array, y: Array, span: tuple[float, float]) -> Array:
    """The picture with flash in the units of the one without."""
    if y.dtype == np.float32:
        return flash.astype(np.float32)
    return (span[0] + (span[1] - span[0]) * flash).astype(y.dtype)


def _around(psf: Array, shape: tuple[int, ...]) -> Array:
    """A point spread function of sum 1 on a canvas, its middle at the corner."""
    canvas = np.zeros(shape)
    canvas[: len(psf), : len(psf)] = psf / psf.sum()
    return np.roll(canvas, (-(len(psf) // 2),) * 2, (0, 1))


def _counts(desk: Desk) -> Seen:
    clean = 2 + 15 * grey(desk.side)
    counts = np.random.default_rng(0).poisson(clean).astype(np.uint16)
    ours = pf.denoise(counts, steps=desk.steps)
    before, after = psnr(counts, clean, 23), psnr(ours, clean, 23)
    means = f"mean {ours.mean():.2f} of {counts.mean():.2f}"
    same = abs(ours.mean() / counts.mean() - 1) < 0.03
    return Seen(f"{before:.2f} to {after:.2f} dB, {means}", after > before + 2 and bool(same))


def _hot(desk: Desk) -> Seen:
    clean = _clean(desk.side)
    noisy = clean + noise(clean.shape, STD)
    noisy[5, 7], noisy[40, 21] = 900, 2500
    ours = pf.denoise(noisy.astype(np.float32), steps=desk.steps)
    beside = np.ones(clean.shape, bool)
    beside[3:8, 5:10] = beside[38:43, 19:24] = False
    before, after = psnr(noisy[beside], clean[beside]), psnr(ours[beside], clean[beside])
    return Seen(f"{before:.2f} to {after:.2f} dB", after > before + 3)


def _files(desk: Desk) -> Seen:
    clean = grey(desk.side)
    noisy = np.clip(clean + noise(clean.shape, STD), 0, 1)
    whites = (65535, 4095, 444)
    names = [desk.png(f"{white}.png", sixteen(noisy, white)).name for white in whites]
    ran = desk.command("denoise", *names, "-o", "out/", "--steps", desk.steps)
    if (wrong := failed(ran)) is not None:
        return wrong
    found = [psnr(desk.read(f"out/{white}.png"), white * clean, white) for white in whites]
    listed = ", ".join(f"{each:.2f}" for each in found)
    return Seen(
        f"{listed} dB; noisy {psnr(noisy, clean):.2f}", max(found) - min(found) <= _allowed(desk)
    )


def _floats(desk: Desk) -> Seen:
    clean = grey(desk.side)
    noisy = clean + noise(clean.shape, STD)
    whites = (1, 4095)
    for white in whites:
        tifffile.imwrite(desk.folder / f"{white}.tif", (white * noisy).astype(np.float32))
    ran = desk.command("denoise", "1.tif", "4095.tif", "-o", "out/", "--steps", desk.steps)
    if (wrong := failed(ran)) is not None:
        return wrong
    files = [(white, desk.folder / f"out/{white}.tif") for white in whites]
    found = [psnr(tifffile.imread(path), white * clean, white) for white, path in files]
    return Seen(f"{found[0]:.2f} and {found[1]:.2f} dB", abs(found[0] - found[1]) <= _allowed(desk))


def _typed(desk: Desk, typed: str, std: float, counts: float | None) -> Seen:
    noisy = grey(64) + noise((64, 64), 0.05)
    pixels = eight(noisy) if counts is None else sixteen(noisy, 500)
    name = desk.png("a.png", pixels).name
    ran = desk.command("denoise", name, "-o", "b.png", "--noise-std", typed, "--steps", 1, "--json")
    if (wrong := failed(ran)) is not None:
        return wrong
    record = ran.records[0]
    said = record["options"].get("noise_std_counts")
    right = abs(record["noise_std"] / std - 1) < 1e-3 and said == counts
    return Seen(f"noise_std {record['noise_std']:.4g}, counts {said}", right)


def _refused(desk: Desk, typed: str) -> Seen:
    name = desk.png("a.png", eight(grey(64))).name
    ran = desk.command("denoise", name, "-o", "b.png", "--noise-std", typed)
    offered = f"{typed}counts" in ran.said and f"{typed}/255" in ran.said
    return Seen(f"exit {ran.status}: {ran.said[-150:]}", ran.status == 2 and offered)
