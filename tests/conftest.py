"""What every test stands on: one thread, plain arithmetic, and where the shared fixtures lie."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from priorfit.recipes import METHODS
from tests.tiny import tiny_settings

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
