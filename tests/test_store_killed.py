"""Checkpoints of which a process dies while it writes, replaces or imports them."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from priorfit.checkpoints import importing
from priorfit.checkpoints.child import Request
from priorfit.checkpoints.importing import import_file
from priorfit.checkpoints.verify import verify
from priorfit.errors import CheckpointError
from priorfit.store import files, folders
from priorfit.store.description import CONFIG, MODEL
from priorfit.store.files import Stored
from priorfit.store.workshop import sweep, workshop
from tests.dying import Interrupted, Killed, deaths

ends = pytest.mark.parametrize("end", [Killed, Interrupted])


def stored(value: float) -> Stored:
    return Stored("twice", {"value": value}, {"a": torch.full((3,), value)})


def value(folder: Path) -> float:
    """The number that stands in both files of a checkpoint."""
    found = files.read(folder)
    assert found.tensors["a"].tolist() == [found.config["value"]] * 3
    return found.config["value"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path))
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    return folders.home()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of one number, which is read without another process."""

    def answer(shop: Path, request: Request) -> dict[str, Any]:
        number = float(Path(request.path).read_text())
        save_file({"a": torch.full((3,), number)}, Path(request.folder) / MODEL)
        return {"kind": "twice", "config": {"value": number}, "source": {}}

    monkeypatch.setattr(importing, "_answer", answer)
    monkeypatch.setattr(importing, "checked", lambda stored: None)
    (tmp_path / "file").write_text("2")
    return tmp_path / "file"


@ends
def test_a_checkpoint_that_is_replaced_is_the_old_or_the_new_one_at_every_moment(
    end, tmp_path, monkeypatch
):
    folder, seen = tmp_path / "one", []
    files.write(folder, stored(1))
    (folder / "README.md").write_text("mine")
    for _ in deaths(monkeypatch, lambda: files.write(folder, stored(2), overwrite=True), end):
        seen.append(value(folder))
        files.write(folder, stored(1), overwrite=True)
        assert names(folder) == {CONFIG, MODEL, "README.md"} or end is Killed
        assert value(folder) == 1
    assert value(folder) == 2
    assert seen == sorted(seen) and set(seen) == {1, 2}
    files.write(folder, stored(3), overwrite=True)
    assert {name for name in names(folder) if not name.endswith(".part")} == {
        CONFIG,
        MODEL,
        "README.md",
    }


@ends
def test_an_import_that_replaces_leaves_the_old_or_the_new_one_at_every_moment(
    end, home, published, monkeypatch
):
    seen = []
    files.write(home / "one", stored(1))
    again = partial(import_file, published, "one", overwrite=True)
    for _ in deaths(monkeypatch, again, end):
        seen.append(value(home / "one"))
        assert [verdict.state for verdict in verify()] == ["ok"]
        files.write(home / "one", stored(1), overwrite=True)
    assert value(home / "one") == 2
    assert seen == sorted(seen) and set(seen) == {1, 2}
    sweep()
    assert names(home) == {"one"}


@ends
def test_a_first_import_is_there_as_a_whole_or_not_at_all(end, home, published, monkeypatch):
    for _ in deaths(monkeypatch, partial(import_file, published, "one"), end):
        if "one" in folders.names():
            assert value(home / "one") == 2
            folders.remove("one")
        assert not (home / "one").exists()
    assert names(home) == {"one"}
    assert value(home / "one") == 2


@pytest.mark.parametrize("tensor", [torch.ones(3), torch.full((3,), torch.nan)])
def test_a_refused_import_leaves_what_was_there(tensor: Tensor, home, published, monkeypatch):
    files.write(home / "one", stored(1))
    wish = importing.Wish(published, home / "one", kind="biggan")
    with pytest.raises(CheckpointError, match="holds a twice, and one is a biggan"):
        importing.placed(wish, overwrite=True)
    monkeypatch.setattr(importing, "_origin", lambda path, source: {"sha256": "0" * 64})
    with pytest.raises(CheckpointError, match="changed while it was read"):
        importing.placed(importing.Wish(published, home / "one", digest="1"), overwrite=True)
    published.write_text("no number")
    with pytest.raises(ValueError):
        import_file(published, "one", overwrite=True)
    assert names(home) == {"one"}
    assert value(home / "one") == 1


def test_what_killed_imports_left_is_swept_and_what_is_in_use_is_not(home):
    (home / f".{'0' * 16}" / "new").mkdir(parents=True)
    (home / f".{'0' * 16}" / "new" / MODEL).write_bytes(b"gigabytes")
    (home / ".mine").mkdir()
    (home / f".{'1' * 16}").symlink_to(home.parent)
    with workshop() as shop:
        assert names(home) == {shop.name, ".mine", f".{'1' * 16}"}
        sweep()
        assert shop.is_dir()
    assert names(home) == {".mine", f".{'1' * 16}"}


CHILD = """
import os, sys, time
sys.path[:0] = sys.argv[1:]
from priorfit.checkpoints import child
child.imported = lambda request: time.sleep(600)
sys.exit(child.main())
"""
PARENT = """
import os, sys
from pathlib import Path
from priorfit.checkpoints import importing
importing._START = Path(sys.argv[1]).read_text()
popen = importing.subprocess.Popen
def told(*given, **named):
    process = popen(*given, **named)
    Path(sys.argv[2]).write_text(str(process.pid))
    return process
importing.subprocess.Popen = told
importing.import_file(sys.argv[3], "one")
"""


def test_the_reading_process_ends_with_the_one_that_asked(tmp_path, published):
    (tmp_path / "child.py").write_text(CHILD)
    told = tmp_path / "pid"
    command = [sys.executable, "-c", PARENT, str(tmp_path / "child.py"), str(told), str(published)]
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(root / "src"), str(root)])
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as parent:
        while not (told.exists() and told.read_text()):
            time.sleep(0.01)
        parent.kill()
    waited = time.monotonic() + 60
    while alive(int(told.read_text())):
        assert time.monotonic() < waited
        time.sleep(0.01)


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
