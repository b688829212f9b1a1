"""What every test stands on: one thread, plain arithmetic, and where the shared fixtures lie."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from priorfit.recipes import METHODS, Kit
from priorfit.runs import Job
from priorfit.tasks import Denoise
from priorfit.testing import tiny_generator
from tests.tiny import photo, tiny_settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

# The same examples on every run and machine, and no verdict on how fast the machine is.
settings.register_profile("priorfit", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("priorfit")


@pytest.fixture(autouse=True, scope="session")
def _plain_arithmetic():
    """Results must depend on neither the machine's cores nor on what a command switched on."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of fixtures and images beside the checkout; a test that needs it skips without."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared fixtures, a folder ../shared beside the checkout")
    return SHARED


@pytest.fixture
def tiny_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default recipes, with a network of four channels and a schedule of four steps."""
    for name, setting in tiny_settings().items():
        monkeypatch.setitem(METHODS, name, setting)


@pytest.fixture
def job(tmp_path: Path, tiny_recipes: None) -> Job:
    """Denoise `in.png` to `out.png`, in four steps of a tiny network that is handed out."""
    return Job(
        input=photo(tmp_path / "in.png"),
        output=tmp_path / "out.png",
        task=Denoise(noise_std=0.1),
        recipe="dip/denoise",
        device="cpu",
        hand_out="fit",
    )


@pytest.fixture(scope="session")
def tiny_kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A tiny generator, in a folder, that has every space; no generator of the zoo has."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    tiny_generator().save_pretrained(folder)
    return Kit(names={"generator": str(folder)})
