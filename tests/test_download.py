"""Files from an address: resumed, measured, hashed, whole or not at all."""

import hashlib
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from priorfit.checkpoints import download as module
from priorfit.checkpoints import transfer
from priorfit.checkpoints.download import Patience, download
from priorfit.errors import CheckpointError
from tests.dying import Interrupted, Killed, deaths
from tests.server import Shelf, serving

QUICK = Patience(timeout=5.0, pauses=())
TWICE = Patience(timeout=5.0, pauses=(0.0,))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def url(shelf: Shelf) -> Iterator[str]:
    with serving(shelf) as address:
        yield f"{address}/file"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "in" / "a.pth"


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def left(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} if target.parent.exists() else set()


def test_a_file_arrives_whole_and_alone(shelf: Shelf, url: str, target: Path):
    seen: list[tuple[int, int | None]] = []
    digest = download(url, target, progress=lambda *step: seen.append(step), patience=QUICK)
    assert target.read_bytes() == shelf.data
    assert digest == hash_of(shelf.data)
    assert seen[-1] == (len(shelf.data), len(shelf.data))
    assert left(target) == {"a.pth"}


@pytest.mark.parametrize("digits", [8, 64])
def test_the_hash_may_be_known_in_part(shelf: Shelf, url: str, target: Path, digits: int):
    known = hash_of(shelf.data)[:digits]
    assert download(url, target, sha256=known, patience=QUICK) == hash_of(shelf.data)


def test_a_file_with_another_hash_is_not_kept(url: str, target: Path):
    with pytest.raises(CheckpointError, match="expected the sha256 0000"):
        download(url, target, sha256="0" * 64, patience=QUICK)
    assert left(target) == set()


def test_a_broken_connection_is_taken_up_where_it_broke(shelf: Shelf, url: str, target: Path):
    shelf.cut = [1000]
    assert download(url, target, patience=TWICE) == hash_of(shelf.data)
    assert (shelf.asked[1]["Range"], shelf.asked[1]["If-Range"]) == ("bytes=1000-", '"one"')


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(shelf: Shelf, url: str, target: Path):
    shelf.cut = [1000]
    with pytest.raises(CheckpointError, match=r"after 1,000 of 9,000 bytes; what has come is kept"):
        download(url, target, patience=QUICK)
    assert left(target) == {"a.pth.part", "a.pth.part.json"}
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)
    assert shelf.asked[-1]["Range"] == "bytes=1000-"
    assert left(target) == {"a.pth"}


def test_ctrl_c_leaves_what_has_come(shelf: Shelf, url: str, target: Path, monkeypatch):
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_CHUNK", 1000)
    with pytest.raises(KeyboardInterrupt):
        download(url, target, progress=interrupt, patience=QUICK)
    assert left(target) == {"a.pth.part", "a.pth.part.json"}
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)
    assert shelf.asked[-1]["Range"] == "bytes=1000-"


@pytest.mark.parametrize("change", ["tag", "url", "note", "no tag", "weak tag"])
def test_a_file_that_may_have_changed_begins_anew(
    shelf: Shelf, url: str, target: Path, change: str
):
    shelf.tag = {"no tag": "", "weak tag": 'W/"one"'}.get(change, shelf.tag)
    shelf.cut = [1000]
    with pytest.raises(CheckpointError):
        download(url, target, patience=QUICK)
    shelf.data = b"something else " * 1000
    shelf.tag = '"two"'
    if change == "url":
        url = url.replace("/file", "/other")
    if change == "note":
        (target.parent / "a.pth.part.json").write_text("[[[")
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)
    assert target.read_bytes() == shelf.data


def test_a_server_without_ranges_begins_anew(shelf: Shelf, url: str, target: Path):
    shelf.cut, shelf.ranges = [1000], False
    assert download(url, target, patience=TWICE) == hash_of(shelf.data)


@pytest.mark.parametrize("wrong", [{"Content-Range": "bytes 7-8999/9000"}, {"ETag": '"two"'}])
def test_a_piece_that_does_not_fit_is_never_stitched(
    shelf: Shelf, url: str, target: Path, wrong: dict[str, str]
):
    shelf.cut = [1000]
    with pytest.raises(CheckpointError):
        download(url, target, patience=QUICK)
    shelf.headers = wrong
    with pytest.raises(CheckpointError, match="another piece"):
        download(url, target, patience=QUICK)
    shelf.headers = {}
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)


