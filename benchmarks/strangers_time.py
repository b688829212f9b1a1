"""5 and 13: short time limits and Ctrl-C, for every task, and the demonstration."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image
from scipy import ndimage

from benchmarks.strangers_desk import (
    Array,
    Desk,
    Ran,
    Seen,
    Situation,
    colour,
    eight,
    failed,
    large,
    noise,
    psnr,
)

TASKS = ("denoise", "inpaint", "upscale", "deblur", "dejpeg", "fuse")
_RIGHT = "a picture not worse than the input or the cheapest method"
_SLOW = 20.0
"""Seconds beyond twice its limit that a command may take where others use the machine."""


def situations() -> Iterator[Situation]:
    """Limits of one second and of some for every task, large pictures, Ctrl-C."""
    for task in TASKS:
        for limit in (1, 8):
            look = partial(_limited, task=task, limit=limit)
            yield Situation(5, f"{task}, --time-limit {limit}", _RIGHT, look)
    for task in ("denoise", "inpaint", "upscale"):
        look = partial(_limited, task=task, limit=15, size=_LARGE[task])
        yield Situation(5, f"{task} to 3 megapixels, --time-limit 15", _RIGHT, look)
    for task in ("denoise", "inpaint", "upscale"):
        look = partial(_stopped, task=task, after=7)
        yield Situation(
            5, f"{task}, Ctrl-C 7 s after it began", f"{_RIGHT}, within two seconds", look
        )
    look = partial(_stopped, task="denoise", after=15, size=_LARGE["denoise"])
    right = f"{_RIGHT}, within two seconds"
    yield Situation(5, "denoise 3 megapixels, Ctrl-C 15 s after it began", right, look)
    yield Situation(
        5, "denoise --steps 3", "the fit, and a line that a cheaper way is better", _few
    )
    yield Situation(13, "the demonstration, in full runs only", "exit 0, no “0/?”", _demo)


_LARGE = {"denoise": (1500, 2000), "inpaint": (1500, 2000), "upscale": (750, 1000)}


def _pose(desk: Desk, task: str, size: tuple[int, int] | None) -> tuple[list, Array, float]:
    """Write the files of a task.

    Returns:
        The beginning of its command, what is sought (H, W, 3) in [0, 1], and the PSNR of the
        input or, where that is none, of the cheapest way.
    """
    scale = 2 if task == "upscale" else 1
    side = 256 if scale == 2 else 192
    whole = colour(side) if size is None else large(scale * size[0], scale * size[1])
    clean = 0.05 + 0.9 * whole
    damaged, more = _damage(desk, task, clean)
    if task == "dejpeg":
        Image.fromarray(eight(clean)).save(desk.folder / "in.jpg", quality=15)
        damaged = np.asarray(Image.open(desk.folder / "in.jpg")) / 255
        return ["dejpeg", "in.jpg"], clean, psnr(damaged, clean)
    desk.png("in.png", eight(damaged))
    if task == "fuse":
        return ["fuse", *more, "--no-flash", "in.png"], clean, psnr(damaged, clean)
    least = _cheapest(task, desk, damaged, clean)
    return [task, "in.png", *more], clean, psnr(least, clean)


def _damage(desk: Desk, task: str, clean: Array) -> tuple[Array, list]:
    if task == "denoise":
        return np.clip(clean + noise(clean.shape, 20 / 255), 0, 1), []
    if task == "inpaint":
        hole = np.random.default_rng(0).random(clean.shape[:2]) < 0.4
        desk.png("hole.png", eight(hole))
        return np.where(hole[..., None], 0, clean), ["--hole-mask", "hole.png"]
    if task == "upscale":
        height, width = clean.shape[:2]
        small = Image.fromarray(eight(clean)).resize((width // 2, height // 2), Image.LANCZOS)
        return np.asarray(small) / 255, ["--factor", 2]
    if task == "deblur":
        return ndimage.gaussian_filter(clean, (1.5, 1.5, 0), mode="nearest"), ["--gaussian", 1.5]
    if task == "fuse":
        desk.png("flash.png", eight(clean**0.8))
        return np.clip(clean + noise(clean.shape, 30 / 255), 0, 1), ["--flash", "flash.png"]
    return clean, []


def _cheapest(task: str, desk: Desk, damaged: Array, clean: Array) -> Array:
    """The input; where it is no whole picture the cheapest way to one."""
    if task == "inpaint":
        hole = np.asarray(Image.open(desk.folder / "hole.png")) > 127
        nearest = ndimage.distance_transform_edt(hole, return_indices=True)[1]
        return damaged[tuple(nearest)]
    if task == "upscale":
        size = (clean.shape[1], clean.shape[0])
        return np.asarray(Image.fromarray(eight(damaged)).resize(size, Image.BICUBIC)) / 255
    return damaged


def _limited(desk: Desk, task: str, limit: float, size: tuple[int, int] | None = None) -> Seen:
    command, clean, least = _pose(desk, task, size)
    ran = desk.command(*command, "-o", "out.png", "--time-limit", limit)
    if (wrong := failed(ran)) is not None:
        return wrong
    after = psnr(desk.read("out.png") / 255, clean)
    in_time = ran.seconds <= 2 * limit + _SLOW
    told = f"{least:.2f} to {after:.2f} dB in {ran.seconds:.0f} s"
    return Seen(told, after >= least - 0.05 and in_time)


def _stopped(desk: Desk, task: str, after: float, size: tuple[int, int] | None = None) -> Seen:
    command, clean, least = _pose(desk, task, size)
    ran: Ran = desk.interrupted(*command, "-o", "out.png", after=after)
    told = f"exit {ran.status} after {ran.seconds:.1f} s"
    soon = ran.seconds <= 2 and ran.status == 130 and ran.is_plain
    if not desk.there("out.png"):
        return Seen(f"{told}, no picture: {ran.said[-90:]}", False)
    found = psnr(desk.read("out.png") / 255, clean)
    return Seen(f"{told}, {least:.2f} to {found:.2f} dB", soon and found >= least - 0.05)


def _few(desk: Desk) -> Seen:
    command, _, _ = _pose(desk, "denoise", None)
    ran = desk.command(*command, "-o", "out.png", "--steps", 3)
    said = "is better than this fit" in ran.said and "--hand-out best" in ran.said
    return failed(ran) or Seen(ran.said[:160], said)


def _demo(desk: Desk) -> Seen:
    if desk.quick:
        return Seen("left out", True)
    ran = desk.command("demo", "--out", "demo", limit=1800)
    page = desk.there("demo/index.html")
    if (wrong := failed(ran)) is not None:
        return wrong
    return Seen(f"exit 0 after {ran.seconds:.0f} s", page and "0/?" not in ran.said)
