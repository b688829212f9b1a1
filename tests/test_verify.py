"""Checkpoints that are as they were, and those that are not."""

import json
from pathlib import Path

import pytest
import torch

from priorfit.checkpoints.verify import verified, verify
from priorfit.store import files, folders
from priorfit.store.description import CONFIG, MODEL, MODEL_SHA256
from priorfit.store.files import Stored


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path))
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    files.write(folders.place("one"), Stored("twice", {}, {"a": torch.ones(3)}))
    return folders.place("one")


def test_what_nobody_touched_is_ok():
    assert verified("one") == ("one", "ok", "")


def test_every_checkpoint_is_looked_at_unless_some_are_named(tmp_path: Path):
    files.write(folders.place("two"), Stored("twice", {}, {"a": torch.ones(3)}))
    files.write(tmp_path / "zoo" / "three", Stored("twice", {}, {"a": torch.ones(3)}))
    assert {name for name, state, _ in verify() if state == "ok"} == {"one", "two", "three"}
    assert [verdict.name for verdict in verify(["two"])] == ["two"]


def test_a_folder_is_looked_at_too(folder: Path):
    assert verified(str(folder)).state == "ok"


@pytest.mark.parametrize("place", [0, 20, -1])
def test_one_bit_is_enough(folder: Path, place: int):
    data = bytearray((folder / MODEL).read_bytes())
    data[place] ^= 1
    (folder / MODEL).write_bytes(data)
    name, state, detail = verified("one")
    assert (name, state) == ("one", "changed")
    assert files.sha256(folder / MODEL) in detail


def test_what_was_added_to_the_source_does_not_matter(folder: Path):
    files.annotate(folder, {"licence": "MIT"})
    assert verified("one").state == "ok"


def test_a_model_without_its_description_is_missing_and_the_other_way_round(folder: Path):
    (folder / MODEL).rename(folder / "away")
    assert verified("one").state == "missing"
    (folder / "away").rename(folder / MODEL)
    (folder / CONFIG).unlink()
    assert verified("one").state == "missing"
    assert verified("never").state == "missing"


@pytest.mark.parametrize("text", ["", "[]", '{"priorfit": 1, "kind": "a", "config": {}}', "{"])
def test_a_description_that_does_not_say_is_damaged(folder: Path, text: str):
    (folder / CONFIG).write_text(text)
    assert verified("one").state == "damaged"


@pytest.mark.parametrize("value", [None, 3, [], "", "0" * 64])
def test_a_hash_that_is_none_is_never_ok(folder: Path, value: object):
    config = json.loads((folder / CONFIG).read_text()) | {MODEL_SHA256: value}
    (folder / CONFIG).write_text(json.dumps(config))
    assert verified("one").state in {"changed", "damaged"}
