"""Metadata from the places of one format into those of another, and names for what has none."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from priorfit.images.density import Density, density_in, of_phys, with_density
from priorfit.images.enlarge import GEO_KEYS, GEOREFERENCE
from priorfit.images.exif import DESCRIPTION, read_exif
from priorfit.images.exif_edit import text_entry, text_of, with_entries
from priorfit.images.extras import Chunk, Extras, Kept
from priorfit.images.picture import Notes
from priorfit.images.texts import (
    COMMENT_KEYWORD,
    FIELDS,
    TEXT_CHUNKS,
    as_fields,
    chunk_of,
    decoded,
    texts_of,
)
from priorfit.wording import listed

_GEO_TAGS = GEOREFERENCE | {GEO_KEYS, 34736, 34737}
_TAG_NAMES = {42112: "GDAL metadata", 42113: "GDAL_NODATA", 34377: "Photoshop settings"}
_USUAL_GAMMA, _USUAL_PRIMARIES = 45455, (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


@dataclass(frozen=True)
class Meta:
    """All that travels with the samples of a picture.

    Args:
        icc: Colour profile.
        exif: EXIF block.
        chunks: Of a PNG.
        extras: Everything else.
    """

    icc: bytes | None
    exif: bytes | None
    chunks: tuple[Chunk, ...]
    extras: Extras


def carried(meta: Meta, places: frozenset[Kept], title: str) -> tuple[Meta, Notes]:
    """Move every kind of metadata to a place that a format has for it.

    Args:
        meta: Of the picture as it was read.
        places: Kinds that the format holds.
        title: Name of the format.

    Returns:
        What the format's encoder may write, and notes that name what it has no place for.
    """
    density = density_of(meta)
    meta, lost = _texts_carried(meta, places)
    meta, lost_comments = _comments_carried(meta, places)
    lost += lost_comments
    if density is not None and Kept.DENSITY not in places:
        if Kept.EXIF not in places:
            lost.append("resolution")
        elif _is_vaguer(density_in(meta.exif), density):
            meta = replace(meta, exif=with_density(meta.exif, density))
    extras = replace(meta.extras, density=density if Kept.DENSITY in places else None)
    meta = replace(meta, extras=extras)
    return _without(meta, places, lost, title)


def density_of(meta: Meta) -> Density | None:
    """Pixels per unit, by whichever part of the metadata says it."""
    if meta.extras.density is not None:
        return meta.extras.density
    chunks = (of_phys(chunk.data) for chunk in meta.chunks if chunk.kind == b"pHYs")
    return next((found for found in chunks if found is not None), density_in(meta.exif))


def _is_vaguer(known: Density | None, density: Density) -> bool:
    return known is None or (known.unit is None and density.unit is not None)


def _without(
    meta: Meta, places: frozenset[Kept], lost: list[str], title: str
) -> tuple[Meta, Notes]:
    """Leave out the kinds that have no place, and name them."""
    extras = meta.extras
    for kind, there in (
        (Kept.IPTC, extras.iptc),
        (Kept.XMP, extras.xmp),
        (Kept.EXIF, _says_more(meta.exif)),
        (Kept.PROFILE, meta.icc),
    ):
        if there and kind not in places:
            lost.insert(0, kind.value)
    if extras.tags and Kept.TAGS not in places:
        lost += named_tags(read_exif(extras.tags))
    kept = Meta(
        meta.icc if Kept.PROFILE in places else None,
        meta.exif if Kept.EXIF in places else None,
        meta.chunks if Kept.TEXTS in places else (),
        replace(
            extras,
            xmp=extras.xmp if Kept.XMP in places else None,
            iptc=extras.iptc if Kept.IPTC in places else None,
            comments=extras.comments if Kept.COMMENT in places else (),
            tags=extras.tags if Kept.TAGS in places else None,
        ),
    )
    return kept, (f"{listed(lost)} dropped, {title} has no place for it",) if lost else ()


def _says_more(exif: bytes | None) -> bool:
    """Whether EXIF says more than a resolution, which is looked after on its own."""
    return bool(exif) and bool(read_exif(exif or b"").keys() - {282, 283, 296, 274})


def named_tags(codes: Iterable[int]) -> list[str]:
    """Names of tags that only a TIFF holds."""
    names = ["GeoTIFF tags" if c in _GEO_TAGS else _TAG_NAMES.get(c, f"tag {c}") for c in codes]
    return list(dict.fromkeys(names))


def _texts_carried(meta: Meta, places: frozenset[Kept]) -> tuple[Meta, list[str]]:
    """Texts of a PNG: into EXIF's fields, then into comments."""
    if Kept.TEXTS in places or not meta.chunks:
        return meta, []
    lost = [name for chunk in meta.chunks for name in _colour_lost(chunk)]
    lost = ["what PNG says of its colours"] if lost and not meta.icc else []
    lost += [f"PNG chunk {chunk.kind.decode()}" for chunk in meta.chunks if chunk.kind in _OTHERS]
    texts = texts_of(meta.chunks)
    lost += ["damaged text"] * (len(texts) < sum(c.kind in TEXT_CHUNKS for c in meta.chunks))
    comments = [one for one in texts if one.keyword == COMMENT_KEYWORD]
    left = [one for one in texts if one.keyword != COMMENT_KEYWORD]
    exif = meta.exif
    if Kept.EXIF in places:
        directory = read_exif(exif or b"")
        known = {text_of(entry) for entry in directory.values()}
        fields, left = as_fields([one for one in left if one.text not in known], directory)
        exif = with_entries(exif, fields)
    new = [one.text.encode() for one in comments]
    if Kept.COMMENT in places:
        new += [f"{one.keyword}: {one.text}".encode() for one in left]
        left = []
    taken = " (EXIF has another)" if Kept.EXIF in places else ""
    lost += [f"text '{one.keyword[:40]}'{taken if one.keyword in FIELDS else ''}" for one in left]
    extras = replace(meta.extras, comments=(*meta.extras.comments, *new))
    return replace(meta, exif=exif, extras=extras), lost


