"""A job to change and run."""

from pathlib import Path

import pytest

from priorfit.runs import Job
from priorfit.tasks import Denoise
from tests.tiny import photo


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
