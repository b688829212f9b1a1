"""What a file says of its picture beside samples, colour profile and EXIF."""

from dataclasses import dataclass
from enum import Enum

from priorfit.images.density import Density


class Kept(Enum):
    """A kind of metadata that a format has a place for."""

    PROFILE = "colour profile"
    EXIF = "EXIF"
    XMP = "XMP"
    IPTC = "IPTC"
    DENSITY = "resolution"
    COMMENT = "comment"
    TEXTS = "texts"
    TAGS = "TIFF tags"


@dataclass(frozen=True)
class Chunk:
    """One PNG chunk that only PNG understands, kept as it is."""

    kind: bytes
    data: bytes


@dataclass(frozen=True)
class Extras:
    """Metadata that is neither profile nor EXIF.

    Args:
        density: Pixels per unit, where the file says it elsewhere than in EXIF or a PNG chunk.
        xmp: The packet.
        iptc: Datasets of IPTC-IIM.
        comments: Of a JPEG or Netpbm file.
        tags: What only a TIFF has a place for, as a TIFF structure in the byte order of its EXIF.
    """

    density: Density | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comments: tuple[bytes, ...] = ()
    tags: bytes | None = None
