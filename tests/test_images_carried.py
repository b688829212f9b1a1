"""Metadata through every change of format and size: kept in a place of its own, or named.

The files are made by other programs than ours, and looked at again by others.
"""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from priorfit import images
from priorfit.images.density import INCH, density
from priorfit.images.enlarge import exif_enlarged
from tests.image_files import chunk, encoded, noise, pillow_file, read

tifffile = pytest.importorskip("tifffile")

PIXELS = noise(16, 20, 3)
WRITTEN = [name for name, form in images.FORMATS.items() if form.encode and 3 in form.channels]
DOUBLE, ASCII, BYTE, SHORT, UNDEFINED = 12, 2, 1, 3, 7


def jpeg(*segments: tuple[int, bytes], **options: object) -> bytes:
    data = pillow_file(Image.fromarray(PIXELS), "JPEG", quality=95, **options)
    parts = [struct.pack(">BBH", 0xFF, code, len(body) + 2) + body for code, body in segments]
    return data[:20] + b"".join(parts) + data[20:]


def png(*chunks: tuple[bytes, bytes], **options: object) -> bytes:
    data = pillow_file(Image.fromarray(PIXELS), "PNG", **options)
    return data[:33] + b"".join(chunk(kind, body) for kind, body in chunks) + data[33:]


def tiff(*tags: tuple[int, int, object], **options: object) -> bytes:
    """With tags of (code, type, value)."""
    counts = [1 if isinstance(v, int) else len(v) + (kind == ASCII) for _, kind, v in tags]
    extra = [(code, kind, n, v, True) for (code, kind, v), n in zip(tags, counts, strict=True)]
    buffer = io.BytesIO()
    given = {"photometric": "rgb", "metadata": None, "software": False, "extratags": extra}
    tifffile.imwrite(buffer, PIXELS, **given | options)
    return buffer.getvalue()


def exif(**tags: object) -> bytes:
    """EXIF with the tags t282=… set."""
    block = Image.Exif()
    for name, value in tags.items():
        block[int(name[1:])] = value
    return block.tobytes()


def written(tmp_path: Path, data: bytes, there: str, factor: int) -> tuple[bytes, tuple[str, ...]]:
    """The file that comes of another, enlarged or not, and everything that is said of it."""
    picture = read(tmp_path, data)
    notes = picture.notes
    if factor > 1:
        picture, more = images.enlarged(picture, factor)
        notes += more
    image = picture.tensor().repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    path = tmp_path / f"out{images.FORMATS[there].suffixes[0]}"
    notes += images.ensure_writable(path, picture, overwrite=True)
    said = images.write(path, image, picture, overwrite=True)
    assert set(said) >= set(images.ensure_writable(path, picture, overwrite=True))
    return path.read_bytes(), (*notes, *said)


each_format = pytest.mark.parametrize("there", WRITTEN)
each_factor = pytest.mark.parametrize("factor", [1, 2])


# Resolution

OME = (
    '<?xml version="1.0"?><OME><Pixels SizeX="20" SizeY="16" PhysicalSizeX="5.0" '
    'PhysicalSizeY="10" PhysicalSizeXUnit="um" PhysicalSizeYUnit="um"/></OME>'
)
IMAGEJ = "ImageJ=1.53\nimages=1\nunit=um\nmin=0.0\nmax=255.0\n"
DPI = (300 / 0.0254, 150 / 0.0254)
MICRONS = (1e6 / 5, 1e6 / 10)

IN_INCHES = images.Extras(density=density(300, 150, INCH))
BLOCK = exif(t282=300, t283=150, t296=2).removeprefix(b"Exif\0\0")

