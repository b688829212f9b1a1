"""Pictures that say of themselves that a generator has drawn them, for people and for programs.

IPTC has a property for it, in XMP, that image libraries and platforms look for; a comment says it
in words, in whatever place a format has for one.
"""

import re
from dataclasses import replace

from priorfit.images.picture import Picture

_NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
WHOLE, PARTLY = f"{_TYPES}trainedAlgorithmicMedia", f"{_TYPES}compositeWithTrainedAlgorithmicMedia"
"""Values of IPTC's Digital Source Type: all of a picture is drawn, or something of it."""

_SAID = re.compile(
    rb"""\s[\w.-]+:DigitalSourceType\s*=\s*("[^"]*"|'[^']*')"""
    rb"""|<([\w.-]+:DigitalSourceType)\b[^<>]*(/>|>[^<>]*</\2\s*>)"""
)
_END = re.compile(rb"</([A-Za-z_][\w.-]*):RDF\s*>")


def labelled(picture: Picture, words: str, *, whole: bool = True) -> Picture:
    """The picture with a label in its metadata; `write` puts it wherever the format has a place.

    Args:
        picture: whose metadata are written.
        words: what drew it, a line.
        whole: whether all of it is drawn.
    """
    xmp = _labelled(picture.extras.xmp, WHOLE if whole else PARTLY)
    comments = [comment for comment in picture.extras.comments if comment != words.encode()]
    extras = replace(picture.extras, xmp=xmp, comments=(*comments, words.encode()))
    return replace(picture, extras=extras)


def _labelled(xmp: bytes | None, kind: str) -> bytes:
    """An XMP packet that says of which kind its picture is."""
    found = [*_SAID.finditer(xmp)] if xmp else []
    if xmp and len(found) == 1 and kind.encode() in found[0][0]:
        return xmp
    xmp = _SAID.sub(b"", xmp) if xmp else None
    ends = [*_END.finditer(xmp)] if xmp else []
    if not xmp or not ends:  # none, or one that only its maker can read
        return _packet(_description("rdf", kind)).encode()
    prefix = ends[-1][1].decode("ascii")
    at = ends[-1].start()
    return xmp[:at] + _description(prefix, kind).encode() + xmp[at:]


def _description(prefix: str, kind: str) -> str:
    return (
        f'<{prefix}:Description {prefix}:about="" xmlns:Iptc4xmpExt="{_NAMESPACE}" '
        f'Iptc4xmpExt:DigitalSourceType="{kind}"/>'
    )


def _packet(inside: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'{inside}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
