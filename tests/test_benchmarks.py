"""Benchmarks are run by hand, and seldom: what they import has to be there all the same."""

import importlib
from pathlib import Path

import pytest
from benchmarks import large

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