def test_what_was_whole_but_for_its_name_is_not_fetched_again(shelf: Shelf, url: str, target: Path):
    target.parent.mkdir()
    target.with_name("a.pth.part").write_bytes(shelf.data)
    note = {"url": url, "validator": shelf.tag}
    target.with_name("a.pth.part.json").write_text(json.dumps(note))
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)
    assert len(shelf.asked) == 1


def test_more_than_there_should_be_begins_anew(shelf: Shelf, url: str, target: Path):
    target.parent.mkdir()
    target.with_name("a.pth.part").write_bytes(b"x" * 10_000)
    note = {"url": url, "validator": shelf.tag}
    target.with_name("a.pth.part.json").write_text(json.dumps(note))
    assert download(url, target, patience=TWICE) == hash_of(shelf.data)


@pytest.mark.parametrize("status", [404, 403, 410, 501])
def test_a_refusal_is_said_at_once(shelf: Shelf, url: str, target: Path, status: int):
    shelf.answers = [status]
    with pytest.raises(CheckpointError, match=f"the server answers {status}"):
        download(url, target, patience=TWICE)
    assert len(shelf.asked) == 1
    assert left(target) == set()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(shelf: Shelf, url: str, target: Path, status: int):
    shelf.answers = [status]
    assert download(url, target, patience=TWICE) == hash_of(shelf.data)
    shelf.answers = [status] * 2
    target.unlink()
    with pytest.raises(CheckpointError, match=f"the server answers {status}"):
        download(url, target, patience=TWICE)


@pytest.mark.parametrize(
    "location",
    ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:,a", "/file", "gopher://a/b", "//["],
)
def test_a_redirect_goes_nowhere_but_to_the_web(
    shelf: Shelf, url: str, target: Path, location: str
):
    shelf.location = location
    with pytest.raises(CheckpointError):
        download(url, target, patience=QUICK)
    assert left(target) == set()


def test_a_redirect_never_leaves_https_for_http():
    request = module.urllib.request.Request("https://example.org/a")
    with pytest.raises(CheckpointError, match="not safe"):
        transfer._Redirects().redirect_request(request, None, 302, "", None, "http://example.org/a")


def test_a_redirect_on_the_web_is_followed(shelf: Shelf, url: str, target: Path):
    shelf.location = url.replace("/file", "/there")
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)


def test_a_file_that_is_too_long_is_refused_before_it_is_written(
    shelf: Shelf, url: str, target: Path
):
    with pytest.raises(CheckpointError, match=r"more than 8,999 bytes"):
        download(url, target, patience=Patience(largest=8_999, pauses=()))
    assert left(target) == set()


def test_a_file_that_does_not_say_its_length_is_cut_at_the_limit(
    shelf: Shelf, url: str, target: Path
):
    shelf.headers = {"Content-Length": ""}
    with pytest.raises(CheckpointError, match=r"more than 8,999 bytes"):
        download(url, target, patience=Patience(largest=8_999, pauses=()))
    assert not target.exists()
    assert download(url, target, patience=QUICK) == hash_of(shelf.data)


def test_a_file_for_which_there_is_no_room_is_refused(url: str, target: Path, monkeypatch):
    monkeypatch.setattr(
        module.shutil, "disk_usage", lambda _: module.shutil._ntuple_diskusage(9, 9, 8)
    )
    with pytest.raises(CheckpointError, match="there is room for 8"):
        download(url, target, patience=QUICK)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, "wants a browser"),
        ({"Content-Encoding": "gzip"}, "packs the file"),
    ],
)
def test_what_is_no_file_is_refused(
    shelf: Shelf, url: str, target: Path, headers: dict[str, str], message: str
):
    shelf.headers = headers
    with pytest.raises(CheckpointError, match=message):
        download(url, target, patience=QUICK)
    assert left(target) == set()


def test_nobody_there_is_one_line_at_once(target: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CheckpointError, match=f"127.0.0.1:{port} cannot be reached") as caught:
        download(f"http://127.0.0.1:{port}/a", target, patience=Patience(pauses=(60.0,)))
    assert "\n" not in str(caught.value)


