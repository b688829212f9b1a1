"""The catalogue: what is said of a published file is complete, and nothing in it is made up."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from priorfit.checkpoints.catalog import CATALOG, published
from priorfit.checkpoints.published import (
    biggan,
    features,
    genforce,
    in_domain,
    nvidia,
    rosinality,
)
from priorfit.checkpoints.published.file import Published
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import HOMES
from priorfit.store import folders

FILES = tuple(CATALOG.values())


def refusing(law: Callable[[Published], object]) -> list[str]:
    """Files that do not keep a law."""
    return [file.name for file in FILES if not law(file)]


def test_every_family_is_in_the_catalogue_under_names_of_its_own():
    families = (biggan, features, genforce, in_domain, nvidia, rosinality)
    assert len(CATALOG) == sum(len(family.FILES) for family in families)
    assert list(CATALOG) == sorted(CATALOG)


def test_the_name_is_one_for_a_checkpoint_of_a_kind_that_there_is():
    assert refusing(lambda file: folders.place(file.name).name == file.name) == []
    assert refusing(lambda file: file.kind in HOMES) == []


def test_both_licences_are_stated():
    assert refusing(lambda file: file.code and file.weights and file.does) == []
    assert FILES[0].licence == f"code: {FILES[0].code}; weights: {FILES[0].weights}"


@pytest.mark.parametrize("which", ["url", "page"])
def test_every_address_is_https_and_plain(which: str):
    def sound(file: Published) -> bool:
        address = getattr(file, which) or file.page
        parts = urlsplit(address)
        plain = re.fullmatch(r"[!-~]+", address) is not None and not parts.username
        return plain and parts.scheme == "https" and bool(parts.hostname)

    assert refusing(sound) == []


def test_a_hash_is_whole_or_the_eight_digits_in_the_name_of_the_file():
    def sound(file: Published) -> bool:
        known = file.sha256 or "0" * 64
        stated = len(known) == 64 or known in file.file
        return stated and re.fullmatch(r"[0-9a-f]{8}([0-9a-f]{56})?", known) is not None

    assert refusing(sound) == []


def test_torchvision_names_its_files_by_their_hashes():
    named = {f: re.search(r"-([0-9a-f]{8})\.pth$", f.file) for f in FILES}
    hashed = {file: match[1] for file, match in named.items() if match}
    assert {file.name for file in hashed} == {"alexnet", "squeezenet1.1", "vgg16", "vgg19"}
    assert all((file.sha256 or "").startswith(digits) for file, digits in hashed.items())


def test_the_file_has_a_name_without_a_folder_in_it():
    name = re.compile(r"[A-Za-z0-9][\w.-]*\.(pth|pt|pkl|bin)")
    assert refusing(lambda file: name.fullmatch(file.file)) == []


def test_an_address_ends_in_the_name_of_the_file_where_it_says_one():
    nameless = ("&download=1", "/download")
    assert refusing(lambda file: (file.url or file.file).endswith((file.file, *nameless))) == []


def test_sizes_are_sizes():
    sides = {32, 64, 128, 256, 512, 1024}
    assert refusing(lambda file: set(file.size or ()) <= sides) == []
    assert refusing(lambda file: file.length is None or file.length > 0) == []
    assert refusing(lambda f: (f.size is None) == (f.kind in {"features", "lpips"})) == []


def test_no_two_files_have_one_address():
    addresses = [file.url for file in CATALOG.values() if file.url]
    assert len(addresses) == len(set(addresses))


def test_an_unknown_name_is_answered_with_the_nearest():
    assert published("biggan-256").file == "G_ema_256.pth"
    with pytest.raises(CheckpointError, match="did you mean 'biggan-256'"):
        published("bigan-256")
    with pytest.raises(CheckpointError, match="no published file is known as 'xyzzy': `priorfit"):
        published("xyzzy")