RESOLUTIONS = {
    "jfif": (jpeg(dpi=(300, 150)), DPI),
    "jfif in centimetres": (jpeg()[:13] + b"\x02\0\x76\0\x3b" + jpeg()[18:], (11800, 5900)),
    "exif of a jpeg": (jpeg(exif=exif(t282=300, t283=150, t296=2)), DPI),
    "pHYs": (png((b"pHYs", struct.pack(">IIB", 11811, 5906, 1))), (11811, 5906)),
    "exif of a png": (png(exif=exif(t282=300, t283=150, t296=2)), DPI),
    "exif of a webp": (
        pillow_file(Image.fromarray(PIXELS), "WEBP", exif=exif(t282=300, t283=150, t296=2)),
        DPI,
    ),
    "tiff": (tiff(resolution=(300, 150), resolutionunit="INCH"), DPI),
    "tiff in centimetres": (tiff(resolution=(1e4, 5e3), resolutionunit="CENTIMETER"), (1e6, 5e5)),
    "big-endian tiff": (tiff(resolution=(300, 150), resolutionunit="INCH", byteorder=">"), DPI),
    "bigtiff": (tiff(resolution=(300, 150), resolutionunit="INCH", bigtiff=True), DPI),
    "bmp": (pillow_file(Image.fromarray(PIXELS), "BMP", dpi=(300, 150)), DPI),
    "jp2": (encoded("jp2", PIXELS, extras=IN_INCHES), DPI),
    "exif of a jxl": (encoded("jxl", PIXELS, exif=BLOCK), DPI),
    "exif of an avif": (encoded("avif", PIXELS, exif=BLOCK), DPI),
    "imagej": (tiff(description=IMAGEJ, resolution=(0.2, 0.1), resolutionunit="NONE"), MICRONS),
    "ome": (tiff(description=OME), MICRONS),
}


def opened(data: bytes) -> Image.Image:
    """A file as Pillow sees it; of a JPEG XL, which it does not know, the EXIF."""
    if data[4:8] != b"JXL " and data[:2] != b"\xff\x0a":
        return Image.open(io.BytesIO(data))
    block = data.partition(b"Exif\0\0\0\0")[2]
    return Image.open(io.BytesIO(pillow_file(Image.new("L", (1, 1)), "PNG", exif=block)))


def per_metre(data: bytes) -> list[float] | None:
    """Pixels per metre that another program finds in a file."""
    if data[:6] == b"\x93NUMPY":
        return None
    image = opened(data)
    block = image.getexif()
    if str(block.get(270, "")).startswith("ImageJ=") and image.format == "TIFF":
        return [1e6 * float(block[code]) for code in (282, 283)]
    if "dpi" in image.info and image.info["dpi"] != (1, 1):
        return [float(value) / 0.0254 for value in image.info["dpi"]]
    if 282 in block:
        unit = {2: 0.0254, 3: 0.01}[block.get(296, 2)]
        return [float(block[code]) / unit for code in (282, 283)]
    return None


@pytest.mark.parametrize("name", RESOLUTIONS)
@each_format
@each_factor
def test_a_scale_bar_stays_true_or_is_named(name: str, there: str, factor: int, tmp_path: Path):
    data, expected = RESOLUTIONS[name]
    out, notes = written(tmp_path, data, there, factor)
    found = per_metre(out)
    if found is None:
        assert any("resolution" in note for note in notes)
    else:
        np.testing.assert_allclose(found, np.multiply(expected, factor), rtol=0.004)


@each_factor
def test_a_ratio_of_pixels_stays_a_ratio(factor: int, tmp_path: Path):
    data = png((b"pHYs", struct.pack(">IIB", 2, 1, 0)))
    for there, kind in (("png", b"pHYs\0\0\0\2\0\0\0\1\0"), ("jpeg", b"\0\0\2\0\1")):
        assert kind in written(tmp_path, data, there, factor)[0]


def test_a_resolution_that_means_nothing_is_no_length(tmp_path: Path):
    data = tiff(resolution=(1, 1), resolutionunit="NONE")
    assert tags_of(written(tmp_path, data, "tiff", 2)[0])[282] == (1, 1)
    assert b"pHYs" not in written(tmp_path, data, "png", 2)[0]


# What stays as it is

IPTC = b"\x1c\x02\x78\x00\x07harbour\x1c\x02\x50\x00\x06Studio"
RESOURCE = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:D dc:title="Quay 17"/></x:xmpmeta>'
GEO_KEYS = (1, 1, 0, 1, 1025, 0, 1, 1)

