"""The catalogue: what is said of a published file is complete, and nothing in it is made up."""

import re
from urllib.parse import urlsplit

import pytest

from priorfit.checkpoints import store
from priorfit.checkpoints.catalog import CATALOG, published
from priorfit.checkpoints.published import biggan, features, genforce, in_domain, nvidia
from priorfit.checkpoints.published.file import Published
from priorfit.errors import CheckpointError
from priorfit.networks.pretrained import HOMES

each = pytest.mark.parametrize("file", CATALOG.values(), ids=CATALOG)


def test_every_family_is_in_the_catalogue_under_names_of_its_own():
    families = (biggan, features, genforce, in_domain, nvidia)
    assert len(CATALOG) == sum(len(family.FILES) for family in families)
    assert list(CATALOG) == sorted(CATALOG)


@each
def test_the_name_is_one_for_a_checkpoint_of_a_kind_that_there_is(file: Published):
    assert store.place(file.name).name == file.name
    assert file.kind in HOMES


@each
def test_both_licences_are_stated(file: Published):
    assert file.code and file.weights
    assert file.licence == f"code: {file.code}; weights: {file.weights}"


@each
def test_every_address_is_https_and_plain(file: Published):
    for address in filter(None, (file.url, file.page)):
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname and not parts.username
        assert re.fullmatch(r"[!-~]+", address)


@each
def test_a_hash_is_whole_or_the_eight_digits_in_the_name_of_the_file(file: Published):
    if file.sha256 is not None:
        assert re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8}", file.sha256)
        assert len(file.sha256) == 64 or file.sha256 in file.file


@each
def test_torchvision_names_its_files_by_their_hashes(file: Published):
    named = re.search(r"-([0-9a-f]{8})\.pth$", file.file)
    assert named is None or (file.sha256 or "").startswith(named[1])


@each
def test_the_file_has_a_name_without_a_folder_in_it(file: Published):
    assert re.fullmatch(r"[A-Za-z0-9][\w.-]*\.(pth|pkl|bin)", file.file)
    assert (
        file.url is None or "sharepoint" in file.url or file.url.endswith((file.file, "/download"))
    )


@each
def test_sizes_are_sizes(file: Published):
    assert file.size is None or all(side in (32, 64, 128, 256, 512, 1024) for side in file.size)
    assert file.length is None or file.length > 0
    assert (file.size is None) == (file.kind in {"features", "lpips"})


def test_no_two_files_have_one_address():
    addresses = [file.url for file in CATALOG.values() if file.url]
    assert len(addresses) == len(set(addresses))


def test_an_unknown_name_is_answered_with_the_nearest():
    assert published("biggan-256").file == "G_ema_256.pth"
    with pytest.raises(CheckpointError, match="did you mean 'biggan-256'"):
        published("bigan-256")
    with pytest.raises(CheckpointError, match="no published file is known as 'xyzzy': `priorfit"):
        published("xyzzy")
