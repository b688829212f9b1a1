"""12: what scanners, phones and archives write is read, and written where it can be."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from benchmarks.strangers_desk import (
    Array,
    Desk,
    Seen,
    Situation,
    colour,
    eight,
    failed,
    grey,
    sixteen,
)

SIDE = 48

Written = Callable[[Path], tuple[str, Array]]
"""Write a file; the format that it is written as again, and its samples, of 0 to 255."""


def situations() -> Iterator[Situation]:
    """Every format read into a PNG, and written as itself."""
    for name, (written, loss) in FORMATS.items():
        right = f"read, at most {loss}/255 off in the mean"
        yield Situation(12, f"{name} read", right, partial(_read, written=written, loss=loss))
        right = "written in its own format, or in another that is said"
        yield Situation(12, f"{name} written", right, partial(_written, written=written))
    yield Situation(12, "HEIC", "read with the extra, else one line that names it", _heic)


def _pillow(ending: str, mode: str = "RGB", **how: object) -> Written:
    def write(path: Path) -> tuple[str, Array]:
        image = Image.fromarray(eight(colour(SIDE)))
        image.convert(mode).save(path.with_suffix(ending), **how)
        shown = image if mode == "CMYK" else image.convert(mode)
        return ending, np.asarray(shown.convert("L" if mode in ("1", "L") else "RGB"), float)

    return write


def _encoded(ending: str, encode: Callable[[Array], bytes], pixels: Array) -> Written:
    def write(path: Path) -> tuple[str, Array]:
        path.with_suffix(ending).write_bytes(encode(pixels))
        return ending, pixels * (255 / (65535 if pixels.dtype == np.uint16 else 255))

    return write


def _twelve(path: Path) -> tuple[str, Array]:
    pixels = sixteen(grey(SIDE), 4095)
    data = imagecodecs.jpeg_encode(pixels, level=98, bitspersample=12)
    path.with_suffix(".jpg").write_bytes(data)
    return ".jpg", pixels * (255 / 4095)


def _tiff(**how: object) -> Written:
    def encode(pixels: Array) -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, **how)
        return file.getvalue()

    return _encoded(".tif", encode, eight(colour(SIDE)))


_JXL = partial(imagecodecs.jpegxl_encode, lossless=True)

FORMATS: dict[str, tuple[Written, float]] = {
    "BMP": (_pillow(".bmp"), 0),
    "BMP, palette": (_pillow(".bmp", "P"), 0),
    "PPM": (_pillow(".ppm"), 0),
    "PGM": (_pillow(".pgm", "L"), 0),
    "PBM": (_pillow(".pbm", "1"), 0),
    "CMYK JPEG": (_pillow(".jpg", "CMYK", quality=98), 6),
    "CMYK TIFF": (_pillow(".tif", "CMYK"), 6),
    "L*a*b* TIFF": (_pillow(".tif", "LAB"), 60),
    "JPEG 2000": (_pillow(".jp2"), 0),
    "JPEG 2000, 16 bits": (
        _encoded(".jp2", partial(imagecodecs.jpeg2k_encode, level=0), sixteen(grey(SIDE))),
        0.6,
    ),
    "JPEG XL": (_encoded(".jxl", _JXL, eight(colour(SIDE))), 0),
    "AVIF": (_pillow(".avif", quality=95), 4),
    "JPEG of 12 bits": (_twelve, 2),
    "JPEG in TIFF": (_tiff(compression="jpeg", photometric="rgb"), 4),
    "LZW TIFF": (_tiff(compression="lzw", photometric="rgb"), 0),
    "fax TIFF": (_pillow(".tif", "1", compression="group4"), 0),
    "WebP": (_pillow(".webp", lossless=True), 0),
}


def _read(desk: Desk, written: Written, loss: float) -> Seen:
    ending, pixels = written(desk.folder / "a")
    ran = desk.command("denoise", f"a{ending}", "-o", "b.png", "--noise-std", 0)
    if (wrong := failed(ran)) is not None:
        return wrong
    ours = desk.read("b.png")
    ours = ours / (257 if ours.max() > 255 else 1)
    if ours.shape != pixels.shape:
        return Seen(f"{ours.shape} instead of {pixels.shape}", False)
    off = float(np.abs(ours - pixels).mean())
    return Seen(f"{off:.2g}/255 off", off <= loss)


def _written(desk: Desk, written: Written) -> Seen:
    ending, _ = written(desk.folder / "a")
    options = ("--noise-std", 0.05, "--steps", 1, "--json")
    ran = desk.command("denoise", f"a{ending}", "-o", "out/", *options)
    if (wrong := failed(ran)) is not None:
        return wrong
    name = Path(ran.records[0]["output"]).name
    told = " ".join([*ran.records[0]["notes"], ran.err])
    same = Path(name).suffix == ending
    return Seen(name if same else f"{name}: {told[:120]}", same or len(told) > 0)


def _heic(desk: Desk) -> Seen:
    # Made of a box that says HEIC and no picture: with the reader it is damaged, else it is named.
    box = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    (desk.folder / "a.heic").write_bytes(box + bytes(200))
    ran = desk.command("denoise", "a.heic", "-o", "b.png")
    said = "damaged" in ran.said or "priorfit[heic]" in ran.said
    return Seen(f"exit {ran.status}: {ran.said[-120:]}", ran.status == 1 and ran.is_plain and said)
