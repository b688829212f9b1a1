"""From a name to a checkpoint, with a server of our own in the place of the publishers'."""

import dataclasses
import hashlib
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from priorfit.checkpoints import catalog, fetch, importing
from priorfit.checkpoints.child import Request
from priorfit.checkpoints.conversion import checked
from priorfit.checkpoints.download import Patience
from priorfit.checkpoints.published.file import Published
from priorfit.checkpoints.verify import verify
from priorfit.errors import CheckpointError
from priorfit.networks.generator import Generator
from priorfit.noise import Noise
from priorfit.store import folders
from priorfit.store.description import CONFIG, MODEL, read_config
from tests.server import Shelf, serving

reading = importing._answer
QUICK = Patience(timeout=5.0, pauses=())


def answered(shop: Path, request: Request) -> dict[str, Any]:
    """As the process that reads published files, for a file of anything, at once."""
    data = Path(request.path).read_bytes()
    if data.startswith(b"nonsense"):
        raise CheckpointError("is something else")
    save_file({"a": torch.tensor(list(data[:4]))}, Path(request.folder) / MODEL)
    return {"kind": "twice", "config": {}, "source": {"told": request.settings}}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def file(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """A published file of our own server."""
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(importing, "_answer", answered)
    monkeypatch.setattr(importing, "checked", lambda stored: None)
    with serving(shelf) as address:
        one = Published(
            name="some",
            kind="twice",
            does="faces",
            file="some.pth",
            page="https://example.org/some",
            code="MIT",
            weights="none stated",
            url=f"{address}/some.pth",
        )
        monkeypatch.setitem(catalog.CATALOG, "some", one)
        yield one


def known_with(monkeypatch: pytest.MonkeyPatch, file: Published, **changes: object) -> Published:
    changed = dataclasses.replace(file, **changes)
    monkeypatch.setitem(catalog.CATALOG, file.name, changed)
    return changed


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_fetched_and_becomes_a_checkpoint(shelf: Shelf, file: Published):
    place = fetch.fetch("some", patience=QUICK)
    source = read_config(place)["source"]
    assert place == folders.place("some")
    assert {path.name for path in place.iterdir()} == {CONFIG, MODEL}
    assert source["sha256"] == hash_of(shelf.data)
    assert (source["published"], source["licence"]) == ("some", file.licence)
    assert (source["url"], source["page"]) == (file.url, file.page)


def test_the_import_is_told_what_the_file_does_not_say(file: Published, monkeypatch):
    known_with(monkeypatch, file, settings=(("D_nl", "inplace_relu"),))
    place = fetch.fetch("some", patience=QUICK)
    assert read_config(place)["source"]["told"] == {"D_nl": "inplace_relu"}


def test_a_download_goes_once_it_is_imported_unless_it_is_to_stay(file: Published):
    fetch.fetch("some", patience=QUICK)
    assert not catalog.waiting(file).parent.exists()
    fetch.fetch("some", overwrite=True, keep=True, patience=QUICK)
    assert catalog.waiting(file).is_file()


def test_what_is_here_is_not_fetched_again(shelf: Shelf, file: Published):
    fetch.fetch("some", patience=QUICK)
    fetch.fetch("some", patience=QUICK)
    assert len(shelf.asked) == 1
    fetch.fetch("some", overwrite=True, patience=QUICK)
    assert len(shelf.asked) == 2


def test_a_file_that_was_put_there_by_hand_is_taken_and_stays(shelf: Shelf, file: Published):
    put = catalog.waiting(file)
    put.parent.mkdir(parents=True)
    put.write_bytes(b"by hand")
    place = fetch.fetch("some", patience=QUICK)
    assert read_config(place)["source"]["sha256"] == hash_of(b"by hand")
    assert put.read_bytes() == b"by hand"
    assert shelf.asked == []


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_file_leaves_nothing(shelf: Shelf, file: Published, monkeypatch, known: bool):
    known_with(monkeypatch, file, sha256="0" * 64 if known else "12345678")
    with pytest.raises(CheckpointError, match="is not the file that was published"):
        fetch.fetch("some", patience=QUICK)
    assert folders.names() == {}
    assert list(catalog.waiting(file).parent.iterdir()) == []


def test_where_nobody_knows_the_hash_the_first_import_does(shelf: Shelf, file: Published):
    fetch.fetch("some", patience=QUICK)
    before = read_config(folders.place("some"))
    shelf.data = b"another file"
    with pytest.raises(CheckpointError, match="as it was when it was first imported"):
        fetch.fetch("some", overwrite=True, patience=QUICK)
    assert read_config(folders.place("some")) == before


def test_a_checkpoint_that_is_called_like_a_published_one_says_nothing_of_its_hash(
    tmp_path: Path, file: Published
):
    (tmp_path / "mine.pth").write_bytes(b"mine")
    importing.import_file(tmp_path / "mine.pth", "some")
    place = fetch.fetch("some", overwrite=True, patience=QUICK)
    assert read_config(place)["source"]["published"] == "some"


def test_a_file_from_elsewhere_must_be_the_published_one(
    tmp_path: Path, file: Published, monkeypatch
):
    path = tmp_path / "Copy of some.pth"
    path.write_bytes(b"the same")
    file = known_with(monkeypatch, file, sha256=hash_of(b"the same"))
    assert read_config(fetch.adopt(file, path))["source"]["licence"] == file.licence
    path.write_bytes(b"not the same")
    with pytest.raises(CheckpointError, match=r"is not some\.pth as it was published"):
        fetch.adopt(file, path, overwrite=True)


def test_another_kind_of_network_is_not_taken_for_the_published_one(file, monkeypatch):
    known_with(monkeypatch, file, kind="biggan-discriminator")
    with pytest.raises(CheckpointError, match="holds a twice, and some is a biggan-discrim"):
        fetch.fetch("some", patience=QUICK)
    assert folders.names() == {}


def test_what_cannot_be_imported_is_kept_for_another_day(shelf: Shelf, file: Published):
    shelf.data = b"nonsense"
    with pytest.raises(CheckpointError, match="is something else"):
        fetch.fetch("some", patience=QUICK)
    assert catalog.waiting(file).read_bytes() == b"nonsense"
    assert folders.names() == {}


def test_what_wants_a_browser_says_where_to_put_what_and_how_to_go_on(file, monkeypatch):
    file = known_with(monkeypatch, file, url=None)
    with pytest.raises(CheckpointError) as caught:
        fetch.fetch("some", patience=QUICK)
    said = str(caught.value)
    assert "\n" not in said
    for needed in (
        "some.pth",
        "https://example.org/some",
        str(catalog.waiting(file).parent),
        "`priorfit checkpoints fetch some`",
        "`priorfit checkpoints import some.pth --as some`",
    ):
        assert needed in said
    assert catalog.waiting(file).parent.is_dir()


def test_without_a_network_one_line_says_what_to_do(file: Published, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/some.pth"
    file = known_with(monkeypatch, file, url=url)
    with pytest.raises(CheckpointError) as caught:
        fetch.fetch("some", patience=QUICK)
    said = str(caught.value)
    assert "cannot be reached" in said and "\n" not in said
    assert f"put some.pth into {catalog.waiting(file).parent}" in said
    assert "`priorfit checkpoints import some.pth --as some`" in said


def test_an_unknown_name_is_refused(file: Published):
    with pytest.raises(CheckpointError, match="did you mean 'some'"):
        fetch.fetch("sone")


def test_the_whole_way_from_an_address_to_a_picture(shelf: Shelf, file: Published, monkeypatch):
    """PGGAN of 8 pixels as mGANprior publishes it, through the process that reads such files."""
    generator = torch.Generator().manual_seed(0)
    tensors = {"lod": torch.zeros(())}
    for layer in range(4):
        side = 3 if layer else 4
        weight = torch.randn(5, 5, side, side, generator=generator)
        tensors |= {f"layer{layer}.conv.weight": weight, f"layer{layer}.wscale.bias": torch.ones(5)}
    for output in range(2):
        weight = torch.randn(3, 5, 1, 1, generator=generator)
        tensors |= {f"output{output}.conv.weight": weight}
        tensors |= {f"output{output}.wscale.bias": torch.zeros(3)}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    shelf.data = buffer.getvalue()
    monkeypatch.setattr(importing, "_answer", reading)
    monkeypatch.setattr(importing, "checked", checked)
    known_with(monkeypatch, file, kind="pggan")
    fetch.fetch("some", patience=QUICK)
    network = Generator.from_pretrained("some")
    drawn = network(network.sample(Noise([0, 1])))
    assert drawn.shape == (2, 3, 8, 8)
    assert drawn.isfinite().all() and not torch.equal(drawn[0], drawn[1])
    assert network.source["licence"] == file.licence
    assert [verdict.state for verdict in verify()] == ["ok"]
