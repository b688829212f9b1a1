"""Networks that are stored and found again: what comes back, and what is refused."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from priorfit.errors import CheckpointError, ImageFileError, ProblemError
from priorfit.networks import pretrained
from priorfit.networks.generator import Discriminator, Generator, split_at
from priorfit.networks.initialise import initialised
from priorfit.networks.pretrained import Pretrained, build_stored
from priorfit.noise import Noise
from priorfit.store import files, folders
from priorfit.store.files import CONFIG, MODEL, Stored


@dataclass(frozen=True)
class Sizes:
    width: int
    depths: tuple[int, ...] = (1,)
    slope: float = 0.2
    ending: Literal["tanh", "none"] = "none"
    limit: float | None = None


class Twice(Generator):
    """Two layers, so that there is a middle."""

    kind = "twice"
    Config = Sizes

    def __init__(self, config: Sizes) -> None:
        super().__init__(config)
        self.size, self.z_dim, self.layers = (2, 2), config.width, 2
        self.first = nn.Linear(config.width, config.width)
        self.second = nn.Linear(config.width, 12)

    def lower(self, latent: Tensor, layer: int, c: Tensor | None = None) -> Tensor:
        x = self.first(latent) if split_at(layer, 2) else latent
        return (self.second(x) if layer == 2 else x)[..., None, None]

    def upper(
        self, features: Tensor, layer: int, latent: Tensor, c: Tensor | None = None
    ) -> Tensor:
        x = features[..., 0, 0]
        x = self.first(x) if layer == 0 else x
        return (self.second(x) if layer < 2 else x).reshape(-1, 3, 2, 2)


@pytest.fixture(autouse=True)
def _homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(pretrained.HOMES, "twice", f"{__name__}.Twice")
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path / "home"))


def twice(width: int = 4, seed: int = 0) -> Twice:
    config = Sizes(width, depths=(1, 2), ending="tanh", limit=3)
    return initialised(lambda: Twice(config), torch.Generator().manual_seed(seed))


def stored(**changes: object) -> Stored:
    network = twice()
    values = {"width": 4, "depths": [1, 2], **changes}
    return Stored("twice", values, network.state_dict())


def test_what_is_saved_comes_back(tmp_path: Path):
    network = twice()
    network.source = {"licence": "none"}
    network.save_pretrained(tmp_path / "a")
    again = Generator.from_pretrained(tmp_path / "a")
    z = again.sample(Noise([3, 4]))
    assert isinstance(again, Twice)
    assert torch.equal(again(z), network(z))
    assert (again.config, again.source) == (network.config, network.source)
    assert not again.training
    assert {path.name for path in (tmp_path / "a").iterdir()} == {CONFIG, MODEL}


def test_the_same_network_makes_the_same_files(tmp_path: Path):
    for name in "ab":
        twice().save_pretrained(tmp_path / name)
    for name in (CONFIG, MODEL):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_description_knows_the_hash_of_the_model(tmp_path: Path):
    twice().save_pretrained(tmp_path)
    config = files.read_config(tmp_path)
    assert config[files.MODEL_SHA256] == files.sha256(tmp_path / MODEL)


def test_what_is_added_to_the_source_changes_nothing_else(tmp_path: Path):
    network = twice()
    network.source = {"file": "a.pth", "licence": "unknown"}
    network.save_pretrained(tmp_path)
    before = files.read_config(tmp_path)
    files.annotate(tmp_path, {"licence": "MIT", "url": "https://example.org"})
    after = files.read_config(tmp_path)
    assert after.pop("source") == before.pop("source") | {
        "licence": "MIT",
        "url": "https://example.org",
    }
    assert after == before


def test_half_precision_comes_back_in_float32(tmp_path: Path):
    twice().half().save_pretrained(tmp_path / "a")
    network = Twice.from_pretrained(tmp_path / "a")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_nothing_is_overwritten_unasked(tmp_path: Path):
    twice().save_pretrained(tmp_path / "a")
    before = (tmp_path / "a" / MODEL).read_bytes()
    with pytest.raises(ImageFileError, match="exists already"):
        twice(seed=1).save_pretrained(tmp_path / "a")
    assert (tmp_path / "a" / MODEL).read_bytes() == before
    twice(seed=1).save_pretrained(tmp_path / "a", overwrite=True)
    assert (tmp_path / "a" / MODEL).read_bytes() != before


def test_a_name_is_looked_up_at_home_and_in_the_zoo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    twice(seed=1).save_pretrained(folders.ZOO / "mine")
    assert torch.equal(Twice.from_pretrained("mine").first.weight, twice(seed=1).first.weight)
    twice(seed=2).save_pretrained(folders.place("mine"))
    assert torch.equal(Twice.from_pretrained("mine").first.weight, twice(seed=2).first.weight)
    assert folders.names() == {"mine": folders.home() / "mine"}


@pytest.mark.parametrize("name", ["missing", "../up", "", "a/b", ".", "con\nfig"])
def test_what_is_not_there_is_said_in_a_line(name: str):
    with pytest.raises(CheckpointError, match="no checkpoint") as caught:
        Twice.from_pretrained(name)
    assert "\n" not in str(caught.value).replace(name, "")


@pytest.mark.parametrize("name", [*folders.SHIPPED, "scenes-biggan/discriminator"])
def test_a_shipped_network_that_is_not_installed_names_the_distribution(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(folders, "ZOO", tmp_path / "zoo")
    with pytest.raises(CheckpointError, match="pip install priorfit-zoo"):
        Twice.from_pretrained(name)
    twice().save_pretrained(folders.home() / name)  # one's own of that name is as good
    assert Twice.from_pretrained(name).first.in_features == 4


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "x" * 81, ".hidden"])
def test_a_checkpoint_has_a_plain_name(name: str):
    with pytest.raises(CheckpointError, match="is no name for a checkpoint"):
        folders.place(name)


def test_another_kind_of_network_is_refused(tmp_path: Path):
    twice().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="holds a twice, expected a Discriminator"):
        Discriminator.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 5}, "is \\(4, 4\\), expected \\(5, 5\\)"),
        ({"width": 1 << 40}, "setting 'width' cannot be"),
        ({"width": True}, "setting 'width' cannot be"),
        ({"width": "4"}, "setting 'width' cannot be"),
        ({"width": None}, "setting 'width' cannot be"),
        ({"width": -4}, "no twice can be built"),
        ({"slope": float("nan")}, "setting 'slope' cannot be"),
        ({"ending": "eval"}, "setting 'ending' cannot be"),
        ({"depths": [1] * 65}, "has 65 entries"),
        ({"depths": [[1]]}, "setting 'depths' cannot be"),
        ({"strange": 1}, "has no setting 'strange'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, object], message: str):
    with pytest.raises(CheckpointError, match=message):
        build_stored(stored(**changes))


def test_a_missing_setting_is_named():
    network = stored()
    with pytest.raises(CheckpointError, match="width"):
        build_stored(Stored("twice", {}, network.tensors))


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_every_tensor_has_its_place(change: str):
    tensors = dict(stored().tensors)
    if change == "missing":
        del tensors["first.bias"]
    else:
        tensors["third.bias"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match=f"{change} (first|third).bias"):
        build_stored(Stored("twice", {"width": 4}, tensors))


def test_an_unknown_kind_is_refused():
    with pytest.raises(CheckpointError, match="no kind of network 'os"):
        build_stored(Stored("os.system", {}, {}))


HEADERS = {
    "empty": b"",
    "short": b"\x01\x02",
    "longer than the file": struct.pack("<Q", 1 << 20) + b"{}",
    "absurd": struct.pack("<Q", (1 << 63) - 1) + b"{}",
    "no JSON": struct.pack("<Q", 4) + b"nope",
    "beyond the end": struct.pack("<Q", 59)
    + b'{"a":{"dtype":"F32","shape":[900000],"data_offsets":[0,36]}}'[:59],
}


@pytest.mark.parametrize("data", HEADERS.values(), ids=HEADERS)
def test_a_damaged_model_is_refused(data: bytes, tmp_path: Path):
    twice().save_pretrained(tmp_path)
    (tmp_path / MODEL).write_bytes(data)
    with pytest.raises(CheckpointError, match="safetensors"):
        Twice.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "{}", '{"priorfit": 2}', '{"priorfit": 1, "kind": 3}', "[" * 100_000]
)
def test_a_damaged_description_is_refused(text: str, tmp_path: Path):
    twice().save_pretrained(tmp_path)
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(CheckpointError, match=CONFIG):
        Twice.from_pretrained(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(kind=JSON, config=JSON, source=JSON)
def test_no_description_does_more_than_fail(kind, config, source):
    description = {"priorfit": 1, "kind": kind, "config": config, "source": source}
    folder = folders.home() / "hostile"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(description))
    (folder / MODEL).write_bytes(b"")
    with pytest.raises(CheckpointError):
        Pretrained.from_pretrained("hostile")


@given(cut=st.integers(0, 400))
def test_a_model_cut_anywhere_is_refused(cut: int):
    folder = folders.home() / "cut"
    twice().save_pretrained(folder, overwrite=True)
    whole = (folder / MODEL).read_bytes()
    (folder / MODEL).write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(CheckpointError):
        Twice.from_pretrained("cut")


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_halves_make_the_whole(layer: int):
    network = twice()
    z = network.sample(Noise([0, 1]))
    assert torch.equal(network.upper(network.lower(z, layer), layer, z), network(z))


@pytest.mark.parametrize("layer", [-1, 3])
def test_a_split_elsewhere_is_refused(layer: int):
    with pytest.raises(ProblemError, match="from 0 to 2"):
        twice().lower(torch.zeros(1, 4), layer)


def test_a_picture_lies_between_black_and_white():
    values = torch.tensor([-1.0, 0.0, 1.0])
    assert torch.equal(twice().image(values), torch.tensor([0.0, 0.5, 1.0]))


def test_the_hash_is_that_of_the_file(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(tmp_path / "a") == known
