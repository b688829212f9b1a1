"""10: metadata is kept, moved, scaled or named, whatever the formats."""

import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import tifffile
from PIL import Image, PngImagePlugin

from benchmarks.strangers_desk import Desk, Ran, Seen, Situation, eight, failed, grey

_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="stranger"/></rdf:RDF></x:xmpmeta>'
)
_CAPTION = b"an IPTC caption"
_IPTC = b"\x1c\x02\x78" + struct.pack(">H", len(_CAPTION)) + _CAPTION
_GEO = {33550: (0.5, 0.5, 0.0), 33922: (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0)}

KINDS = {
    "resolution": ("resolution", "dpi", "pixels per", "density"),
    "comment": ("comment", "description", "text"),
    "XMP": ("xmp",),
    "IPTC": ("iptc",),
    "EXIF": ("exif",),
}
"""What is carried, and the words by which it may be named."""


def situations() -> Iterator[Situation]:
    """Every format into every other, enlargements, places on maps."""
    for source in ("jpg", "png", "tif"):
        for target in ("jpg", "png", "tif", "webp"):
            look = partial(_carried, source=source, target=target)
            yield Situation(10, f"metadata, {source} to {target}", "kept or named", look)
    for ending in ("jpg", "png", "tif"):
        right = "resolution twice what it was"
        yield Situation(10, f"upscale --factor 2, {ending}", right, partial(_larger, ending=ending))
    yield Situation(10, "GeoTIFF and nodata, denoise", "tags kept", partial(_map, factor=1))
    right = "pixel scale halved, tags kept"
    yield Situation(10, "GeoTIFF and nodata, upscale", right, partial(_map, factor=2))
    yield Situation(10, "DocumentName and PageName of a TIFF", "kept or named", _names)
    yield Situation(10, "pixel size of ImageJ, upscale", "twice the pixels per unit", _imagej)


def _write(path: Path) -> None:
    """A grey picture with all that its format holds, of 300 pixels an inch."""
    image = Image.fromarray(eight(grey(48)))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    if path.suffix == ".jpg":
        image.save(path, dpi=(300, 300), comment=b"a comment", exif=exif, xmp=_XMP, quality=95)
        block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(_IPTC)) + _IPTC
        block += b"\0" * (len(_IPTC) % 2)
        data = path.read_bytes()
        segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
        path.write_bytes(data[:2] + segment + data[2:])
    elif path.suffix == ".png":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", "a comment")
        texts.add_itxt("XML:com.adobe.xmp", _XMP.decode())
        image.save(path, dpi=(300, 300), pnginfo=texts, exif=exif)
    else:
        tags = [(270, "s", 0, "a comment", True), (271, "s", 0, "Maker", True)]
        tags += [(700, "B", len(_XMP), _XMP, True), (33723, "B", len(_IPTC), _IPTC, True)]
        how = {"metadata": None, "resolution": (300, 300), "resolutionunit": 2}
        tifffile.imwrite(path, eight(grey(48)), extratags=tags, **how)


def _found(path: Path) -> set[str]:
    """What of it a file has, looked for in its bytes."""
    data = path.read_bytes()
    with Image.open(path) as image:
        dpi = image.info.get("dpi") or _per_inch(image)
        exif = image.getexif().get(0x010F) == "Maker"
    there = {
        "resolution": dpi is not None and abs(float(dpi[0]) - 300) < 1,
        "comment": b"a comment" in data,
        "XMP": b"stranger" in data,
        "IPTC": _CAPTION in data,
        "EXIF": exif,
    }
    return {kind for kind, is_there in there.items() if is_there}


def _per_inch(image: Image.Image) -> tuple[float, ...] | None:
    block = image.getexif()
    inch = 2.54 if block.get(296) == 3 else 1.0  # of centimetres, or one
    return (float(block[282]) * inch,) if 282 in block else None


def _lost(ran: Ran, before: set[str], after: set[str]) -> list[str]:
    """What is neither there nor named."""
    said = ran.said.lower()
    gone = sorted(before - after)
    return [kind for kind in gone if not any(word in said for word in KINDS[kind])]


def _carried(desk: Desk, source: str, target: str) -> Seen:
    given, made = desk.folder / f"a.{source}", desk.folder / f"b.{target}"
    _write(given)
    ran = desk.command("denoise", given.name, "-o", made.name, "--steps", 1, "--noise-std", 0.05)
    if (wrong := failed(ran)) is not None:
        return wrong
    before, after = _found(given), _found(made)
    lost = _lost(ran, before, after)
    named = sorted(before - after - set(lost))
    told = f"kept {len(after & before)} of {len(before)}"
    told += f", named {', '.join(named)}" if named else ""
    return Seen(told + (f", lost {', '.join(lost)}" if lost else ""), not lost)


def _larger(desk: Desk, ending: str) -> Seen:
    _write(desk.folder / f"a.{ending}")
    names = (f"a.{ending}", "--factor", 2, "-o", f"b.{ending}")
    ran = desk.command("upscale", *names, "--steps", 1)
    if (wrong := failed(ran)) is not None:
        return wrong
    with Image.open(desk.folder / f"b.{ending}") as image:
        dpi = float(image.info["dpi"][0])
    return Seen(f"{dpi:.1f} pixels an inch of 300", abs(dpi - 600) < 1)


def _map(desk: Desk, factor: int) -> Seen:
    tags = [(code, "d", len(values), values, True) for code, values in _GEO.items()]
    tags += [(34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), True), (42113, "s", 0, "-9999", True)]
    tifffile.imwrite(desk.folder / "a.tif", eight(grey(48)), metadata=None, extratags=tags)
    task = ("upscale", "--factor", 2) if factor == 2 else ("denoise", "--noise-std", 0.05)
    ran = desk.command(task[0], "a.tif", *task[1:], "-o", "b.tif", "--steps", 1)
    if (wrong := failed(ran)) is not None:
        return wrong
    with tifffile.TiffFile(desk.folder / "b.tif") as file:
        made = {code: tag.value for code, tag in file.pages[0].tags.items()}
    missing = [code for code in (33550, 33922, 34735, 42113) if code not in made]
    scale = made.get(33550, (0,))[0]
    return Seen(f"scale {scale:g}, missing {missing}", not missing and scale == 0.5 / factor)


def _names(desk: Desk) -> Seen:
    tags = [(269, "s", 0, "a document", True), (285, "s", 0, "a page", True)]
    tifffile.imwrite(desk.folder / "a.tif", eight(grey(48)), metadata=None, extratags=tags)
    options = ("--steps", 1, "--noise-std", 0.05)
    ran = desk.command("denoise", "a.tif", "-o", "b.tif", *options)
    if (wrong := failed(ran)) is not None:
        return wrong
    data = (desk.folder / "b.tif").read_bytes()
    missing = [name for name in ("a document", "a page") if name.encode() not in data]
    return Seen(f"missing {missing}; {ran.said[-80:]}", not missing or "Name" in ran.said)


def _imagej(desk: Desk) -> Seen:
    how = {"imagej": True, "resolution": (4.0, 4.0), "metadata": {"unit": "um"}}
    tifffile.imwrite(desk.folder / "a.tif", eight(grey(48)), **how)
    ran = desk.command("upscale", "a.tif", "--factor", 2, "-o", "b.tif", "--steps", 1)
    if (wrong := failed(ran)) is not None:
        return wrong
    with tifffile.TiffFile(desk.folder / "b.tif") as file:
        above, below = file.pages[0].tags["XResolution"].value
    return Seen(f"{above / below:g} pixels a micrometre of 4", above / below == 8)
