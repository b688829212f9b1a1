"""Text: in PNG's chunks, in EXIF's fields, in comments; and from one to another."""

import re
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from priorfit.images.exif import DESCRIPTION, Entry
from priorfit.images.exif_edit import text_entry
from priorfit.images.extras import Chunk

TEXT_CHUNKS = frozenset([b"tEXt", b"zTXt", b"iTXt"])
XMP_KEYWORD = "XML:com.adobe.xmp"
COMMENT_KEYWORD = "Comment"
_MOST_TEXT = 1 << 20

FIELDS = {
    "Title": 269,
    "Description": DESCRIPTION,
    "Source": 272,
    "Software": 305,
    "Creation Time": 306,
    "Author": 315,
    "Copyright": 33432,
}
"""PNG's keywords and the fields of EXIF and TIFF that mean the same."""
_DATE = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")


class Text(NamedTuple):
    """One text of a PNG."""

    keyword: str
    text: str


def texts_of(chunks: Iterable[Chunk]) -> list[Text]:
    """The texts that chunks of a PNG hold; those that are damaged or endless are left out."""
    found = (text_of_chunk(chunk) for chunk in chunks if chunk.kind in TEXT_CHUNKS)
    return [text for text in found if text is not None]


def text_of_chunk(chunk: Chunk) -> Text | None:
    """Read a tEXt, zTXt or iTXt chunk, at most 1 MiB of it."""
    keyword, _, rest = chunk.data.partition(b"\0")
    packed, coding = chunk.kind == b"zTXt", "latin-1"
    if chunk.kind == b"zTXt":
        rest = rest[1:]
    if chunk.kind == b"iTXt":
        packed, coding = rest[:1] == b"\1", "utf-8"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if packed:
        inflate = zlib.decompressobj()
        try:
            rest = inflate.decompress(rest, _MOST_TEXT)
        except zlib.error:
            return None
        if inflate.unconsumed_tail:
            return None
    return Text(keyword.decode("latin-1"), rest.decode(coding, "replace"))


def chunk_of(keyword: str, text: str | bytes) -> Chunk:
    """Make a chunk of a text; UTF-8 where Latin-1 does not hold it, and for bytes."""
    name = keyword.encode("latin-1", "replace")
    if isinstance(text, str):
        try:
            return Chunk(b"tEXt", name + b"\0" + text.encode("latin-1"))
        except UnicodeEncodeError:
            text = text.encode("utf-8", "replace")
    return Chunk(b"iTXt", name + bytes(5) + text)


def decoded(comment: bytes) -> str:
    """The text of a comment whose coding nothing tells."""
    try:
        return comment.decode("utf-8")
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def as_fields(texts: Iterable[Text], taken: Iterable[int]) -> tuple[dict[int, Entry], list[Text]]:
    """Put texts into the fields that mean the same, where those are free.

    Returns:
        The fields by code, and the texts for which there was none.
    """
    fields: dict[int, Entry] = {}
    left = []
    for one in texts:
        code = FIELDS.get(one.keyword)
        fits = code is not None and (code != 306 or _DATE.fullmatch(one.text))
        if code is None or not fits or code in fields or code in taken:
            left.append(one)
        else:
            fields[code] = text_entry(one.text)
    return fields, left