def test_a_server_that_says_nothing_is_left(target: Path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/a"
        with pytest.raises(CheckpointError, match="the connection was lost"):
            download(url, target, patience=Patience(timeout=0.05, pauses=()))


def test_a_place_that_cannot_be_written_is_said(url: str, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        download(url, tmp_path / "file" / "a.pth", patience=QUICK)


def test_other_schemes_are_not_known(target: Path):
    with pytest.raises(CheckpointError):
        download(target.parent.as_uri(), target, patience=QUICK)


HTTP = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HTTP + b"Transfer-Encoding: chunked\r\n\r\n"
# What a server says before it says the rest again and again: no end, and never a file.
ENDLESS = {
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
    "not yet": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: y\r\n" * 100),
    "tiny chunks": (CHUNKED, b"1;" + b"x" * 90 + b"\r\ny\r\n"),
    "chunks": (CHUNKED, b"3e8\r\n" + bytes(1000) + b"\r\n"),
    "a body": (HTTP + b"\r\n", bytes(1000)),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n", bytes(1000)),
    "an error": (b"HTTP/1.1 404 Not Found\r\n\r\n", bytes(1000)),
    "nonsense": (b"", bytes(1000)),
}


@contextmanager
def raw(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that answers any request as it likes, until it is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with listening.accept()[0] as one, suppress(OSError):
                        one.recv(1 << 16)
                        answer(one, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/file"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(("first", "again"), ENDLESS.values(), ids=ENDLESS)
def test_a_server_that_never_ends_is_left_and_nothing_of_it_kept(
    first: bytes, again: bytes, target: Path
):
    def answer(to: socket.socket, over: threading.Event) -> None:
        to.sendall(first)
        while not over.is_set():
            to.sendall(again)

    with raw(answer) as url, pytest.raises(CheckpointError):
        download(url, target, patience=Patience(largest=1 << 16, timeout=5.0, pauses=()))
    assert left(target) == set()


@pytest.mark.parametrize(("first", "again"), ENDLESS.values(), ids=ENDLESS)
def test_a_server_that_drips_is_left(first: bytes, again: bytes, target: Path):
    def answer(to: socket.socket, over: threading.Event) -> None:
        to.sendall(first)
        for byte in itertools.cycle(again):
            if over.wait(0.01):
                return
            to.sendall(bytes([byte]))

    with raw(answer) as url, pytest.raises(CheckpointError):
        download(url, target, patience=Patience(timeout=0.1, pauses=()))
    assert left(target) == set()


def test_a_file_has_a_time_as_a_whole(url: str, target: Path):
    with pytest.raises(CheckpointError, match="takes too long"):
        download(url, target, patience=Patience(whole=-1.0))
    assert left(target) == set()


@pytest.mark.parametrize("piece", [200, 1000, 8_999])
@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_gives_pieces_is_asked_for_all(
    shelf: Shelf, url: str, target: Path, piece: int, known: bool
):
    shelf.cut, shelf.piece = [1000], piece
    sha256 = hash_of(shelf.data) if known else None
    assert download(url, target, sha256=sha256, patience=TWICE) == hash_of(shelf.data)
    assert left(target) == {"a.pth"}


def test_pieces_of_next_to_nothing_are_refused(shelf: Shelf, url: str, target: Path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_SMALL", 5)
    shelf.cut, shelf.piece = [1000], 1
    with pytest.raises(CheckpointError, match="1 bytes at a time"):
        download(url, target, patience=TWICE)
    assert not target.exists()


@pytest.mark.parametrize("end", [Killed, Interrupted])
def test_a_download_killed_at_any_operation_on_a_file_ends_in_the_same_bytes(
    end, shelf: Shelf, url: str, target: Path, monkeypatch
):
    monkeypatch.setattr(module, "_CHUNK", 4000)
    for at in deaths(monkeypatch, partial(download, url, target, patience=QUICK), end):
        if target.exists():
            assert target.read_bytes() == shelf.data
            target.unlink()
        if at % 2:  # meanwhile another file is there
            shelf.data, shelf.tag = shelf.data[::-1], shelf.tag + "x"
    assert target.read_bytes() == shelf.data
    assert left(target) == {"a.pth"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    note=JSON | st.fixed_dictionaries({"url": JSON, "validator": JSON, "total": JSON}),
    part=st.binary(max_size=9),
)
def test_whatever_an_earlier_attempt_left_the_file_is_right(
    shelf: Shelf, url: str, target: Path, note: object, part: bytes
):
    target.parent.mkdir(exist_ok=True)
    if isinstance(note, dict) and note.keys() == {"url", "validator", "total"}:
        note["url"] = url
    target.with_name("a.pth.part").write_bytes(part)
    target.with_name("a.pth.part.json").write_text(json.dumps(note))
    assert download(url, target, patience=TWICE) == hash_of(shelf.data)
