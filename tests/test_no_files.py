"""What is no regular file, in the place of everything that is read: one line, and no waiting."""

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from priorfit import images
from priorfit.bench import results
from priorfit.checkpoints.importing import import_file
from priorfit.disk import regular
from priorfit.disk.regular import read_regular
from priorfit.errors import PriorfitError
from priorfit.images.atomic import sweep
from priorfit.records.sidecar import load_sidecar, sidecar_path, source
from priorfit.records.state_file import load_about, load_state
from priorfit.store import files
from priorfit.store.description import CONFIG, MODEL
from priorfit.tasks.psf import read_psf


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def folder(path: Path) -> None:
    path.mkdir()


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(path.parent, os.O_RDONLY)
        one.bind(f"/proc/self/fd/{here}/{path.name}")  # a name of a socket has to be short
        os.close(here)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def nowhere(path: Path) -> None:
    path.symlink_to(path.name + ".gone")


KINDS = [pipe, device, terminal, folder, bound, loop, nowhere]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)

READERS: dict[str, Callable[[Path], object]] = {
    "a picture": images.read,
    "a format": images.format_in,
    "a mask": partial(images.read_mask, size=(16, 16)),
    "a PSF": read_psf,
    "a PSF in an array": read_psf,
    "a checkpoint to import": partial(import_file, name="one"),
    "a state": load_state,
    "words about a state": load_about,
    "an input's hash": partial(source, "input"),
    "measurements": results.load,
    "a model": files.tensors_of,
}


@each_kind
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused_at_once(name: str, kind, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))
    path = tmp_path / ("given.npy" if "array" in name else "given")
    kind(path)
    if name == "measurements" and kind is nowhere:
        return
    with pytest.raises(PriorfitError) as caught:
        READERS[name](path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@each_kind
def test_what_stands_beside_a_picture_and_is_no_file_is_no_sidecar(kind, tmp_path: Path):
    kind(sidecar_path(tmp_path / "a.png"))
    if kind in (folder, loop, nowhere):
        assert load_sidecar(tmp_path / "a.png") is None
        return
    with pytest.raises(PriorfitError, match=r"a\.png\.json: is not a file"):
        load_sidecar(tmp_path / "a.png")


@each_kind
def test_a_checkpoint_without_a_description_is_refused(kind, tmp_path: Path):
    kind(tmp_path / CONFIG)
    kind(tmp_path / MODEL)
    with pytest.raises(PriorfitError):
        files.read(tmp_path)


@each_kind
def test_what_is_no_file_is_not_swept(kind, tmp_path: Path):
    kind(tmp_path / f".{'0' * 16}.part")
    sweep(tmp_path)
    assert os.path.lexists(tmp_path / f".{'0' * 16}.part")


def test_a_file_is_read_to_its_limit(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1234")
    assert read_regular(tmp_path / "a", 4) == b"1234"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_regular(tmp_path / "a", 3)


def test_a_pipe_that_takes_a_files_place_meanwhile_is_not_waited_for(tmp_path: Path):
    pipe(tmp_path / "pipe")
    with open(tmp_path / "pipe", "rb", opener=regular._at_once) as file:
        assert file.read() == b""
