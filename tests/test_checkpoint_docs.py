"""docs/checkpoints.md: it names every layout, and what it shows runs."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import priorfit as pf
from priorfit.checkpoints import directions
from priorfit.checkpoints.layouts import LAYOUTS
from priorfit.networks import pretrained
from priorfit.networks.initialise import initialised
from tests.test_pretrained import Sizes, Twice

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "checkpoints.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("layout", [*LAYOUTS, directions.LAYOUT], ids=lambda layout: layout.name)
def test_every_layout_has_a_row(layout):
    assert f"\n| {layout.name} |" in PAGE


def test_the_first_snippet_loads_draws_and_saves(tmp_path, monkeypatch):
    monkeypatch.setenv("PRIORFIT_HOME", str(tmp_path))
    monkeypatch.setitem(pretrained.HOMES, "twice", "tests.test_pretrained.Twice")
    monkeypatch.chdir(tmp_path)
    twice = initialised(lambda: Twice(Sizes(4)), torch.Generator().manual_seed(0))
    twice.save_pretrained(tmp_path / "checkpoints" / "mine")
    names: dict[str, object] = {}
    exec(SNIPPETS[0], names)
    assert names["images"].shape == (2, 3, 2, 2)
    assert (tmp_path / "folder" / "model.safetensors").is_file()


def test_ones_own_generator_is_one_after_a_few_lines():
    names: dict[str, object] = {}
    exec(SNIPPETS[1], names)
    network = nn.Sequential(nn.ConvTranspose2d(100, 3, 64), nn.Tanh())
    mine = names["Mine"](network)
    z = mine.sample(pf.Noise([0, 1])).requires_grad_()
    images = mine.image(mine(z))
    assert images.shape == (2, 3, 64, 64)
    assert 0 <= images.min() and images.max() <= 1
    images.sum().backward()
    assert z.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in mine.parameters())
