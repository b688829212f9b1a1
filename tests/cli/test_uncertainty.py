"""--uncertainty: the spread of the runs beside every picture, or a line that there is none."""

from dataclasses import replace

import numpy as np
import pytest

from priorfit import recipes
from priorfit.recipes.method import Cited
from priorfit.records.sidecar import load_sidecar
from tests.tiny import TINY, photo

SEVERAL = ("--recipe", "dip/denoise-several", "--noise-std", 0.1, "-q")


@pytest.fixture
def pictures(folder, monkeypatch):
    monkeypatch.setitem(
        recipes.METHODS, "dip/denoise-several", replace(TINY, runs=Cited(2, "tests"))
    )
    for name in ("a.png", "b.png"):
        photo(folder / name)
    return folder


def test_several_pictures_have_theirs_in_a_folder(priorfit, pictures):
    answer = priorfit("denoise", "a.png", "b.png", "-o", "out", "--uncertainty", "spread", *SEVERAL)
    assert (answer.status, answer.err) == (0, "")
    for name in ("a.png", "b.png"):
        assert (pictures / "spread" / name).exists()
        assert load_sidecar(pictures / "out" / name).uncertainty.file == name


def test_one_picture_has_its_in_a_file(priorfit, pictures):
    priorfit("denoise", "a.png", "-o", "x.png", "--uncertainty", "x.npy", *SEVERAL)
    assert np.load(pictures / "x.npy").shape == (20, 24, 3)


def test_a_recipe_without_says_so_in_a_line(priorfit, pictures):
    answer = priorfit("denoise", "a.png", "-o", "x.png", "--uncertainty", "x.npy", "-q")
    assert (answer.status, len(answer.lines)) == (1, 1)
    assert "gives no uncertainty" in answer.err
    assert not (pictures / "x.png").exists()


def test_it_is_not_the_picture_itself(priorfit, pictures):
    answer = priorfit("denoise", "a.png", "-o", "x.png", "--uncertainty", "x.png", *SEVERAL)
    assert answer.status == 2
    assert "two results would have the name" in answer.err
