"""Numbers in words."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from priorfit.classical.needless import without_artefacts, without_noise
from priorfit.wording import counted, grey_levels


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 steps"), (1, "1 step"), (2, "2 steps"), (1200, "1200 steps"), (12000, "12,000 steps")],
)
def test_one_is_singular_and_all_else_plural(number, said):
    assert counted(number, "step") == said


def test_a_plural_of_its_own():
    assert counted(1, "copy", "copies") == "1 copy"
    assert counted(3, "copy", "copies") == "3 copies"


@given(st.floats(0, 1))
def test_a_level_has_no_more_digits_than_mean_something(level):
    said = grey_levels(level)
    assert re.fullmatch(r"0/255|less than 0\.1/255|\d{1,3}(\.\d)?/255|0\.\d\d/255", said)
    if said[0].isdigit() and level * 255 > 0.1:
        assert float(said.split("/")[0]) == pytest.approx(level * 255, rel=0.06)


def test_no_raw_estimate_is_printed():
    assert "less than 0.1/255" in without_noise(torch.rand(1, 1, 16, 16), 4.4e-29 / 255)
    assert "e-" not in without_artefacts(1e-12)
