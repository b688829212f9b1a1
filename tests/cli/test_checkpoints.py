"""`priorfit checkpoints`: what is here, what can be had, and what goes wrong on the way."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from priorfit.checkpoints import catalog, download, fetch
from priorfit.checkpoints.catalog import CATALOG
from priorfit.checkpoints.importing import Wish
from priorfit.checkpoints.published.file import Published
from priorfit.errors import CheckpointError
from priorfit.store import files, folders
from priorfit.store.description import CONFIG, MODEL, read_config
from priorfit.store.files import Stored
from tests.server import Shelf, serving

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def some(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """A published file of our own server, which becomes a checkpoint without being read."""

    def imported(wish: Wish, *, overwrite: bool) -> Path:
        return kept(wish.place.name, {"file": wish.path.name, **wish.known})

    monkeypatch.setattr(fetch, "placed", imported)
    monkeypatch.setattr(download.Patience, "__init__", quick)
    with serving(shelf) as address:
        changes = {"name": "some", "kind": "stylegan", "url": f"{address}/a", "sha256": None}
        one = dataclasses.replace(CATALOG["vgg19"], **changes)
        monkeypatch.setitem(catalog.CATALOG, "some", one)
        yield one


def quick(self: download.Patience) -> None:
    for name, value in {"largest": 1 << 20, "timeout": 5.0, "pauses": ()}.items():
        object.__setattr__(self, name, value)


def kept(name: str, source: dict[str, str] | None = None) -> Path:
    """A checkpoint that is here."""
    stored = Stored("stylegan", {"width": 3}, {"a": torch.ones(2)}, source or {})
    files.write(folders.place(name), stored, overwrite=True)
    return folders.place(name)


def rows(answer) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in answer.out.splitlines()}


def test_the_list_says_of_everything_where_it_is_one_whole_row_a_line(priorfit):
    kept("mine", {"file": "mine.pth"})
    kept("vgg16", {"published": "vgg16"})
    files.write(folders.ZOO / "ours", Stored("biggan", {}, {}, {"about": "scenes"}))
    answer = priorfit("checkpoints", "list")
    found = rows(answer)
    assert (answer.status, answer.err) == (0, "")
    head = ["where", "kind", "pixels", "for", "size", "licence", "from", "sha256"]
    vgg16 = CATALOG["vgg16"]
    assert found.pop("checkpoint") == head
    assert found["mine"] == ["here", "stylegan", "", "mine.pth", "0.0 MB", "", "mine.pth", ""]
    assert found["vgg16"][:4] == ["here", "stylegan", "", vgg16.does]
    assert found["ours"][:4] == ["comes with priorfit", "biggan", "", "scenes"]
    told = CATALOG["alexnet"]
    assert found["alexnet"][5:] == [told.licence, told.url, told.sha256]
    assert found["biggan-256"][:3] == ["by hand", "biggan", "256×256"]
    assert found["stylegan2-car-config-f"][:3] == ["to fetch", "stylegan2", "512×512"]
    assert found.keys() == CATALOG.keys() | {"mine", "ours"}
    assert {len(row) for row in found.values()} == {len(head)}


def test_the_list_says_how_to_get_the_shipped_networks_where_they_are_not_installed(priorfit):
    answer = priorfit("checkpoints", "list")
    found = rows(answer)
    assert {found[name][0] for name in folders.SHIPPED} == {"pip install priorfit-zoo"}
    assert len({len(row) for row in found.values()}) == 1
    assert not rows(priorfit("checkpoints", "list", "--here")).keys() & set(folders.SHIPPED)


@pytest.mark.parametrize("command", ["show", "fetch", "verify"])
def test_a_shipped_network_that_is_not_installed_is_offered_in_one_line(priorfit, command):
    answer = priorfit("checkpoints", command, "scenes-biggan")
    assert answer.status != 0
    assert "pip install priorfit-zoo" in answer.lines[-1]
    assert len(answer.lines) == 1


def test_the_list_can_be_cut_to_what_is_here_or_to_words(priorfit):
    kept("mine")
    assert rows(priorfit("checkpoints", "list", "--here")).keys() == {"checkpoint", "mine"}
    cats = rows(priorfit("checkpoints", "list", "CATS", "stylegan3"))
    assert cats.keys() == {"checkpoint", "stylegan3-r-afhqv2-512", "stylegan3-t-afhqv2-512"}


def test_a_damaged_checkpoint_does_not_spoil_the_list(priorfit):
    (kept("mine") / CONFIG).write_text("{")
    assert rows(priorfit("checkpoints", "list"))["mine"][0] == "damaged"


def test_a_drawn_table_loses_nothing_and_obeys_nobody(priorfit, monkeypatch):
    kept("mine", {"file": "[red]\x1b]0;owned\x07[/nonsense]", "about": "x" * 300})
    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda self: True)
    monkeypatch.setenv("COLUMNS", "60")
    answer = priorfit("checkpoints", "show", "mine")
    drawn = answer.out.replace("│", "").replace("\n", "").replace(" ", "")
    assert answer.status == 0
    assert "\x1b]" not in answer.out
    assert "[red]\\x1b]0;owned\\x07[/nonsense]" in drawn
    assert drawn.count("x") >= 300


def test_where_is_the_folder(priorfit, tmp_path):
    assert priorfit("checkpoints", "where").out == f"{tmp_path / 'home' / 'checkpoints'}\n"


@pytest.mark.parametrize("name", ["biggan-256", "biggan-deep-512", "vgg16", "lpips-alex"])
def test_all_that_is_known_of_a_published_file_is_shown(priorfit, name):
    answer = priorfit("checkpoints", "show", name)
    file = CATALOG[name]
    assert answer.status == 0
    for known in (file.file, file.url, file.page, file.code, file.weights, file.sha256):
        assert known is None or f"\t{known}\n" in answer.out
    assert f"checkpoints import {file.file} --as {name}" in answer.out


def test_all_that_is_known_of_a_checkpoint_is_shown(priorfit):
    folder = kept("mine", {"licence": "MIT"})
    found = rows(priorfit("checkpoints", "show", "mine"))
    assert found["folder"] == [str(folder)]
    assert found["config width"] == ["3"]
    assert found["source licence"] == ["MIT"]
    assert found[f"{MODEL} sha256"] == [files.sha256(folder / MODEL)]


def test_a_file_is_fetched_after_its_licence_is_said(priorfit, some):
    answer = priorfit("checkpoints", "fetch", "some")
    assert answer.status == 0
    assert answer.lines == [f"some: {some.licence}; from 127.0.0.1"]
    assert answer.out == f"some: stylegan, in {folders.place('some')}\n"
    again = priorfit("checkpoints", "fetch", "some")
    assert (again.status, again.err) == (0, "")
    assert "here already" in again.out


def test_quiet_is_quiet(priorfit, some):
    answer = priorfit("checkpoints", "fetch", "some", "-q")
    assert answer == (0, "", "")
    assert priorfit("checkpoints", "verify", "-q") == (0, "", "")


def test_one_failure_is_one_line_and_the_others_are_fetched(priorfit, some, monkeypatch):
    gone = dataclasses.replace(some, name="gone", url="http://127.0.0.1:9/a")
    monkeypatch.setitem(catalog.CATALOG, "gone", gone)
    answer = priorfit("checkpoints", "fetch", "gone", "biggan-256", "some", "-q")
    assert answer.status == 1
    assert [line.split(": ")[1] for line in answer.lines] == ["gone", "biggan-256"]
    assert "cannot be reached" in answer.lines[0]
    assert "a browser is needed" in answer.lines[1]
    assert folders.names().keys() == {"some"}


def test_an_unknown_name_is_wrong_usage_before_anything_is_fetched(priorfit, some, shelf):
    for command in (("fetch", "some", "sone"), ("show", "sone")):
        answer = priorfit("checkpoints", *command)
        assert (answer.status, answer.out, len(answer.lines)) == (2, "", 1)
        assert "did you mean 'some'" in answer.err
    assert shelf.asked == []


def test_ctrl_c_leaves_what_has_come_and_says_how_to_go_on(priorfit, some, shelf, monkeypatch):
    put = catalog.waiting(some)

    def broken(*arguments: object, **named: object) -> str:
        put.parent.mkdir(parents=True, exist_ok=True)
        put.with_name(put.name + ".part").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "download", broken)
    answer = priorfit("checkpoints", "fetch", "some", "-q")
    assert answer.status == 130
    kept_part = f"{put}.part is kept, `priorfit checkpoints fetch some` continues"
    assert answer.lines == [f"priorfit: some: interrupted, {kept_part}"]


def test_a_file_of_ones_own_is_imported(priorfit, folder, monkeypatch):
    given: list[object] = []

    def imported(*arguments: object) -> Path:
        given.extend(arguments)
        return kept("mine")

    monkeypatch.setattr("priorfit.checkpoints.importing.import_file", imported)
    told = ("--setting", "space=w+", "--setting", "layers=[1, 2]")
    chosen = ("--as", "mine", "--part", "D", "--overwrite")
    answer = priorfit("checkpoints", "import", "a.pkl", *chosen, *told)
    assert given == [Path("a.pkl"), "mine", "D", True, {"space": "w+", "layers": [1, 2]}]
    assert answer == (0, f"mine: stylegan, in {folders.place('mine')}\n", "")


def test_a_published_file_that_was_fetched_by_hand_gets_its_licence(priorfit, folder, some):
    (folder / "copy").write_bytes(b"published")
    assert priorfit("checkpoints", "import", "copy", "--as", "some").status == 0
    assert read_config(folders.place("some"))["source"]["licence"] == some.licence


BAD = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "folder"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "words": (lambda path: path.write_text("words"), "expected a checkpoint"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_what_is_no_checkpoint_is_one_line(priorfit, folder, make, message):
    make(folder / "a.pth")
    answer = priorfit("checkpoints", "import", "a.pth")
    assert (answer.status, answer.out, len(answer.lines)) == (1, "", 1)
    assert answer.err.startswith("priorfit: a.pth: ")
    assert message in answer.err
    assert folders.names() == {}


@pytest.mark.parametrize("name", ["../up", "A", ""])
def test_a_name_that_is_none_is_wrong_usage(priorfit, folder, name):
    answer = priorfit("checkpoints", "import", "a.pth", "--as", name)
    assert (answer.status, len(answer.lines)) == (2, 1)
    assert "'--as'" in answer.err


@pytest.mark.parametrize("setting", ["space", "=w", ""])
def test_a_setting_that_is_none_is_wrong_usage(priorfit, folder, setting):
    answer = priorfit("checkpoints", "import", "a.pth", "--setting", setting)
    assert (answer.status, len(answer.lines)) == (2, 1)
    assert "expected KEY=VALUE" in answer.err


@pytest.mark.parametrize(
    "arguments", [(), ("fetch",), ("import",), ("show",), ("remove",), ("lst",), ("list", "--what")]
)
def test_an_incomplete_command_is_wrong_usage(priorfit, arguments):
    answer = priorfit("checkpoints", *arguments)
    assert (answer.status, answer.out, len(answer.lines)) == (2, "", 1)


def test_verifying_says_what_changed(priorfit):
    kept("good")
    (kept("bad") / MODEL).write_bytes(b"changed")
    answer = priorfit("checkpoints", "verify")
    assert answer.status == 1
    assert rows(answer) == {"checkpoint": ["state"], "good": ["ok"], "bad": ["changed"]}
    assert len(answer.lines) == 1
    assert answer.lines[0].startswith("priorfit: bad: changed: ")
    assert priorfit("checkpoints", "verify", "good").status == 0
    assert priorfit("checkpoints", "verify", "never").status == 1


def test_removing_takes_ones_own_checkpoint_and_nothing_else(priorfit):
    files.write(folders.ZOO / "ours", Stored("biggan", {}, {}))
    folder = kept("mine")
    (kept("with-notes") / "notes.txt").write_text("mine")
    assert priorfit("checkpoints", "remove", "mine").status == 0
    assert not folder.exists()
    answer = priorfit("checkpoints", "remove", "ours", "with-notes", "never", "../zoo/ours")
    assert (answer.status, len(answer.lines)) == (1, 4)
    assert (folders.ZOO / "ours" / CONFIG).exists()
    assert (folders.place("with-notes") / "notes.txt").exists()


def test_listing_needs_no_torch():
    script = (
        "import sys\nfrom priorfit.cli import main\n"
        "main(['checkpoints', 'list']); main(['checkpoints', 'show', 'vgg16'])\n"
        "main(['checkpoints', 'verify'])\nsys.exit(repr({'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "set()"


def test_a_published_look_alike_is_imported_verified_and_loaded(priorfit, folder):
    widths = (4, 4, 4, 4, 4)
    inside = (3, *widths[:-1])
    sizes = (11, 5, 3, 3, 3)
    tensors: dict[str, torch.Tensor] = {}
    for index, n, m, k in zip((0, 3, 6, 8, 10), widths, inside, sizes, strict=True):
        tensors[f"features.{index}.weight"] = torch.full((n, m, k, k), 0.01)
        tensors[f"features.{index}.bias"] = torch.zeros(n)
    save_file(tensors, folder / "tiny.safetensors")
    answer = priorfit("checkpoints", "import", "tiny.safetensors")
    assert answer == (0, f"tiny: features, in {folders.place('tiny')}\n", "")
    assert rows(priorfit("checkpoints", "list", "--here"))["tiny"][:2] == ["here", "features"]
    assert priorfit("checkpoints", "verify").status == 0
    again = priorfit("checkpoints", "import", "tiny.safetensors")
    assert (again.status, len(again.lines)) == (1, 1)
    assert "exists already" in again.err


def test_an_error_in_between_keeps_what_was_there(priorfit, folder, some, monkeypatch):
    def fails(*arguments: object, **named: object) -> Path:
        raise CheckpointError("a.pth: holds nothing")

    kept("some", {"published": "some"})
    before = (folders.place("some") / MODEL).read_bytes()
    monkeypatch.setattr(fetch, "placed", fails)
    answer = priorfit("checkpoints", "fetch", "some", "--overwrite", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert (folders.place("some") / MODEL).read_bytes() == before
