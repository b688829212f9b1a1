"""Noise levels: fractions of full scale, or the picture's own units, said which."""

import json

import numpy as np
import pytest

from priorfit.records.sidecar import load_sidecar
from priorfit.tasks import Denoise
from tests.tiny import array, photo


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("0.1", 0.1),
        ("1e-2", 0.01),
        ("1", 1),
        ("25/255", 25 / 255),
        ("8.5/255", 8.5 / 255),
        (" 25 / 255 ", 25 / 255),
    ],
)
def test_fractions_and_decimals_are_fractions_of_full_scale(text, value):
    assert Denoise(noise_std=text).noise_std == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"), [("12counts", 12), ("12 counts", 12), ("0.5counts", 0.5), ("1count", 1)]
)
def test_counts_are_the_pictures_own_units(text, value):
    task = Denoise(noise_std=text)
    assert (task.noise_std, task.noise_std_counts) == (None, value)


@pytest.mark.parametrize("text", ["auto", "Auto"])
def test_auto_is_no_level(text):
    assert Denoise(noise_std=text) == Denoise()


TYPES = {"u1": 255, "u2": 65535, "f4": 1}


@pytest.mark.parametrize("dtype", TYPES)
def test_counts_are_a_fraction_of_what_the_type_holds(priorfit, folder, dtype):
    np.save(folder / "a.npy", array(dtype=dtype))
    counts = 0.1 * TYPES[dtype]
    given = ("--noise-std", f"{counts}counts", "--json")
    answer = priorfit("denoise", "a.npy", "-o", "b.npy", *given)
    assert answer.status == 0
    sidecar = load_sidecar(folder / "b.npy")
    assert sidecar.noise_std == pytest.approx(0.1)
    assert (
        sidecar.options["noise_std_counts"]
        == json.loads(answer.out)["options"]["noise_std_counts"]
        == pytest.approx(counts)
    )
    assert sidecar.options["noise_std"] is None
    assert sidecar.repeat[:2] == ("--noise-std", f"{counts!r}counts")


def test_more_counts_than_the_picture_can_hold_are_refused(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("denoise", "a.png", "-o", "b.png", "--noise-std", "300counts")
    assert answer.status == 1
    assert "0 to 255 counts, the full scale of the picture, got 300 counts" in answer.err
