"""Importing: published networks draw the same pictures here, and nothing else comes of a file."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from priorfit.checkpoints import importing
from priorfit.checkpoints.child import Limits
from priorfit.checkpoints.conversion import converted, picked
from priorfit.checkpoints.directions import Direction
from priorfit.checkpoints.importing import default_name, import_file
from priorfit.checkpoints.layouts import Found, Layout
from priorfit.errors import CheckpointError
from priorfit.networks.pggan import PgGan, PgGanConfig
from priorfit.noise import Noise
from priorfit.store import folders
from tests.lookalikes import Call, Global, npy, pickled
from tests.style_files import mganprior_pggan
from tests.test_published import PUBLISHED, arrays, drawn, progressive


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A published PGGAN."""
    path = tmp_path / "My PGGAN (8).pth"
    path.write_bytes(PUBLISHED["PGGAN, zip"][1])
    return path


def refused(match: str, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(CheckpointError, match=match) as caught:
        import_file(*args, **kwargs)
    assert str(caught.value).isprintable()
    return str(caught.value)


def named(*parts: str) -> list[Found]:
    return [Found({"a": torch.ones(1)}, part) for part in parts]


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        (["G", "D", "Gs"], "Gs"),
        (["E", "G", "D", "Gs"], "Gs"),
        (["G", "D", "G_ema"], "G_ema"),
        (["g", "g_ema", "d"], "g_ema"),
        (["generator", "generator_smooth"], "generator_smooth"),
        (["discriminator", "generator"], "generator"),
        (["D"], "D"),
    ],
)
def test_the_averaged_generator_comes_before_the_other(parts: list[str], wanted: str):
    assert picked(named(*parts), None).part == wanted


@pytest.mark.parametrize(("parts", "part"), [(["D", "E"], None), (["G"], "D"), (["a", "a"], "a")])
def test_parts_are_listed_where_the_choice_is_unclear(parts: list[str], part: str | None):
    with pytest.raises(CheckpointError, match=", ".join(parts)):
        picked(named(*parts), part)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_tensor_with_what_is_no_number_is_named(value: float):
    state = mganprior_pggan(progressive().state_dict())
    state["layer1.wscale.bias"] = torch.full_like(state["layer1.wscale.bias"], value)
    with pytest.raises(CheckpointError, match=r"convs\.0\.bias holds values that are no numbers"):
        converted([Found(state)])


def test_an_unknown_layout_is_described():
    with pytest.raises(CheckpointError, match=r"not known: 1 tensors such as a \(1,\)"):
        converted(named("G"))


def test_what_a_layout_stumbles_over_is_refused():
    def fall(found: Found) -> Any:
        return found.tensors["missing"]

    with pytest.raises(CheckpointError, match="does not fit the layout 'broken'"):
        converted(named("G"), layouts=[Layout("broken", lambda found: True, fall)])


