from itertools import groupby

import pytest

from priorfit.recipes import ANALYSES, FAMILIES, METHODS

OWN = {
    "denoise-unguided": [
        "copies=24",
        "epsilon=0.02",
        "down=64, up=48, skip=16",
        "longest\t2000",
        "turning=yes, shifting=16",
    ],
    "inpaint-unguided": ["fraction=0.1", "HeldOut(weight=8)", "Lengthening(power=8)", "× 5"],
    "upscale-unguided": [
        "scale=0.1",
        "moving\tnot at all",
        "longest\t1200",
        "Rewinding(drop=10, every=50",
    ],
}


def test_every_recipe_is_listed_on_one_line(priorfit):
    answer = priorfit("recipes", "list")
    rows = [line.split("\t") for line in answer.out.splitlines()]
    assert answer.status == 0
    assert sorted(row[0] for row in rows[1:]) == sorted({**METHODS, **ANALYSES})
    assert {len(row) for row in rows} == {4}
    tasks = {"denoise", "inpaint", "upscale", "deblur", "dejpeg", "fuse", "enhance", "invert"}
    tasks |= {"preimage", "maximise", "effect", "impedance"}
    assert {row[1] for row in rows[1:]} == tasks
    families = [row[0].partition("/")[0] for row in rows[1:]]
    assert [name for name, _ in groupby(families)] == [family.name for family in FAMILIES]


@pytest.mark.parametrize("name", sorted({**METHODS, **ANALYSES}))
def test_every_number_is_shown_with_its_source(priorfit, name):
    answer = priorfit("recipes", "show", name)
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in answer.out.splitlines()}
    assert answer.status == 0
    first = next(name for name in ("network", "start", "generator") if name in rows)
    assert all(rows[cited][1] for cited in (first, "rate", "steps", "objective"))
    assert "0x" not in answer.out


def test_no_number_of_our_own_recipes_is_left_out(priorfit):
    shown = {name: priorfit("recipes", "show", f"dip/{name}").out for name in OWN}
    for name, numbers in OWN.items():
        assert [number for number in numbers if number not in shown[name]] == []


def test_an_unknown_recipe_is_wrong_usage(priorfit):
    answer = priorfit("recipes", "show", "dip/denoize")
    assert answer.status == 2
    assert "did you mean 'dip/denoise'" in answer.err