KINDS = {
    "comment of a jpeg": (jpeg((0xFE, b"scan of plate 17")), b"scan of plate 17", "comment"),
    "iptc of a jpeg": (jpeg((0xED, RESOURCE)), IPTC, "IPTC"),
    "comment of a ppm": (b"P6\n# plate 17\n20 16 255\n" + PIXELS.tobytes(), b"plate 17", "comment"),
    "xmp of a jp2": (encoded("jp2", PIXELS, extras=images.Extras(xmp=XMP)), XMP, "XMP"),
    "iptc of a jp2": (encoded("jp2", PIXELS, extras=images.Extras(iptc=IPTC)), IPTC, "IPTC"),
    "xmp of a jxl": (encoded("jxl", PIXELS, extras=images.Extras(xmp=XMP)), XMP, "XMP"),
    "xmp of an avif": (encoded("avif", PIXELS, extras=images.Extras(xmp=XMP)), XMP, "XMP"),
    "xmp of a jpeg": (jpeg(xmp=XMP), XMP, "XMP"),
    "another segment of a jpeg": (jpeg((0xEB, b"credentials")), b"credentials", "APP11"),
    "xmp of a webp": (pillow_file(Image.fromarray(PIXELS), "WEBP", xmp=XMP), XMP, "XMP"),
    "xmp of a png": (
        png((b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + XMP)),
        XMP,
        "XMP",
    ),
    "description of a png": (png((b"tEXt", b"Description\0Quay 17")), b"Quay 17", "Description"),
    "author of a png": (
        png((b"iTXt", b"Author" + bytes(5) + b"St\xc3\xbc")),
        b"St\xc3\xbc",
        "Author",
    ),
    "comment of a png": (png((b"tEXt", b"Comment\0Quay 17")), b"Quay 17", "Comment"),
    "another text of a png": (png((b"tEXt", b"Disclaimer\0Quay 17")), b"Quay 17", "Disclaimer"),
    "gamma of a png": (png((b"gAMA", struct.pack(">I", 100000))), b"gAMA\0\1\x86\xa0", "colours"),
    "background of a png": (png((b"bKGD", bytes(6))), b"bKGD", "bKGD"),
    "name of a tiff": (tiff((269, ASCII, "plate 17")), b"plate 17", "EXIF"),
    "page of a tiff": (tiff((285, ASCII, "page one")), b"page one", "EXIF"),
    "description of a tiff": (tiff((270, ASCII, "harbour 17")), b"harbour 17", "EXIF"),
    "artist of a bigtiff": (tiff((315, ASCII, "Studio X"), bigtiff=True), b"Studio X", "EXIF"),
    "xmp of a tiff": (tiff((700, BYTE, XMP)), XMP, "XMP"),
    "iptc of a tiff": (tiff((33723, UNDEFINED, IPTC)), IPTC, "IPTC"),
    "nodata of a tiff": (tiff((42113, ASCII, "-9999")), b"-9999", "GDAL_NODATA"),
    "keys of a map": (tiff((34735, SHORT, GEO_KEYS)), struct.pack("<8H", *GEO_KEYS), "GeoTIFF"),
    "private tag of a tiff": (tiff((65000, BYTE, b"private words")), b"private words", "65000"),
    "private tag of a bigtiff": (
        tiff((65000, BYTE, b"private words"), bigtiff=True),
        b"private words",
        "65000",
    ),
}


@pytest.mark.parametrize("name", KINDS)
@each_format
@each_factor
def test_what_a_file_says_is_kept_or_named(name: str, there: str, factor: int, tmp_path: Path):
    data, said, called = KINDS[name]
    out, notes = written(tmp_path, data, there, factor)
    kept = said in out or said.decode("latin-1").encode("utf-8") in out
    kept = kept or said.decode("utf-8", "replace").encode("latin-1", "replace") in out
    assert kept or any(called.lower() in note.lower() and "dropped" in note for note in notes), (
        notes
    )


