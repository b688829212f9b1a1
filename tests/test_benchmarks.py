"""Benchmarks are run by hand, and seldom: what they import has to be there all the same."""

import importlib
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_benchmark_can_be_imported(path):
    importlib.import_module(f"benchmarks.{path.stem}")
