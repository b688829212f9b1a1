"""What a generator drew says so, in every format that has a place for it."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch

from priorfit import images
from priorfit.images import FORMATS, from_array
from priorfit.images.extras import Extras, Kept
from priorfit.images.synthetic import PARTLY, WHOLE, labelled

WORDS = "drawn by a generator (scenes), not photographed"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PROPERTY = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
OTHER = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="%s"><r:Description r:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/png"/></r:RDF></x:xmpmeta>'
    % RDF.encode()
)
GREY = np.zeros((20, 24), np.uint8)
WRITES = sorted(name for name, form in FORMATS.items() if form.encode is not None)


def said(xmp: bytes) -> list[str]:
    """Every value of the property in a packet that an XML parser can read."""
    body = xmp[xmp.index(b"<x:xmpmeta") : xmp.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
    nodes = [*ElementTree.fromstring(body).iter()]
    values = [node.attrib[PROPERTY] for node in nodes if PROPERTY in node.attrib]
    return values + [str(node.text) for node in nodes if node.tag == PROPERTY]


@pytest.mark.parametrize("name", WRITES)
def test_the_label_is_in_the_file_wherever_its_format_has_a_place(name, tmp_path):
    pytest.importorskip("imagecodecs")
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    picture = labelled(from_array(GREY), WORDS)
    notes = images.write(path, torch.zeros(1, 1, 20, 24), picture)
    places, read = FORMATS[name].places, images.read(path)
    if Kept.XMP in places:
        assert read.extras.xmp is not None
        assert said(read.extras.xmp) == [WHOLE]
    if places & {Kept.COMMENT, Kept.TEXTS, Kept.EXIF}:
        assert WORDS.encode() in path.read_bytes()
    if not places & {Kept.XMP, Kept.COMMENT, Kept.TEXTS, Kept.EXIF}:
        assert any("dropped" in note for note in notes)


@pytest.mark.parametrize(
    "before",
    [
        None,
        OTHER,
        OTHER.replace(b"dc:format=", b'xmlns:i="%s" i:DigitalSourceType="x" dc:format='
                      % PROPERTY[1:].partition("}")[0].encode()),
        OTHER.replace(b'dc:format="image/png"/>', b'><i:DigitalSourceType xmlns:i="%s">x'
                      b"</i:DigitalSourceType></r:Description>"
                      % PROPERTY[1:].partition("}")[0].encode()),
    ],
    ids=["none", "another", "an attribute", "an element"],
)  # fmt: skip
@pytest.mark.parametrize(("whole", "kind"), [(True, WHOLE), (False, PARTLY)])
def test_a_packet_that_was_there_is_kept_and_says_it_once(before, whole, kind):
    picture = from_array(GREY)
    picture = type(picture)(**{**vars(picture), "extras": Extras(xmp=before)})
    once = labelled(picture, WORDS, whole=whole)
    assert said(once.extras.xmp) == [kind]
    assert before is None or b"purl.org" not in before or b"purl.org" in once.extras.xmp
    again = labelled(once, WORDS, whole=whole)
    assert again.extras == once.extras


@pytest.mark.parametrize("before", [b"", b"\xff\xfe<\0x\0", b"no XML at all", b"</:RDF>"])
def test_a_packet_that_nobody_can_read_is_replaced(before):
    picture = from_array(GREY)
    picture = type(picture)(**{**vars(picture), "extras": Extras(xmp=before)})
    assert said(labelled(picture, WORDS).extras.xmp) == [WHOLE]
