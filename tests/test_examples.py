"""Every example runs, and what it makes comes closer to the truth than what it was given."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
STEPS = {"own_prior": 400, "own_generator": 200}  # tiny fits; the others would take a minute


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_prints_what_happened(path, capsys):
    runpy.run_path(str(path))["main"](steps=STEPS.get(path.stem, 2))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    if path.stem in STEPS:
        before, after = (float(re.search(r"(-?[\d.]+) dB", line)[1]) for line in lines)
        assert after > before + 3


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_one_page_and_says_how_to_run_it(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 90
    assert f"    python examples/{path.name}\n" in text