def test_an_import_is_found_by_its_name(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("torch", "json", "priorfit", "sitecustomize"):
        (evil / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')")
    monkeypatch.chdir(evil)
    monkeypatch.setenv("PYTHONPATH", str(evil))
    folder = import_file(file)
    assert folder == folders.place("my-pggan-8")
    network = PgGan.from_pretrained("my-pggan-8")
    z = network.sample(Noise([0]))
    assert torch.allclose(network(z), progressive()(z), atol=1e-6)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert network.source == {
        "bytes": file.stat().st_size,
        "file": file.name,
        "layout": "PGGAN of mGANprior and HiGAN",
        "part": "",
        "sha256": digest,
    }
    assert not (tmp_path / "marker").exists()
    assert [path.name for path in folders.home().iterdir()] == ["my-pggan-8"]
    refused("exists already", file)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    import_file(file, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_hostile_file_leaves_nothing(tmp_path: Path, home: Path):
    marker, path = tmp_path / "marker", tmp_path / "evil.pkl"
    path.write_bytes(pickled({"G_ema": Call(Global("posix", "system"), (f"touch {marker}",))}))
    assert refused("names posix.system", path).startswith(f"{path}: ")
    assert not marker.exists()
    assert not home.exists()


def test_a_direction_is_imported(tmp_path: Path):
    path = tmp_path / "age_w_boundary.npy"
    path.write_bytes(npy((1, 4), "<f8", torch.arange(4.0).double().numpy().tobytes()))
    import_file(path, "age", settings={"space": "w"})
    direction = Direction.from_pretrained("age")
    assert direction.space == "w"
    assert torch.equal(direction.tensor, torch.arange(4.0).double()[None])


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(memory=1 << 20, seconds=60, written=1 << 30), "needs more memory than the 1 MiB"),
        (Limits(memory=1 << 30, seconds=1, written=1 << 30), "takes too long"),
        (Limits(memory=1 << 30, seconds=60, written=20_000), "cannot be written"),
    ],
    ids=["memory", "seconds", "written"],
)
def test_an_import_ends_at_its_limits(
    limits: Limits, said: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "large.npz"
    state = mganprior_pggan(drawn(lambda: PgGan(PgGanConfig((512, 64)))).state_dict())
    path.write_bytes(arrays(state))
    monkeypatch.setattr(importing, "limits", lambda source: limits)
    refused(said, path)
    assert not home.exists()


# What a process may do that a hostile file has taken over.
FALLEN = {
    "killed": ("import os; os.kill(os.getpid(), 9)", "want of memory"),
    "aborted": ("import os; os.abort()", "ended with SIGABRT"),
    "silent": ("pass", "its reader failed"),
    "babbling": ("print('{' * 100_000)", "its reader failed"),
    "lost": ("sys.exit(3)", "ended with status 3"),
    "raising": ("import nowhere", "its reader failed: ModuleNotFoundError: No module named"),
    "complaining": ('print(\'{"error": "a\\\\u001b[2J\\\\nb"}\'); sys.exit(1)', "a \\[2J b"),
    "leaving nothing": ("print('{}')", "left something else"),
    "leaving more": (
        "open('new/model.safetensors', 'w'); open('new/more', 'w'); print('{}')",
        "left something else",
    ),
    "leaving a link": (
        "import os; os.symlink('/etc/passwd', 'new/model.safetensors'); print('{}')",
        "left something else",
    ),
    "leaving a pipe": (
        "import os; os.mkfifo('new/model.safetensors'); print('{}')",
        "left something else",
    ),
    "saying what JSON cannot": (
        "open('new/model.safetensors', 'wb').write(bytes([2]) + bytes(7) + b'{}');"
        'print(\'{"kind": "pggan", "config": {"lod": NaN}, "source": {"a": NaN}}\')',
        "setting 'lod' cannot be",
    ),
    "leaving nonsense": ("open('new/model.safetensors', 'w').write('a'); print('{}')", "sound"),
    "leaving another network": (
        "open('new/model.safetensors', 'wb').write(bytes([2]) + bytes(7) + b'{}');"
        "import json; print(json.dumps({'kind': 'pggan', 'config': {}, 'source': {}}))",
        "does not fit its network",
    ),
    "naming a module": (
        "open('new/model.safetensors', 'wb').write(bytes([2]) + bytes(7) + b'{}');"
        "import json; print(json.dumps({'kind': 'os.system', 'config': {}, 'source': {}}))",
        "no kind of network",
    ),
}


@pytest.mark.parametrize(("does", "said"), FALLEN.values(), ids=FALLEN)
def test_a_reader_that_was_taken_over_gets_nothing_in(
    does: str, said: str, file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importing, "_START", f"import sys; sys.stdin.readline(); {does}")
    refused(said, file)
    assert not home.exists()


def test_a_reader_that_sleeps_is_ended(file: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(importing, "patience", lambda limits: 0.3)
    refused("takes too long", file)
    assert not home.exists()


@pytest.mark.parametrize(
    ("path", "part", "name"),
    [
        ("karras2019stylegan-ffhq-1024x1024.pkl", None, "karras2019stylegan-ffhq-1024x1024"),
        ("G_ema_256.pth", None, "g_ema_256"),
        ("Age (1).npy", None, "age-1"),
        ("ffhq.pkl", "D", "ffhq-d"),
        (".hidden.pth", None, "hidden"),
        ("日本.pth", "G/x", "g-x"),
        ("a" * 100, None, "a" * 80),
    ],
)
def test_a_name_is_made_of_the_files(path: str, part: str | None, name: str):
    assert default_name(Path(path), part) == name
    assert folders.place(name).name == name


def test_a_file_without_a_plain_letter_needs_a_name():
    with pytest.raises(CheckpointError, match="choose a name"):
        default_name(Path("日本.pth"))


@pytest.mark.parametrize("name", ["../up", "A", ""])
def test_a_name_that_is_none_is_refused(name: str, file: Path, home: Path):
    refused("is no name for a checkpoint", file, name)
    assert not home.exists()