_OTHERS = frozenset([b"sCAL", b"pCAL", b"oFFs", b"sTER", b"tIME", b"mDCV", b"cLLI"])
"""PNG chunks with a meaning of their own that no other format holds."""


def _colour_lost(chunk: Chunk) -> list[str]:
    """Whether a chunk says other colours than everybody takes for granted."""
    numbers = [
        int.from_bytes(chunk.data[at : at + 4], "big") for at in range(0, len(chunk.data), 4)
    ]
    usual = {
        b"gAMA": numbers[:1] == [_USUAL_GAMMA],
        b"cHRM": all(abs(a - b) <= 100 for a, b in zip(numbers, _USUAL_PRIMARIES, strict=False)),
        b"cICP": chunk.data[:2] == b"\x01\x0d",  # sRGB
    }
    return [] if usual.get(chunk.kind, True) else [chunk.kind.decode()]


def _comments_carried(meta: Meta, places: frozenset[Kept]) -> tuple[Meta, list[str]]:
    """Comments: into a text of a PNG, or EXIF's description where that is free."""
    comments = meta.extras.comments
    if Kept.COMMENT in places or not comments:
        return meta, []
    extras = replace(meta.extras, comments=())
    words = [decoded(comment) for comment in comments]
    if Kept.TEXTS in places:
        new = tuple(chunk_of(COMMENT_KEYWORD, text) for text in words)
        return replace(meta, chunks=meta.chunks + new, extras=extras), []
    if Kept.EXIF not in places:
        return replace(meta, extras=extras), ["comment"]
    there = text_of(read_exif(meta.exif or b"").get(DESCRIPTION))
    if there and there not in words:
        return replace(meta, extras=extras), ["comment"]
    exif = with_entries(meta.exif, {DESCRIPTION: text_entry("\n".join(words))})
    return replace(meta, exif=exif, extras=extras), []
