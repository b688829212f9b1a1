"""LPIPS is measured where its heads and their classifier are among the checkpoints."""

import pytest
import torch

from priorfit.runs.measure import lpips_network, scores
from tests.test_lpips import whole


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path))
    return tmp_path / "checkpoints"


def test_without_checkpoints_there_is_no_lpips(home):
    assert lpips_network() is None
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert set(scores(image, image, on_luma=False, network=None)) == {"psnr", "ssim"}


def test_a_stored_distance_is_found_and_measures(home):
    whole("squeezenet1_1").save_pretrained(home / "lpips-squeeze")
    draws = torch.Generator().manual_seed(0)
    image, other = torch.rand(2, 1, 3, 48, 48, generator=draws)
    values = scores(image, other, on_luma=False, network=lpips_network())
    assert values["lpips"] > 0
    assert "lpips" not in scores(image[..., :16], other[..., :16], on_luma=False)
