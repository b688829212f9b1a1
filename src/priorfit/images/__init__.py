"""Image files and arrays to pictures in [0, 1], and back the way they were stored."""

from priorfit.images.arrays import from_array, to_array
from priorfit.images.atomic import write_atomically
from priorfit.images.enlarge import enlarged
from priorfit.images.exif import turned, turned_back
from priorfit.images.extras import Extras
from priorfit.images.formats import FORMATS, SUFFIXES, WRITTEN, Format
from priorfit.images.jpeg_tables import JpegTables
from priorfit.images.naming import result_name
from priorfit.images.picture import Picture, TooManyPixelsError
from priorfit.images.places import as_typed, no_file
from priorfit.images.read import MAX_PIXELS, Mask, format_in, mask_of, read, read_mask
from priorfit.images.scale import Scale
from priorfit.images.unseen import visible
from priorfit.images.write import encode, encode_for, ensure_writable, format_of, write

__all__ = [
    "as_typed",
    "encode",
    "encode_for",
    "enlarged",
    "ensure_writable",
    "Extras",
    "Format",
    "format_in",
    "format_of",
    "FORMATS",
    "from_array",
    "JpegTables",
    "Mask",
    "mask_of",
    "MAX_PIXELS",
    "no_file",
    "Picture",
    "read",
    "read_mask",
    "result_name",
    "Scale",
    "SUFFIXES",
    "to_array",
    "TooManyPixelsError",
    "turned",
    "turned_back",
    "visible",
    "write",
    "write_atomically",
    "WRITTEN",
]