@pytest.mark.parametrize("name", [n for n in KINDS if "background" not in n and "segment" not in n])
@each_factor
def test_a_format_keeps_what_it_had(name: str, factor: int, tmp_path: Path):
    data, said, _ = KINDS[name]
    out, notes = written(tmp_path, data, read(tmp_path, data).format, factor)
    assert said in out
    assert not any("dropped" in note for note in notes)


@pytest.mark.parametrize(
    ("here", "there"), [("iptc of a jpeg", "tiff"), ("iptc of a tiff", "jpeg")]
)
def test_iptc_moves_between_jpeg_and_tiff(here: str, there: str, tmp_path: Path):
    out, _ = written(tmp_path, KINDS[here][0], there, 1)
    if there == "jpeg":
        assert Image.open(io.BytesIO(out)).info["photoshop"][0x0404] == IPTC
    else:
        assert bytes(tifffile.TiffFile(io.BytesIO(out)).pages.first.tags[33723].value) == IPTC


# Places in pixels

TIE, SCALE = (2.0, 3.0, 0.0, 500.0, 900.0, 0.0), (10.0, 20.0, 0.0)
MATRIX = (10.0, 1.0, 0.0, 500.0, 2.0, -20.0, 0.0, 900.0, *[0.0] * 7, 1.0)
RPC = tuple(float(i) for i in range(1, 93))


def tags_of(data: bytes) -> dict[int, object]:
    return {tag.code: tag.value for tag in tifffile.TiffFile(io.BytesIO(data)).pages.first.tags}


def on_map(tags: dict[int, object], across: float, down: float, point: bool) -> np.ndarray:
    """Where a place of the raster lies, counted from the outer corner of the first pixel."""
    i, j = (across - 0.5, down - 0.5) if point else (across, down)
    if 34264 in tags:
        return (np.reshape(tags[34264], (4, 4)) @ [i, j, 0, 1])[:2]
    (sx, sy, _), (ti, tj, _, x, y, _) = tags[33550], tags[33922]
    return np.array([x + (i - ti) * sx, y - (j - tj) * sy])


@pytest.mark.parametrize("point", [False, True])
@pytest.mark.parametrize("matrix", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_place_of_a_map_stays_where_it_was(
    point: bool, matrix: bool, byteorder: str, factor: int, tmp_path: Path
):
    keys = (34735, SHORT, (1, 1, 0, 1, 1025, 0, 1, 1 + point))
    places = [(34264, DOUBLE, MATRIX)] if matrix else [(33550, DOUBLE, SCALE), (33922, DOUBLE, TIE)]
    data = tiff(*places, keys, byteorder=byteorder)
    out, notes = written(tmp_path, data, "tiff", factor)
    for across, down in ((0, 0), (20, 16), (3.5, 1.25)):
        before = on_map(tags_of(data), across, down, point)
        after = on_map(tags_of(out), across * factor, down * factor, point)
        np.testing.assert_allclose(after, before)
    assert tags_of(out)[34735] == tags_of(data)[34735]
    assert not any("dropped" in note for note in notes)


def test_the_polynomials_of_a_satellite_grow_with_its_picture(tmp_path: Path):
    out, _ = written(tmp_path, tiff((50844, DOUBLE, RPC)), "tiff", 2)
    line, column = 3.0, 4.0  # offsets, in pixels from the centre of the first
    grown = tags_of(out)[50844]
    assert grown[2:4] == (2 * line + 0.5, 2 * column + 0.5)
    assert grown[7:9] == (2 * RPC[7], 2 * RPC[8])
    assert grown[9:] == RPC[9:]


def test_a_map_that_is_turned_loses_its_place_with_a_note(tmp_path: Path):
    data = tiff((33550, DOUBLE, SCALE), (33922, DOUBLE, TIE), (274, SHORT, 6))
    out, notes = written(tmp_path, data, "tiff", 1)
    assert not tags_of(out).keys() & {33550, 33922}
    assert any("georeference dropped" in note for note in notes)


def test_the_sizes_that_xmp_and_exif_say_grow(tmp_path: Path):
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:D tiff:XResolution="300/1" tiff:Note="300/1"'
        b" exif:PixelXDimension='20'><tiff:ImageLength>16</tiff:ImageLength></r:D></x:xmpmeta>"
    )
    block = Image.Exif()
    block.get_ifd(0x8769).update(
        {40962: 20, 40963: 16, 41486: IFDRational(15, 2), 37500: b"maker's notes"}
    )
    out, _ = written(tmp_path, jpeg(xmp=packet, exif=block.tobytes()), "jpeg", 2)
    image = Image.open(io.BytesIO(out))
    grown = packet.replace(b'XResolution="300/1', b'XResolution="600/1')
    grown = grown.replace(b"'20'", b"'40'").replace(b">16<", b">32<")
    assert image.info["xmp"] == grown
    inner = image.getexif().get_ifd(0x8769)
    assert (inner[40962], inner[40963], inner[41486]) == (40, 32, 15)
    assert inner[37500] == b"maker's notes"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_value_that_entries_share_grows_once(order: str):
    entries = b"".join(struct.pack(order + "HHII", code, 5, 1, 50) for code in (282, 283))
    entries += struct.pack(order + "HHIHH", 296, 3, 1, 2, 0)
    magic = b"II" if order == "<" else b"MM"
    block = magic + struct.pack(order + "HIH", 42, 8, 3) + entries + bytes(4)
    block += struct.pack(order + "II", 300, 1)
    grown = exif_enlarged(block, 2)
    assert grown == block[:-8] + struct.pack(order + "II", 600, 1)


