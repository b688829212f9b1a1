"""The cases in `../shared/cases/pictures`, where they lie beside the checkout."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from benchmarks.strangers_desk import Array, Desk, Ran, Seen, Situation, failed, psnr
from benchmarks.suites import SHARED

CASES = SHARED.parents[1] / "cases" / "pictures"


def situations() -> Iterator[Situation]:
    """Those whose folders are there."""
    for folder, (item, right, look) in _LOOKS.items():
        if (CASES / folder).is_dir():
            yield Situation(
                item, f"given, {folder}", right, partial(_laid, folder=folder, look=look)
            )


Look = Callable[[Desk], Seen]


def _laid(desk: Desk, folder: str, look: Look) -> Seen:
    """Look at a case in a copy of its folder."""
    shutil.copytree(CASES / folder, desk.folder, dirs_exist_ok=True)
    return look(desk)


def _limit(desk: Desk, seconds: int) -> tuple:
    return ("--time-limit", seconds) if desk.quick else ()


def _kept(names: tuple[str, str], desk: Desk) -> Seen:
    """Inpainting: what is known stays."""
    image, mask = names
    ran = desk.command("inpaint", image, "--hole-mask", mask, "-o", "out.png", "--steps", 2)
    if (wrong := failed(ran)) is not None:
        return wrong
    known = np.asarray(Image.open(desk.folder / mask).convert("L")) == 0
    same = np.array_equal(desk.read("out.png")[known], desk.read(image)[known])
    return Seen("kept, filled" if same else "changed", bool(same))


def _scales(desk: Desk) -> Seen:
    files = {"r65535.png": 65535, "r4095.png": 4095, "r444.png": 444}
    ran = desk.command("denoise", *files, "-o", "out/", *_limit(desk, 20))
    if (wrong := failed(ran)) is not None:
        return wrong
    clean = desk.read("clean_65535.png") / 65535
    found = [psnr(desk.read(f"out/{name}") / white, clean) for name, white in files.items()]
    listed = ", ".join(f"{each:.2f}" for each in found)
    apart = max(found) - min(found)
    return Seen(f"{listed} dB", apart <= (1.0 if desk.quick else 0.1) and min(found) > 28.5)


def _says(command: str, status: int, words: tuple[str, ...], desk: Desk) -> Seen:
    """Every word is said, in one line without a traceback."""
    ran = desk.command(*command.split())
    right = ran.status == status and ran.is_plain and all(word in ran.said for word in words)
    return Seen(f"exit {ran.status}: {ran.said[-120:]}", right)


def _density(desk: Desk) -> Seen:
    for name in ("cam12.tif", "rgb16gama.png"):
        out = f"out{Path(name).suffix}"
        ran = desk.command("upscale", name, "--factor", 2, "-o", out, "--steps", 2)
        if (wrong := failed(ran)) is not None:
            return wrong
    ratios = [_per_inch(desk, f"out{end}") / _per_inch(desk, name) for name, end in _ENLARGED]
    return Seen(
        f"times {ratios[0]:.3f} and {ratios[1]:.3f}", all(abs(r - 2) < 1e-3 for r in ratios)
    )


_ENLARGED = (("cam12.tif", ".tif"), ("rgb16gama.png", ".png"))


def _per_inch(desk: Desk, name: str) -> float:
    with Image.open(desk.folder / name) as image:
        if isinstance(image, TiffImageFile):  # whatever its unit
            return float(image.tag_v2[282])
        return float(image.info["dpi"][0])


def _gained(names: tuple[str, str], least: float, options: tuple, desk: Desk) -> Seen:
    """Denoising: so many dB above the noisy picture."""
    noisy, clean = names
    ran = desk.command("denoise", noisy, "-o", "out.png", *options, *_limit(desk, 20), "--json")
    if (wrong := failed(ran)) is not None:
        return wrong
    truth = _samples(desk, clean)
    before, after = (psnr(_samples(desk, name), truth) for name in (noisy, "out.png"))
    level = 255 * ran.records[0]["noise_std"]
    return Seen(f"{before:.2f} to {after:.2f} dB, level {level:.1f}/255", after > before + least)


def _samples(desk: Desk, name: str) -> Array:
    pixels = np.asarray(Image.open(desk.folder / name))
    return pixels / (65535 if pixels.dtype == np.uint16 else 255)


def _soft(desk: Desk) -> Seen:
    found = []
    for mask in ("aa_mask.png", "aa_mask_any.png"):
        options = ("--hole-mask", mask, "-o", "out.png", "--steps", 150, "--overwrite")
        ran = desk.command("inpaint", "aa_img.png", *options)
        if (wrong := failed(ran)) is not None:
            return wrong
        found.append(psnr(_samples(desk, "out.png"), _samples(desk, "aa_clean.png")))
    return Seen(f"{found[0]:.2f}, with two values {found[1]:.2f} dB", found[0] > found[1] - 1)


def _grey(desk: Desk) -> Seen:
    names = ("greyrgb_n.png", "grey_L.png")
    ran: Ran = desk.command("denoise", *names, "-o", "out/", "--steps", desk.steps)
    if (wrong := failed(ran)) is not None:
        return wrong
    three, one = (desk.read(f"out/{name}") for name in names)
    same = np.array_equal(three, np.stack([one] * 3, -1))
    return Seen("the same" if same else "others", same)


_HOT = ("hot.png", "hot_clean.png")
_LOOKS: dict[str, tuple[int, str, Look]] = {
    "01-inverted-mask": (
        9,
        "a picture; what is known bit for bit",
        partial(_kept, ("photo.png", "mask_upside_down.png")),
    ),
    "02-outpaint": (
        9,
        "a picture; what is known bit for bit",
        partial(_kept, ("photo.png", "hole.png")),
    ),
    "03-12bit-in-16bit": (1, "0.1 dB apart (in quick runs 1), 29.9 dB", _scales),
    "04-psf-zstack": (
        11,
        "refused in a line",
        partial(_says, "deblur blur16.png --psf psf_3d.tif -o o.png", 1, ("psf_3d.tif", "stack")),
    ),
    "07-folder-as-input": (
        11,
        "the folder is named",
        partial(_says, "denoise scans -o out1", 1, ("scans", "folder")),
    ),
    "08-noise-std-decimal": (
        1,
        "taken",
        partial(_says, "denoise m_img.png --noise-std 8.5/255 -o o.png --steps 2", 0, ("2 steps",)),
    ),
    "09-upscale-pixel-size": (10, "twice the pixels an inch", _density),
    "10-jpeg-12bit": (
        12,
        "said to be of 12 bits",
        partial(_says, "dejpeg j_12.jpg -o o.png", 1, ("12 bits",)),
    ),
    "11-camera-noise-estimate-explodes": (
        2,
        "level about 6.6/255, above the noisy picture",
        partial(_gained, ("camera96.png", "camera96_clean.png"), 0.0, ()),
    ),
    "12-flat-border-noise-zero": (
        2,
        "level about 10/255, denoised",
        partial(_gained, ("bordered.png", "bordered_clean.png"), 2.0, ()),
    ),
    "13-antialiased-mask": (7, "within 1 dB of the mask of two values", _soft),
    "14-hot-pixels": (6, "specks gone: 3 dB gained", partial(_gained, _HOT, 3.0, ())),
    "16-camera-noise-left": (
        3,
        "33.4 dB, as non-local means: 3.9 above the noisy picture",
        partial(_gained, ("d96_noisy.png", "d96_clean.png"), 3.9, ()),
    ),
    "18-grey-as-rgb-tint": (4, "the grey result three times", _grey),
}
