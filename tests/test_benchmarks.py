"""Benchmarks are run by hand, and seldom: what they import has to be there all the same."""

import importlib
from pathlib import Path

import pytest
import torch
from benchmarks import batches, large

from priorfit.degradations import Identity
from priorfit.loop.fit import Recipe
from priorfit.noise import Noise
from priorfit.priors.deep_image import DeepImagePrior
from priorfit.priors.inputs import UniformNoise
from priorfit.priors.moves import Moving
from priorfit.problem import Problem
from tests.test_priors import HALF, SMALL

MODULES = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_benchmark_can_be_imported(path):
    importlib.import_module(f"benchmarks.{path.stem}")


@pytest.mark.parametrize("name", large.PARTS)
def test_a_part_of_the_large_benchmark_runs_alone(name, monkeypatch):
    ran = []
    for part in large.PARTS:
        monkeypatch.setitem(large.PARTS, part, lambda part=part: ran.append(part))
    large.main([name])
    assert ran == [name]


def test_without_a_name_all_parts_run_and_the_beginning_of_one_is_none(monkeypatch):
    ran = []
    for part in large.PARTS:
        monkeypatch.setitem(large.PARTS, part, lambda part=part: ran.append(part))
    large.main([])
    assert ran == list(large.PARTS)
    with pytest.raises(SystemExit):
        large.main(["sea"])


@pytest.mark.parametrize("network", [SMALL, HALF])
def test_images_in_one_call_are_those_drawn_one_by_one(network):
    prior = DeepImagePrior(network, [UniformNoise(3)], moving=Moving(turning=True, shifting=4))
    draws = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64, generator=draws)
    noise = Noise([0, 1, 2])
    code = prior.vary(prior.start(Problem(images, Identity()), noise), noise)
    at_once = batches.in_one_call(Recipe(prior, [])).prior
    torch.testing.assert_close(at_once.render(code), prior.render(code))
