import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from priorfit.cli import options
from priorfit.loop import memory
from priorfit.records.sidecar import load_sidecar
from tests.tiny import photo, pixels

UNITS = {"": 1, "K": 1000, "MB": 10**6, "GB": 10**9, " gb": 10**9, "GiB": 2**30, "t": 10**12}


@pytest.fixture(autouse=True)
def small_probes(monkeypatch) -> None:
    monkeypatch.setattr(memory, "_SIDES", (24, 40))


@given(st.integers(1, 10**6), st.sampled_from(sorted(UNITS)))
def test_a_size_is_a_number_with_a_unit(number: int, unit: str):
    assert options.memory(f"{number}{unit}") == number * UNITS[unit]


@given(st.text())
def test_any_other_text_is_one_clear_error(text: str):
    try:
        assert options.memory(text) >= 1
    except typer.BadParameter as error:
        assert "8GB" in str(error)


def test_the_command_says_beforehand_what_it_will_take(priorfit, folder):
    photo(folder / "a.png", size=(50, 90))
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--tile", 48, "--steps", 2)
    assert answer.status == 0
    assert answer.lines[0].startswith("priorfit: a.png: in 6 tiles of 48 pixels, foretold: ")
    assert pixels(folder / "b.png").shape == (50, 90, 3)
    assert load_sidecar(folder / "b.png").tiles == 6


def test_json_holds_what_was_foretold_and_nothing_else_is_said(priorfit, folder):
    photo(folder / "a.png", size=(50, 90))
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--tile", 48, "--steps", 2, "--json")
    record = json.loads(answer.out)
    assert record["tiles"] == 6
    assert record["memory_foretold"] > 0
    assert not answer.err


def test_a_limit_that_nothing_fits_into_is_one_line_and_no_traceback(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--memory-limit", "150MB")
    assert answer.status == 1
    assert len(answer.lines) <= 2  # the length of the recipe, and the error
    assert answer.lines[-1].startswith("priorfit: a.png: ")
    assert not (folder / "b.png").exists()


@pytest.mark.parametrize("size", ["lots", "0", "-3GB", "8XB", ""])
def test_a_size_that_is_none_is_wrong_usage(priorfit, folder, size):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", f"--memory-limit={size}")
    assert answer.status == 2
    assert "--memory-limit" in answer.err
