"""4, 7 and 8: grey in three channels, transparent edges, alpha of arrays."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image

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
    noise,
    psnr,
)


def situations() -> Iterator[Situation]:
    """Grey as RGB in files and arrays, logos on nothing, RGBA arrays."""
    right = "the grey result three times"
    yield Situation(4, "grey PNG as RGB, denoise", right, partial(_files, ending="png"))
    yield Situation(4, "grey TIFF as RGB, denoise", right, partial(_files, ending="tif"))
    yield Situation(4, "grey picture in an RGB JPEG, dejpeg", "R = G = B", _jpeg)
    for task in ("denoise", "inpaint", "upscale", "deblur"):
        yield Situation(4, f"grey array in three channels, {task}", right, partial(_array, task))
    right = "not below the noisy picture, 1 dB gained"
    for share in (0.5, 0.9):
        look = partial(_shared, share=share)
        yield Situation(4, f"{share:.0%} of the noise shared by the channels", right, look)
    right = "no dark fringe: rim within 10/255 of the logo's colour"
    for under in (0, 255):
        yield Situation(7, f"upscale, {under} under alpha 0", right, partial(_logo, under=under))
    yield Situation(7, "upscale an RGBA array, black under alpha 0", right, _logo_array)
    for task in ("denoise", "inpaint", "enhance"):
        look = partial(_alpha, task=task)
        yield Situation(8, f"{task} an RGBA array", "alpha bit for bit", look)
    yield Situation(8, "upscale an RGBA array", "alpha enlarged, 0 and 255 kept", _alpha_larger)


def _files(desk: Desk, ending: str) -> Seen:
    clean = grey(desk.side)
    noisy = eight(clean + noise(clean.shape, 0.1))
    for name, pixels in (("grey", noisy), ("rgb", np.stack([noisy] * 3, -1))):
        Image.fromarray(pixels).save(desk.folder / f"{name}.{ending}")
    names = (f"grey.{ending}", f"rgb.{ending}")
    ran = desk.command("denoise", *names, "-o", "out/", "--steps", desk.steps)
    if (wrong := failed(ran)) is not None:
        return wrong
    one, three = (desk.read(f"out/{name}") for name in names)
    return _apart(one, three)


def _apart(one: Array, three: Array) -> Seen:
    off = np.abs(np.asarray(three, float) - np.asarray(one, float)[..., None]).max()
    return Seen(f"at most {off:.3g} from it", bool(off == 0))


def _jpeg(desk: Desk) -> Seen:
    three = np.stack([eight(grey(desk.side))] * 3, -1)
    Image.fromarray(three).save(desk.folder / "a.jpg", quality=20)
    ran = desk.command("dejpeg", "a.jpg", "-o", "out.png", "--steps", desk.steps)
    if (wrong := failed(ran)) is not None:
        return wrong
    ours = desk.read("out.png")
    apart = 0.0 if ours.ndim == 2 else float(np.ptp(ours, -1).max())
    return Seen(f"channels {apart:.0f}/255 apart", apart == 0)


def _array(task: str, desk: Desk) -> Seen:
    clean = grey(desk.side)
    noisy = eight(clean + noise(clean.shape, 0.05))
    hole = np.zeros(clean.shape, bool)
    hole[20:30, 10:40] = True
    how = {
        "denoise": lambda y, **more: pf.denoise(y, **more),
        "inpaint": lambda y, **more: pf.inpaint(y, hole, **more),
        "upscale": lambda y, **more: pf.upscale(y[::2, ::2], 2, **more),
        "deblur": lambda y, **more: pf.deblur(y, np.ones((3, 3)), **more),
    }[task]
    one = how(noisy, steps=20)
    return _apart(one, how(np.stack([noisy] * 3, -1), steps=20, channel_axis=-1))


def _shared(desk: Desk, share: float) -> Seen:
    clean = 0.1 + 0.8 * colour(96)
    common = noise((96, 96, 1), 0.1 * share**0.5)
    noisy = eight(clean + common + noise(clean.shape, 0.1 * (1 - share) ** 0.5, 1))
    desk.png("a.png", noisy)
    limit = ("--time-limit", 15) if desk.quick else ()
    ran = desk.command("denoise", "a.png", "-o", "out.png", *limit)
    if (wrong := failed(ran)) is not None:
        return wrong
    before, after = psnr(noisy / 255, clean), psnr(desk.read("out.png") / 255, clean)
    return Seen(f"{before:.2f} to {after:.2f} dB", after > before + 1)


def _disk(side: int, under: int) -> Array:
    """A bright disk on nothing, (side, side, 4)."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.clip(side / 3 - np.hypot(y, x) + 0.5, 0, 1)
    pixels = np.full((side, side, 4), under, np.uint8)
    pixels[inside > 0, :3] = (240, 200, 40)
    pixels[..., 3] = eight(inside)
    return pixels


def _rim(pixels: Array) -> Seen:
    """How far colours are from the disk's where they are seen at all."""
    shown = pixels[..., 3] > 25
    off = np.abs(pixels[..., :3].astype(float) - (240, 200, 40))[shown].max()
    return Seen(f"at most {off:.0f}/255 off", bool(off <= 10))


def _logo(desk: Desk, under: int) -> Seen:
    name = desk.png("logo.png", _disk(48, under)).name
    ran = desk.command("upscale", name, "--factor", 2, "-o", "out.png", "--steps", 150)
    return failed(ran) or _rim(desk.read("out.png"))


def _logo_array(desk: Desk) -> Seen:
    return _rim(pf.upscale(_disk(48, 0), 2, channel_axis=-1, steps=150))


def _with_alpha(side: int) -> Array:
    alpha = np.full((side, side), 255, np.uint8)
    alpha[:10] = 0
    alpha[10:20] = 120
    return np.dstack([eight(colour(side) + noise((side, side, 3), 0.1)), alpha])


def _alpha(desk: Desk, task: str) -> Seen:
    image = _with_alpha(64)
    hole = np.zeros((64, 64), bool)
    hole[30:36, 5:50] = True
    more = {"hole_mask": hole} if task == "inpaint" else {}
    ours = getattr(pf, task)(image, channel_axis=-1, steps=10, **more)
    same = np.array_equal(ours[..., 3], image[..., 3]) and ours.shape == image.shape
    return Seen("the same" if same else "changed", same)


def _alpha_larger(desk: Desk) -> Seen:
    ours = pf.upscale(_with_alpha(48), 2, channel_axis=-1, steps=10)
    alpha = ours[..., 3]
    kept = bool((alpha[:14] == 0).all() and (alpha[48:] == 255).all())
    return Seen(f"{ours.shape}, {'kept' if kept else 'not kept'}", kept)