@each_factor
def test_descriptions_of_microscopes_stay_true(factor: int, tmp_path: Path):
    out, _ = written(tmp_path, RESOLUTIONS["ome"][0], "tiff", factor)
    text = str(tags_of(out)[270])
    assert f'SizeX="{20 * factor}"' in text
    assert f'PhysicalSizeX="{5 / factor!r}"'.replace(".0", "") in text.replace(".0", "")
    assert 'PhysicalSizeXUnit="um"' in text
    out, _ = written(tmp_path, RESOLUTIONS["imagej"][0], "tiff", factor)
    assert tags_of(out)[270].strip() == IMAGEJ.strip()
    assert tifffile.TiffFile(io.BytesIO(out)).imagej_metadata["unit"] == "um"


@each_factor
@pytest.mark.parametrize("code", [34118, 34377, 34680, 33629, 50839])
def test_sizes_that_cannot_be_put_right_are_named(code: int, factor: int, tmp_path: Path):
    out, notes = written(tmp_path, tiff((code, BYTE, b"5 um a pixel")), "tiff", factor)
    assert (b"5 um a pixel" in out) == (factor == 1)
    assert any("dropped, they are for another size" in note for note in notes) == (factor == 2)


@each_factor
def test_the_lengths_of_a_png_stay_true(factor: int, tmp_path: Path):
    scale = (b"sCAL", b"\1" + b"0.5\0" + b"0.25")
    data = png(
        scale, (b"oFFs", struct.pack(">iiB", 3, -4, 0)), (b"oFFs", struct.pack(">iiB", 3, -4, 1))
    )
    out, _ = written(tmp_path, data, "png", factor)
    found = [c.data for c in read(tmp_path, out).chunks]
    lengths = [float(n) * factor for n in found[0][1:].split(b"\0")]
    assert lengths == [0.5, 0.25]
    assert struct.unpack(">iiB", found[1]) == (3 * factor, -4 * factor, 0)
    assert struct.unpack(">iiB", found[2]) == (3, -4, 1)


@pytest.mark.parametrize("there", ["png", "jpeg", "webp", "tiff"])
def test_a_picture_of_odd_words_is_written(there: str, tmp_path: Path):
    texts = [(b"tEXt", b"Title\0" + bytes(range(1, 256))), (b"zTXt", b"Author\0\0no zlib")]
    texts += [(b"iTXt", b"Copyright\0\1\0\0\0no zlib"), (b"tEXt", b"Title\0again")]
    out, notes = written(tmp_path, png(*texts), there, 2)
    assert read(tmp_path, out).size == (32, 40)
    assert there == "png" or any("damaged text" in note for note in notes)
