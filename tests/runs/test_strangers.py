"""Run folders that were moved, tampered with, or come from somebody who means harm."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from priorfit.errors import PriorfitError
from priorfit.records.sidecar import load_sidecar, sidecar_path
from priorfit.records.state_file import load_about, load_state, save_state
from priorfit.runs import go_on, is_finished, is_unfinished, resume, run
from priorfit.runs.saved import load
from tests.dying import Killed
from tests.tiny import changed

CHECKPOINT = "checkpoint.safetensors"


@pytest.fixture
def job(job):
    return changed(job, checkpoint_every=0.0, steps=2)


def killed(job) -> Path:
    """The folder of a run that was killed in its second step."""
    with pytest.raises(Killed):
        run(changed(job, steps=3), late)
    assert is_unfinished(job.run_folder)
    return job.run_folder


def late(progress) -> None:
    if progress.step > 1:
        raise Killed


def tampered(folder: Path, **changes: object) -> None:
    """Write other words about a run, by somebody who knows how the hash is made."""
    path = folder / CHECKPOINT
    about = json.loads(load_about(path))
    for name, value in changes.items():
        (about if name in about else about["job"])[name] = value
    save_state(path, load_state(path), json.dumps(about))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("late_file", ["out.png", "out.png.json"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_fit_whose_place_is_taken_meanwhile_is_kept(job, late_file: str, kind: str):
    place = job.output.with_name(late_file)

    def put(progress) -> None:
        if not place.exists():
            place.write_text("somebody else's") if kind == "file" else place.mkdir()

    with pytest.raises(PriorfitError, match="the fit is kept, to go on: priorfit resume"):
        run(changed(job, checkpoint_every=None), put)
    with pytest.raises(PriorfitError):
        resume(job.run_folder)
    assert kind == "folder" or place.read_text() == "somebody else's"
    place.unlink() if kind == "file" else place.rmdir()
    resume(job.run_folder)
    assert names(job.output.parent) == {"in.png", "out.png", "out.png.json"}
    assert is_finished(job)


def test_a_fit_whose_folder_vanishes_is_written(job, tmp_path):
    inside = changed(job, output=tmp_path / "gone" / "out.png")
    inside.output.parent.mkdir()
    run(inside, lambda progress: shutil.rmtree(tmp_path / "gone", ignore_errors=True))
    assert names(tmp_path / "gone") == {"out.png", "out.png.json"}


def test_a_moved_run_goes_on_where_it_is(job, tmp_path):
    folder = killed(job)
    (tmp_path / "there").mkdir()
    moved = folder.rename(tmp_path / "there" / "other.run")
    resume(moved)
    assert names(tmp_path / "there") == {"out.png", "out.png.json"}
    assert names(tmp_path) == {"in.png", "there"}


def test_a_run_folder_writes_beside_itself_alone(job, tmp_path):
    folder, victim = killed(job), tmp_path / "victim"
    victim.mkdir()
    (victim / "precious.png").write_text("precious")
    tampered(folder, output=str(victim / "precious.png"), uncertainty=None, overwrite=True)
    resume(folder)
    assert (victim / "precious.png").read_text() == "precious"
    assert names(victim) == {"precious.png"}
    assert names(tmp_path) == {"in.png", "precious.png", "precious.png.json", "victim"}


@pytest.mark.parametrize("product", ["out.png", "out.png.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_links_beside_a_run_folder_are_not_followed(job, tmp_path, product: str, overwrite: bool):
    folder = killed(job)
    tampered(folder, overwrite=overwrite)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / product).symlink_to("precious")
    with pytest.raises(PriorfitError, match="symbolic link"):
        resume(folder)
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("name", ["lock", CHECKPOINT, "written.json"])
def test_links_in_a_run_folder_are_not_followed(job, tmp_path, name: str):
    folder = killed(job)
    if (folder / name).exists():
        (folder / name).rename(tmp_path / "precious")
    else:
        (tmp_path / "precious").write_bytes(b"precious")
    before = (tmp_path / "precious").read_bytes()
    (folder / name).symlink_to(tmp_path / "precious")
    resume(folder)
    assert (tmp_path / "precious").read_bytes() == before


def test_a_pipe_for_a_lock_is_not_waited_for(job):
    folder = killed(job)
    os.mkfifo(folder / "lock")
    resume(folder)
    assert is_finished(job)


def test_another_run_of_the_same_picture_is_left_alone(job, tmp_path):
    folder = killed(job)
    shutil.copytree(folder, tmp_path / "evil.run")
    before = (folder / CHECKPOINT).read_bytes()
    with pytest.raises(PriorfitError, match="is an unfinished run"):
        resume(tmp_path / "evil.run")
    assert (folder / CHECKPOINT).read_bytes() == before


FIELDS = {
    "threads": [0, -1, 20_000, 2**70, None, 1.5],
    "planned": [0, -1, 2**70, None],
    "seconds": [-1.0, "inf", None],
    "resumed": [-1, 2**70],
    "tile": [0, -48, 2**70],
    "each": [0, 2**70],
    "patience": [-1.0, "nan"],
    "losses": [[[-1, 0.5]], [[1]], 3],
    "device": ["cuda:99", "x"],
    "numbers": ["", "0"],
    "output": ["a\0b.png", "", "/", "..", "a.exe"],
    "input": ["a\0b.png", "", "gone.png"],
    "steps": [0, -1],
    "recipe": ["none", ""],
    "task": [{"kind": "none"}, None],
    "inputs": [[], [{"role": "input", "name": "a", "sha256": "0"}]],
}
CASES = [(name, value) for name, values in FIELDS.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=map(repr, CASES))
def test_every_field_that_was_tampered_with_is_refused(job, name: str, value: object):
    folder = killed(job)
    tampered(folder, **{name: value})
    with pytest.raises(PriorfitError) as caught:
        resume(folder)
    assert "\n" not in str(caught.value)
    assert not job.output.exists()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_words_are_about_a_run_they_are_read_or_refused(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a") / "a.run"
    folder.mkdir()
    words = data.draw(st.text() | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
    save_state(folder / CHECKPOINT, {}, words)
    with pytest.raises(PriorfitError):
        load(folder)


@pytest.mark.parametrize("missing", ["picture", "sidecar", "snapshot"])
def test_a_set_of_which_a_file_is_missing_is_made_again(job, missing: str):
    job = changed(job, snapshots=(1,))
    run(job)
    assert is_finished(job)
    whole = job.output.read_bytes()
    files = {
        "picture": job.output,
        "sidecar": sidecar_path(job.output),
        "snapshot": job.snapshot(1),
    }
    files[missing].unlink()
    assert not is_finished(job)
    if missing == "sidecar":  # nobody knows whose picture that is
        with pytest.raises(PriorfitError, match="exists already"):
            go_on(job)
        return
    go_on(job)
    assert is_finished(job)
    assert job.output.read_bytes() == whole


def test_a_sidecar_names_its_set_with_hashes(job):
    job = changed(job, snapshots=(1, 50))
    run(job)
    files = load_sidecar(job.output).files
    assert files == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
        for path in (job.output, job.snapshot(1), job.snapshot(50))
    }
