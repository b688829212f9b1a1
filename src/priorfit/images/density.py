"""Pixels per unit of length, however a file writes it."""

import struct
from dataclasses import dataclass
from fractions import Fraction

from priorfit.images.exif import RESOLUTION, Entry, byte_order, read_exif
from priorfit.images.exif_edit import (
    fraction_of,
    numbers_of,
    rational_entry,
    short_entry,
    with_entries,
)

INCH, CENTIMETRE, METRE = Fraction(254, 10_000), Fraction(1, 100), Fraction(1)
"""In metres."""

_EXIF_UNITS = {2: INCH, 3: CENTIMETRE}
_NEAR = 0.002
"""Whole numbers further off than this share are no way to store a density."""


@dataclass(frozen=True)
class Density:
    """How many pixels there are to a unit of length.

    Args:
        across: Pixels per unit along a row.
        down: Along a column.
        unit: In metres; None where only the ratio of both means something.
    """

    across: Fraction
    down: Fraction
    unit: Fraction | None

    @property
    def turned(self) -> "Density":
        """Of the picture turned by a quarter."""
        return Density(self.down, self.across, self.unit)

    def times(self, factor: int) -> "Density":
        """Of a picture enlarged by a factor; a ratio stays."""
        if self.unit is None:
            return self
        return Density(self.across * factor, self.down * factor, self.unit)

    def whole(self, unit: Fraction, largest: int) -> tuple[int, int] | None:
        """(across, down) per `unit` in whole numbers, None where they would be too far off."""
        if self.unit is None:
            return None
        exact = [density * unit / self.unit for density in (self.across, self.down)]
        across, down = (round(value) for value in exact)
        near = all(abs(round(value) - value) <= _NEAR * value for value in exact)
        return (across, down) if near and 0 < max(across, down) <= largest else None

    def ratio(self, largest: int) -> tuple[int, int]:
        """The ratio of both in whole numbers."""
        simple = (self.across / self.down).limit_denominator(largest)
        if simple.numerator > largest:
            return largest, 1
        return max(1, simple.numerator), simple.denominator


def density(across: int | Fraction, down: int | Fraction, unit: Fraction | None) -> Density | None:
    """Take what a file says; None where it says nothing."""
    if across <= 0 or down <= 0 or (unit is None and across == down):
        return None
    return Density(Fraction(across), Fraction(down), unit)


def density_in(exif: bytes | None) -> Density | None:
    """Density in the first directory of an EXIF block."""
    if not exif:
        return None
    order, directory = byte_order(exif), read_exif(exif)
    across, down = (fraction_of(directory.get(code), order) for code in RESOLUTION[:2])
    if across is None or down is None:
        return None
    units = numbers_of(directory.get(RESOLUTION[2]), order) or (
        2,
    )  # inches unless it says otherwise
    return density(across, down, _EXIF_UNITS.get(int(units[0])))


def density_entries(of: Density, order: str) -> dict[int, Entry]:
    """The same as entries of a TIFF directory."""
    code = next((code for code, unit in _EXIF_UNITS.items() if unit == of.unit), 1)
    if of.unit is not None and code == 1:
        scale = CENTIMETRE / of.unit
        return density_entries(Density(of.across * scale, of.down * scale, CENTIMETRE), order)
    numbers = [rational_entry(of.across, order), rational_entry(of.down, order)]
    return dict(zip(RESOLUTION, [*numbers, short_entry(code, order)], strict=True))


def with_density(exif: bytes | None, of: Density) -> bytes | None:
    """Put a density into an EXIF block."""
    return with_entries(exif, density_entries(of, byte_order(exif or b"")))


def to_jfif(of: Density) -> bytes | None:
    """Unit, across and down as JFIF stores them; None where 16 bits cannot hold it."""
    if of.unit is None:
        return struct.pack(">BHH", 0, *of.ratio(255))
    forms = [(1, of.whole(INCH, 65535)), (2, of.whole(CENTIMETRE, 65535))]
    forms.sort(key=lambda form: of.unit == CENTIMETRE and form[0] == 1)
    return next((struct.pack(">BHH", code, *both) for code, both in forms if both), None)


def of_jfif(body: bytes) -> Density | None:
    """Density of the body of a JFIF segment, behind its name."""
    if len(body) < 7:
        return None
    code, across, down = struct.unpack_from(">BHH", body, 2)
    return density(across, down, {1: INCH, 2: CENTIMETRE}.get(code))


def to_phys(of: Density) -> bytes | None:
    """Data of PNG's pHYs; None where its whole numbers per metre cannot hold it."""
    if of.unit is None:
        return struct.pack(">IIB", *of.ratio(1 << 16), 0)
    both = of.whole(METRE, 2**31 - 1)
    return struct.pack(">IIB", *both, 1) if both else None


def of_phys(data: bytes) -> Density | None:
    """Density that PNG's pHYs says."""
    if len(data) != 9:
        return None
    across, down, code = struct.unpack(">IIB", data)
    return density(across, down, METRE if code == 1 else None)
