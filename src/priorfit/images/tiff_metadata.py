"""What a directory of a TIFF says beside its samples, and the way back into one."""

import re
from fractions import Fraction
from typing import BinaryIO

from priorfit.errors import ImageFileError
from priorfit.images.density import CENTIMETRE, INCH, METRE, Density, density, density_entries
from priorfit.images.exif import (
    DESCRIPTION,
    DESCRIPTIVE,
    RESOLUTION,
    Directory,
    Entry,
    codes_of,
    is_cut_short,
    only,
    pack_exif,
    read_directory,
    read_exif,
    without,
)
from priorfit.images.exif_edit import LONG, fraction_of, text_of
from priorfit.images.extras import Extras
from priorfit.images.picture import Notes, Sheet
from priorfit.wording import listed

XMP, IPTC, PHOTOSHOP = 700, 33723, 34377
_BYTES = 1  # a type of TIFF
_MOST_BYTES = 1 << 24

# How the samples are stored, which is written anew; and the profile, orientation and EXIF's
# pointers, which are looked after elsewhere.
_STORAGE = frozenset(
    [
        *(*range(254, 260), *range(262, 267), 273, 274, *range(277, 282), 284, *range(288, 294)),
        *(317, 320, 321, *range(322, 326), *range(332, 335), 336, *range(338, 342), 347),
        *(*range(512, 522), *range(529, 533), *range(32995, 32999), 34665, 34675, 34853, 40965),
    ]
)
_NAMES = {330: "further pictures inside", 37724: "Photoshop layers"}
"""Tags that are never kept: what they hold is of the pixels as they were."""

_LENGTHS = {
    **dict.fromkeys(["nm", "nanometer"], METRE / 10**9),
    **dict.fromkeys(["um", r"\u00B5m", "µm", "μm", "micron", "microns"], METRE / 10**6),
    **dict.fromkeys(["mm", "millimeter"], METRE / 1000),
    **dict.fromkeys(["cm", "centimeter"], CENTIMETRE),
    **dict.fromkeys(["inch", "in", "inches"], INCH),
    **dict.fromkeys(["m", "meter"], METRE),
}
"""Units of ImageJ and OME, in metres."""


def described(
    file: BinaryIO, offset: int, order: str, *, big: bool
) -> tuple[bytes | None, Extras, Notes]:
    """Read what a directory says about the picture.

    Args:
        file: The TIFF.
        offset: Of the directory.
        order: Byte order.
        big: Whether it is a BigTIFF.

    Returns:
        EXIF, everything else, and notes on what is not kept.

    Raises:
        ImageFileError: the directory points beyond the end of the file.
    """
    if is_cut_short(file, offset, order, big=big):
        raise ImageFileError("is damaged or truncated: its directory points beyond its end")
    found = read_directory(file, offset, order, big=big, room=_MOST_BYTES)
    lost = [c for c in codes_of(file, offset, order, big=big) if c in _NAMES or c not in found]
    notes = tuple(_named(sorted(set(lost) - _STORAGE)))
    exif = only(found, DESCRIPTIVE)
    text = text_of(exif.get(DESCRIPTION))
    if text.startswith('{"shape": '):  # the shape of the array, as tifffile notes it
        del exif[DESCRIPTION]
    tags = without(found, _STORAGE | DESCRIPTIVE | {XMP, IPTC} | _NAMES.keys())
    extras = Extras(
        density=_measured(text, exif, order),
        xmp=_bytes_of(found.get(XMP)),
        iptc=_iptc(found.get(IPTC), order),
        tags=pack_exif(tags, order) if tags else None,
    )
    return (pack_exif(exif, order) if exif else None), extras, notes


def _named(codes: list[int]) -> list[str]:
    if not codes:
        return []
    return [f"{listed(_NAMES.get(code, f'TIFF tag {code}') for code in codes)} dropped"]


def _bytes_of(entry: "Entry | Directory | None") -> bytes | None:
    return entry.data if isinstance(entry, Entry) and entry.data.strip(b"\0") else None


def _iptc(entry: "Entry | Directory | None", order: str) -> bytes | None:
    """Datasets of IPTC, which some programs store as numbers of 32 bits, and swap their bytes."""
    data = _bytes_of(entry)
    if data and data[0] != 0x1C and isinstance(entry, Entry) and entry.type == LONG:
        return b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
    return data


def _measured(text: str, exif: Directory, order: str) -> Density | None:
    """The density in a description of ImageJ or OME, whose units TIFF itself does not know."""
    if text.startswith("ImageJ="):
        name = re.search(r"^unit=(.+)$", text, re.MULTILINE)
        unit = _LENGTHS.get(name[1].strip()) if name else None
        both = [fraction_of(exif.get(code), order) for code in RESOLUTION[:2]]
        return density(both[0], both[1], unit) if unit and both[0] and both[1] else None
    if "<OME" not in text[:4096]:
        return None
    lengths = [_ome_length(text, axis) for axis in "XY"]
    if lengths[0] is None or lengths[1] is None:
        return None
    return density(1 / lengths[0], 1 / lengths[1], METRE)


def _ome_length(text: str, axis: str) -> Fraction | None:
    """Metres of a pixel."""
    decimal = r"\d{1,12}(?:\.\d{1,20})?(?:[eE]-?\d\d?)?"
    number = re.search(rf'\bPhysicalSize{axis}\s*=\s*"({decimal})"', text)
    name = re.search(rf'\bPhysicalSize{axis}Unit\s*=\s*"([^"]*)"', text)
    unit = _LENGTHS.get(name[1], None) if name else _LENGTHS["um"]
    value = Fraction(number[1]) if number else Fraction(0)
    return value * unit if unit and value else None


def directory_of(sheet: Sheet, order: str) -> Directory:
    """What describes a picture, as entries of a TIFF directory."""
    extras = sheet.extras
    directory = only(read_exif(sheet.exif or b""), DESCRIPTIVE)
    measured = text_of(directory.get(DESCRIPTION)).startswith("ImageJ=")  # it has units of its own
    if extras.density is not None and not (measured and RESOLUTION[0] in directory):
        directory |= density_entries(extras.density, order)
    directory |= read_exif(extras.tags or b"")
    for code, data in ((XMP, extras.xmp), (IPTC, extras.iptc)):
        if data:
            directory[code] = Entry(_BYTES, len(data), data)
    return directory
